import { expect, it } from 'vitest';
import { simulateServing } from './simulate-serving.ts';

it('logs or counts the exposure of each of 4,000 lists, and reproduces every assignment from the log', async () => {
  const { served, logged, unlogged, uncertain, reproduced } = await simulateServing({
    seed: 5,
    requests: 4_000,
  });
  expect(served).toBe(4_000);
  expect(logged + unlogged + uncertain).toBe(served);
  expect(Math.min(logged, unlogged, uncertain)).toBeGreaterThan(20);
  expect([...reproduced.keys()].toSorted()).toEqual(['forced', 'none', 'reproduced']);
});
