import { describe, expect, it } from 'vitest';
import { simulateTraffic } from './simulate-traffic.ts';

describe('experiments under traffic', () => {
  it('are read out as what the logs hold, and every assignment follows from its exposure', async () => {
    const { exposures, reproduced, byExperiment } = await simulateTraffic(400);
    expect(reproduced).toBe(exposures - (byExperiment['none'] ?? 0));
    expect(Object.keys(byExperiment).toSorted()).toEqual(['first', 'ranker', 'second']);
  });
});
