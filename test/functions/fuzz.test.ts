import { expect, it } from 'vitest';
import { ROUTES } from '../../functions/routes.ts';
import { fuzzRequests } from './fuzz-requests.ts';

it('answers 1,500 random requests over every route without a fault of its own, as the contracts say', async () => {
  const { succeeded } = await fuzzRequests({ seed: 7, numRuns: 1_500 });
  expect([...succeeded].toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted());
});
