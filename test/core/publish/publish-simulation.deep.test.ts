import { expect, it } from 'vitest';
import { publishVersion } from '../../../layers/core/src/publish/publish.ts';
import { makePublication } from './make-publication.ts';
import { simulate } from './simulate.ts';

const SCHEDULES = 200_000;

it(`keeps readers on whole versions and fences growing in ${SCHEDULES} schedules`, async () => {
  const publications = await Promise.all([10, 20, 30, 40].map((fence) => makePublication(fence)));
  const found: string[] = [];
  for (let i = 0; i < SCHEDULES; i++) {
    // Seeds that the short test does not use.
    const seed = 1_000_000 + i;
    const { violations } = await simulate(seed, publications, publishVersion);
    if (violations.length > 0) found.push(`schedule ${seed}: ${violations.join('; ')}`);
  }
  expect(found).toEqual([]);
});
