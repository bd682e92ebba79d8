import { expect, it } from 'vitest';
import { killTrainings } from './kill-trainings.ts';

// A run takes seconds to start and to drain: more kills are in kill-trainings.deep.test.ts.
it('publishes in the run after each of 2 kills, and readers never notice', { timeout: 180_000 }, async () => {
  const { outcomes, answers, violations } = await killTrainings(2, 1);
  expect(violations).toEqual([]);
  expect(outcomes).toEqual(['published', 'published']);
  expect(answers).toBeGreaterThan(20);
});
