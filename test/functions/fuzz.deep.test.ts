import { expect, it } from 'vitest';
import { ROUTES } from '../../functions/routes.ts';
import { fuzzRequests } from './fuzz-requests.ts';

it('answers 100,000 random requests over every route: no 5xx, none that hangs for a second', async () => {
  const { statuses, succeeded, longestMs } = await fuzzRequests({ seed: 2026, numRuns: 100_000 });
  console.log(
    `answers by status: ${JSON.stringify([...statuses])}; the longest took ${longestMs.toFixed(0)} ms`,
  );
  expect(succeeded.size).toBe(ROUTES.length);
  expect(longestMs).toBeLessThan(1_000);
});
