import { describe, expect, it } from 'vitest';

import {
  differenceOf,
  intervalOf,
  resampleListeners,
  type Interval,
  type SplitShares,
} from '../../../layers/core/src/evaluate/bootstrap.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';

/** A mean over listeners: each weighs 1. */
function means(values: Float64Array, users = Int32Array.from(values.keys())): SplitShares {
  return { users, sums: values, weights: new Float64Array(values.length).fill(1) };
}

function interval(splits: readonly SplitShares[], options: { seed: number; resamples?: number }): Interval {
  return intervalOf(resampleListeners([splits], options)[0]!);
}

describe('resampleListeners', () => {
  it('gives an interval of about ±1.96 standard errors around the mean', () => {
    const rng = createRng(5);
    const values = Float64Array.from({ length: 2000 }, () => 3 + 2 * rng.normal());
    const { mean, low, high } = interval([means(values)], { seed: 1 });
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
      const { low, high } = interval([means(values)], { seed: run, resamples: 400 });
      if (low <= 0 && 0 <= high) covered++;
    }
    // 285 expected; three standard deviations of the binomial are 11.
    expect(covered).toBeGreaterThan(269);
    expect(covered).toBeLessThan(299);
  });

  it('is the same for the same seed and another for another', () => {
    const split = means(Float64Array.from({ length: 50 }, (_, i) => (i * 7919) % 13));
    expect(interval([split], { seed: 3 })).toEqual(interval([split], { seed: 3 }));
    expect(interval([split], { seed: 3 })).not.toEqual(interval([split], { seed: 4 }));
  });

  it('has no width for a constant and is 0 for nobody', () => {
    expect(interval([means(new Float64Array(9).fill(0.5))], { seed: 1 })).toEqual({
      mean: 0.5,
      low: 0.5,
      high: 0.5,
    });
    expect(interval([means(new Float64Array(0))], { seed: 1 })).toEqual({ mean: 0, low: 0, high: 0 });
  });

  it('keeps the interval as wide as one split has it where the splits say the same', () => {
    const rng = createRng(9);
    const split = means(Float64Array.from({ length: 400 }, () => rng.next()));
    expect(interval([split, split], { seed: 1 })).toEqual(interval([split], { seed: 1 }));
  });

  it('divides what all listeners bring, and means the quotients of the splits', () => {
    const first = { users: Int32Array.of(2, 7), sums: Float64Array.of(1, 3), weights: Float64Array.of(1, 7) };
    const second = {
      users: Int32Array.of(7, 9),
      sums: Float64Array.of(1, 0),
      weights: Float64Array.of(1, 0),
    };
    expect(resampleListeners([[first, second]], { seed: 1 })[0]!.estimate).toBe((0.5 + 1) / 2);
  });

  it('tells of each resample', () => {
    let told = 0;
    resampleListeners([[means(Float64Array.of(1))]], {
      seed: 1,
      resamples: 7,
      onResample: () => told++,
    });
    expect(told).toBe(7);
  });
});

describe('differenceOf', () => {
  it('sees a small difference that both have in common noise, because the listeners are the same', () => {
    const rng = createRng(3);
    const base = Float64Array.from({ length: 300 }, () => rng.normal());
    const [a, b] = resampleListeners([[means(base.map((x) => x + 0.01))], [means(base)]], { seed: 1 });
    const { mean, low, high } = differenceOf(a!, b!);
    for (const bound of [mean, low, high]) expect(bound).toBeCloseTo(0.01, 10);
    expect(intervalOf(a!).low).toBeLessThan(intervalOf(b!).high);
  });
});
