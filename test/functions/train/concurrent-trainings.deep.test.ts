import { expect, it } from 'vitest';
import { runRounds } from './concurrent-trainings.ts';

const SIZE = { trainings: 50, rounds: 20 };

it('50 trainings at the same time, 20 times: one version a round under the lease', async () => {
  const { published, gaveWay, violations } = await runRounds({ ...SIZE, seed: 3, hasLease: true });
  expect(violations).toEqual([]);
  expect(published.map((versions) => versions.length)).toEqual(Array.from({ length: 20 }, () => 1));
  expect(gaveWay).toBe(20 * 49);
});

it('50 trainings at the same time, 20 times: never a torn or older version without the lease', async () => {
  const { published, gaveWay, pointers, violations } = await runRounds({ ...SIZE, seed: 4, hasLease: false });
  expect(violations).toEqual([]);
  expect(published.flat().length + gaveWay).toBe(1000);
  expect(new Set(pointers.map(({ version }) => version))).toEqual(new Set(published.flat()));
});
