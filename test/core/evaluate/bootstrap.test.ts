import { describe, expect, it } from 'vitest';

import { bootstrapMean, meanPerListener } from '../../../layers/core/src/evaluate/bootstrap.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';

describe('bootstrapMean', () => {
  it('gives an interval of about ±1.96 standard errors around the mean', () => {
    const rng = createRng(5);
    const values = Float64Array.from({ length: 2000 }, () => 3 + 2 * rng.normal());
    const { mean, low, high } = bootstrapMean(values, { seed: 1 });
    const error = 2 / Math.sqrt(2000);
    expect(mean).toBeCloseTo(3, 0);
    expect((high - low) / (2 * 1.96 * error)).toBeGreaterThan(0.9);
    expect((high - low) / (2 * 1.96 * error)).toBeLessThan(1.1);
    expect(low).toBeLessThan(mean);
    expect(high).toBeGreaterThan(mean);
  });

  it('covers the true mean in about 95% of samples', () => {
    let covered = 0;
    for (let run = 0; run < 300; run++) {
      const rng = createRng(1000 + run);
      const values = Float64Array.from({ length: 100 }, () => rng.normal());
      const { low, high } = bootstrapMean(values, { seed: run, resamples: 400 });
      if (low <= 0 && 0 <= high) covered++;
    }
    // 285 expected; three standard deviations of the binomial are 11.
    expect(covered).toBeGreaterThan(269);
    expect(covered).toBeLessThan(299);
  });

  it('is the same for the same seed and another for another', () => {
    const values = Float64Array.from({ length: 50 }, (_, i) => (i * 7919) % 13);
    expect(bootstrapMean(values, { seed: 3 })).toEqual(bootstrapMean(values, { seed: 3 }));
    expect(bootstrapMean(values, { seed: 3 })).not.toEqual(bootstrapMean(values, { seed: 4 }));
  });

  it('has no width for a constant and is 0 for nobody', () => {
    expect(bootstrapMean(new Float64Array(9).fill(0.5), { seed: 1 })).toEqual({
      mean: 0.5,
      low: 0.5,
      high: 0.5,
    });
    expect(bootstrapMean(new Float64Array(0), { seed: 1 })).toEqual({ mean: 0, low: 0, high: 0 });
  });
});

describe('meanPerListener', () => {
  it('averages what a listener did in several splits, whoever else was measured', () => {
    const splits = [
      { users: Int32Array.of(2, 7), values: Float64Array.of(0.2, 0.5) },
      { users: Int32Array.of(1, 7), values: Float64Array.of(1, 0.7) },
    ];
    expect(meanPerListener(splits)).toEqual(Float64Array.of(1, 0.2, 0.6));
    expect(meanPerListener([])).toHaveLength(0);
  });

  it('keeps the interval as wide as one split has it where the splits say the same', () => {
    const rng = createRng(9);
    const users = Int32Array.from({ length: 400 }, (_, user) => user);
    const split = { users, values: Float64Array.from(users, () => rng.next()) };
    expect(bootstrapMean(meanPerListener([split, split]), { seed: 1 })).toEqual(
      bootstrapMean(split.values, { seed: 1 }),
    );
  });
});
