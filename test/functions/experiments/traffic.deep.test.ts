import { describe, expect, it } from 'vitest';
import { simulateTraffic } from './simulate-traffic.ts';

describe('experiments under heavy traffic', () => {
  it('are read out as what the logs hold, and every assignment follows from its exposure', async () => {
    const { exposures, reproduced, byExperiment } = await simulateTraffic(20_000);
    expect(exposures).toBeGreaterThan(90_000);
    expect(reproduced).toBe(exposures - (byExperiment['none'] ?? 0));
  });
});
