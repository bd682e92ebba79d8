import { expect, it } from 'vitest';
import { simulateServing } from './simulate-serving.ts';

it('logs or counts the exposure of each of 1,000,000 lists, and reproduces every assignment from the log', async () => {
  const { served, logged, unlogged, uncertain, reproduced } = await simulateServing({
    seed: 11,
    requests: 1_000_000,
  });
  console.log(
    JSON.stringify({ served, logged, unlogged, uncertain, reproduced: Object.fromEntries(reproduced) }),
  );
  expect(served).toBe(1_000_000);
  expect(logged + unlogged + uncertain).toBe(served);
});
