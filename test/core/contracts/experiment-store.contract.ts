import { describe, expect, it } from 'vitest';
import type { ExperimentRevision } from '../../../layers/core/src/experiment/assign-variant.ts';
import type { ExperimentStore } from '../../../layers/core/src/ports.ts';

const first: ExperimentRevision = {
  key: 'trees-1',
  revision: 1,
  kind: 'ab',
  seed: 'trees-1 ü\u2028"',
  coverage: 0.1 + 0.2,
  layer: { namespace: 'home', start: 0, end: 1 / 3 },
  variants: [
    { key: 'control', weight: 0.7, ranker: 'lr' },
    { key: 'treatment', weight: 0.1 + 0.2, ranker: 'trees' },
  ],
  status: 'running',
  createdAt: 1_795_438_564_123,
  readOutFrom: 1,
};
const { layer: _, ...withoutLayer } = first;

/**
 * What every {@link ExperimentStore} keeps.
 *
 * @param make - A store without experiments, a new one for each test.
 */
export function experimentStoreContract(name: string, make: () => Promise<ExperimentStore>): void {
  describe(`${name} keeps the ExperimentStore contract`, () => {
    it('has no experiments at first, and no revisions of one that is not there', async () => {
      const store = await make();
      expect(await store.list()).toEqual([]);
      expect(await store.revisions('trees-1')).toEqual([]);
    });

    it('gives back every field to the last bit, with a layer and without', async () => {
      const store = await make();
      const second: ExperimentRevision = {
        ...withoutLayer,
        revision: 2,
        kind: 'interleaving',
        readOutFrom: 2,
      };
      expect(await store.add(first)).toBe(true);
      expect(await store.add(second)).toBe(true);
      expect(await store.revisions('trees-1')).toStrictEqual([first, second]);
    });

    it('refuses a number that an experiment has, and keeps what was there', async () => {
      const store = await make();
      expect(await store.add(first)).toBe(true);
      expect(await store.add({ ...first, coverage: 1 })).toBe(false);
      expect(await store.add({ ...first, key: 'other' })).toBe(true);
      expect(await store.revisions('trees-1')).toEqual([first]);
    });

    it('lists the newest revision of each by number, not by letter, in the order of their keys', async () => {
      const store = await make();
      for (const revision of [9, 100, 10, 11]) await store.add({ ...first, key: 'b', revision });
      await store.add({ ...first, key: 'a' });
      await store.add({ ...first, key: 'B', status: 'draft' });
      expect((await store.list()).map(({ key, revision }) => [key, revision])).toEqual([
        ['B', 1],
        ['a', 1],
        ['b', 100],
      ]);
      expect((await store.revisions('b')).map(({ revision }) => revision)).toEqual([9, 10, 11, 100]);
    });

    it('lets exactly one of eight that add the same number at once have it', async () => {
      const store = await make();
      const rivals = Array.from({ length: 8 }, (_none, i) => ({ ...first, seed: `seed ${i}` }));
      const outcomes = await Promise.all(rivals.map((rival) => store.add(rival)));
      const winners = rivals.filter((_none, i) => outcomes[i]);
      expect(winners).toHaveLength(1);
      expect(await store.revisions('trees-1')).toEqual(winners);
    });

    it('keeps what it was given, whatever the caller does with it later', async () => {
      const store = await make();
      const mine = { ...first, variants: [...first.variants] };
      await store.add(mine);
      mine.variants.pop();
      expect(await store.list()).toEqual([first]);
    });
  });
}
