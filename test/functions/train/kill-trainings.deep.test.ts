import { expect, it } from 'vitest';
import { killTrainings } from './kill-trainings.ts';

it('publishes in the run after each of 50 kills, and readers never notice', async () => {
  const { moments, outcomes, resumed, answers, violations } = await killTrainings(50, 2);
  expect(violations).toEqual([]);
  expect(outcomes).toEqual(Array.from({ length: 50 }, () => 'published'));
  expect(answers).toBeGreaterThan(1000);
  // Some were killed in publishing and some before; some of the former had left something to finish.
  expect(moments.some((line) => line.startsWith('publish'))).toBe(true);
  expect(moments.some((line) => !line.startsWith('publish'))).toBe(true);
  expect(resumed).toBeGreaterThan(0);
});
