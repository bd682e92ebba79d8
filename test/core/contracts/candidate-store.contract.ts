import { describe, expect, it } from 'vitest';
import type { CandidateEntry, CandidateStore } from '../../../layers/core/src/ports.ts';

/** Far enough ahead (2100) that no store drops the records meanwhile. */
const EXPIRES_AT_MS = 4_102_444_800_000;

const entry = (index: number, salt = 0): CandidateEntry => ({
  userId: String(1000 + index),
  record: Uint8Array.from({ length: 40 + (index % 50) }, (_, i) => (index * 31 + i * 7 + salt) % 256),
});
const entries = (n: number, salt = 0): readonly CandidateEntry[] =>
  Array.from({ length: n }, (_, i) => entry(i, salt));

/** What a store holds of the listeners of `expected`, in the form of {@link asStored}. */
const readBack = async (
  store: CandidateStore,
  version: string,
  expected: readonly CandidateEntry[],
): Promise<readonly (readonly number[])[]> =>
  Promise.all(expected.map(async ({ userId }) => [...((await store.read(userId, version)) ?? [])]));
const asStored = (expected: readonly CandidateEntry[]): readonly (readonly number[])[] =>
  expected.map(({ record }) => [...record]);

/**
 * What every {@link CandidateStore} keeps.
 *
 * @param make - A store without records, a new one for each test.
 */
export function candidateStoreContract(name: string, make: () => Promise<CandidateStore>): void {
  describe(`${name} keeps the CandidateStore contract`, () => {
    it('answers undefined for a listener or a version it has nothing of', async () => {
      const store = await make();
      expect(await store.read('51', 'v1')).toBeUndefined();
      await store.write('v1', [entry(0)], { expiresAtMs: EXPIRES_AT_MS });
      expect(await store.read('51', 'v1')).toBeUndefined();
      expect(await store.read(entry(0).userId, 'v2')).toBeUndefined();
    });

    it('gives back every record that was written and counts them all', async () => {
      const store = await make();
      const records = entries(130);
      expect(await store.write('v1', records, { expiresAtMs: EXPIRES_AT_MS })).toBe(130);
      expect(await readBack(store, 'v1', records)).toEqual(asStored(records));
    });

    it('stores nothing for no records', async () => {
      const store = await make();
      expect(await store.write('v1', [], { expiresAtMs: EXPIRES_AT_MS })).toBe(0);
    });

    it('keeps a record of 8 KB and listener ids with any characters', async () => {
      const store = await make();
      const records: CandidateEntry[] = [
        { userId: '1', record: Uint8Array.from({ length: 8192 }, (_, i) => i % 251) },
        { userId: 'name with # / and ü', record: Uint8Array.of(1) },
      ];
      expect(await store.write('v1', records, { expiresAtMs: EXPIRES_AT_MS })).toBe(2);
      expect(await readBack(store, 'v1', records)).toEqual(asStored(records));
    });

    it('keeps versions apart', async () => {
      const store = await make();
      await store.write('v1', entries(3), { expiresAtMs: EXPIRES_AT_MS });
      await store.write('v2', entries(3, 5), { expiresAtMs: EXPIRES_AT_MS });
      expect(await readBack(store, 'v1', entries(3))).toEqual(asStored(entries(3)));
      expect(await readBack(store, 'v2', entries(3, 5))).toEqual(asStored(entries(3, 5)));
    });

    it('can be repeated, and the last write stands', async () => {
      const store = await make();
      await store.write('v1', entries(30, 5), { expiresAtMs: EXPIRES_AT_MS });
      expect(await store.write('v1', entries(30), { expiresAtMs: EXPIRES_AT_MS })).toBe(30);
      expect(await readBack(store, 'v1', entries(30))).toEqual(asStored(entries(30)));
    });

    it('does not share memory with its callers', async () => {
      const store = await make();
      const mine = entry(0);
      await store.write('v1', [mine], { expiresAtMs: EXPIRES_AT_MS });
      mine.record.fill(0);
      (await store.read(mine.userId, 'v1'))!.fill(0);
      expect(await readBack(store, 'v1', [entry(0)])).toEqual(asStored([entry(0)]));
    });

    it('stops at a deadline that has passed; what it counted is stored and the rest can follow', async () => {
      const store = await make();
      const records = entries(200);
      const count = await store.write('v1', records, { expiresAtMs: EXPIRES_AT_MS, deadlineMs: 1 });
      expect(count).toBeLessThan(200);
      expect(await readBack(store, 'v1', records.slice(0, count))).toEqual(asStored(records.slice(0, count)));
      const rest = await store.write('v1', records.slice(count), { expiresAtMs: EXPIRES_AT_MS });
      expect(count + rest).toBe(200);
      expect(await readBack(store, 'v1', records)).toEqual(asStored(records));
    });

    it('reports progress in counts that add up to the records', async () => {
      const store = await make();
      let reported = 0;
      await store.write('v1', entries(60), {
        expiresAtMs: EXPIRES_AT_MS,
        onWritten: (count) => {
          reported += count;
        },
      });
      expect(reported).toBe(60);
    });
  });
}
