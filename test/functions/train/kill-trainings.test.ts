import { expect, it } from 'vitest';
import { killTrainings } from './kill-trainings.ts';

it('publishes in the run after each of 4 kills, and readers never notice', async () => {
  const { outcomes, answers, violations } = await killTrainings(4, 1);
  expect(violations).toEqual([]);
  expect(outcomes).toEqual(Array.from({ length: 5 }, () => 'published'));
  expect(answers).toBeGreaterThan(100);
});
