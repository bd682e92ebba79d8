import { expect, it } from 'vitest';
import { publishVersion } from '../../../layers/core/src/publish/publish.ts';
import { resumePublication } from '../../../layers/core/src/publish/resume-publication.ts';
import { simulateMany } from './simulate-many.ts';

// The other half is in publish-simulation-2.deep.test.ts, so that each core has one.
const SCHEDULES = 500_000;

it(`keeps readers on whole versions, fences growing and pins held in ${SCHEDULES} schedules`, async () => {
  const protocol = { publish: publishVersion, resume: resumePublication };
  // Seeds that the short test does not use.
  const { broken } = await simulateMany(protocol, { schedules: SCHEDULES, firstSeed: 1_000_000 });
  expect(broken).toEqual([]);
});
