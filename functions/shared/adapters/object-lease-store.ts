import { EncoreError, type LeaseStore, type ModelStore } from '@encore/core/train';

interface Lease {
  readonly fence: number;
  /** `null` while nobody holds it. */
  readonly holder: string | null;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** A lost race is tried again this often; every loss means that somebody else made progress. */
const ATTEMPTS = 20;

/** A lease kept in one object of a model store, moved by conditional writes: for folders, where there is no database. */
export function createObjectLeaseStore(store: ModelStore, key: string): LeaseStore {
  const move = async <T>(
    decide: (lease: Lease) => { readonly next: Lease | null; readonly result: T },
  ): Promise<T> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await store.get(key);
      const lease: Lease =
        found === undefined
          ? { fence: 0, holder: null, expiresAtMs: 0 }
          : (JSON.parse(new TextDecoder().decode(found.body)) as Lease);
      const { next, result } = decide(lease);
      if (next === null) return result;
      const body = new TextEncoder().encode(`${JSON.stringify(next)}\n`);
      if (await store.putIf(key, body, found?.etag ?? null)) return result;
    }
    throw new EncoreError(
      'STORE_UNAVAILABLE',
      `${key} changed under every one of ${ATTEMPTS} attempts to move it`,
      { key },
    );
  };
  return {
    acquire: (holder, nowMs, ttlMs) =>
      move((lease) => {
        if (lease.holder !== null && lease.holder !== holder && nowMs < lease.expiresAtMs) {
          return { next: null, result: undefined };
        }
        const fence = lease.fence + 1;
        return { next: { fence, holder, expiresAtMs: nowMs + ttlMs }, result: { fence } };
      }),
    release: (holder) =>
      move((lease) => ({
        next: lease.holder === holder ? { ...lease, holder: null } : null,
        result: undefined,
      })),
  };
}
