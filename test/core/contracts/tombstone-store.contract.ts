import { describe, expect, it } from 'vitest';
import type { TombstoneStore } from '../../../layers/core/src/ports.ts';

const hash = (i: number): string => i.toString(16).padStart(64, '0');
const AT_MS = 1_795_438_564_123;

/**
 * What every {@link TombstoneStore} keeps.
 *
 * @param make - A store without tombstones, a new one for each test.
 */
export function tombstoneStoreContract(name: string, make: () => Promise<TombstoneStore>): void {
  describe(`${name} keeps the TombstoneStore contract`, () => {
    it('lists nothing before anybody was erased', async () => {
      expect(await (await make()).list()).toEqual(new Map());
    });

    it('lists each listener with the time of the erasure, to the millisecond', async () => {
      const store = await make();
      await store.add(hash(1), AT_MS);
      await store.add(hash(2), AT_MS + 1);
      expect(await store.list()).toEqual(
        new Map([
          [hash(1), AT_MS],
          [hash(2), AT_MS + 1],
        ]),
      );
    });

    it('keeps the latest time of a listener, in whatever order they come', async () => {
      const store = await make();
      for (const at of [5, 9, 7, 9]) await store.add(hash(1), AT_MS + at);
      expect(await store.list()).toEqual(new Map([[hash(1), AT_MS + 9]]));
    });

    it('lists everybody where there are many', async () => {
      const store = await make();
      const n = 120;
      await Promise.all(Array.from({ length: n }, (_, i) => store.add(hash(i), AT_MS + i)));
      const listed = await store.list();
      expect(listed.size).toBe(n);
      for (let i = 0; i < n; i++) expect(listed.get(hash(i))).toBe(AT_MS + i);
    });
  });
}
