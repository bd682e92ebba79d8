import { EncoreError, type FenceIssuer, type LeaseStore, type ModelStore } from '@encore/core/train';
import * as z from 'zod';

const leaseSchema = z.object({
  fence: z.int().min(0),
  /** `null` while nobody holds it. */
  holder: z.string().nullable(),
  /** Epoch milliseconds. */
  expiresAtMs: z.number(),
});
type Lease = z.output<typeof leaseSchema>;

/** A lost race is tried again this often; every loss means that somebody else made progress. */
const ATTEMPTS = 20;

/** A lease kept in one object of a model store, moved by conditional writes: for folders, where there is no database. */
export function createObjectLeaseStore(store: ModelStore, key: string): LeaseStore & FenceIssuer {
  const move = async <T>(
    decide: (lease: Lease) => { readonly next: Lease | null; readonly result: T },
  ): Promise<T> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await store.get(key);
      const lease: Lease =
        found === undefined ? { fence: 0, holder: null, expiresAtMs: 0 } : decodeLease(key, found.body);
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
    issueFence: () =>
      move((lease) => {
        const fence = lease.fence + 1;
        return { next: { ...lease, fence }, result: fence };
      }),
  };
}

/** A lease that cannot be read may have issued any fence: nobody may guess the next. */
function decodeLease(key: string, body: Uint8Array): Lease {
  const text = new TextDecoder().decode(body);
  try {
    return leaseSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `${key}: found ${JSON.stringify(text.slice(0, 60))}, expected a lease with fence, holder and expiresAtMs`,
      { key },
      { cause },
    );
  }
}
