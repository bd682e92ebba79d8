import { createRng } from '../math/rng.ts';

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * A 95% percentile interval of a mean over listeners, by resampling listeners.
 *
 * For two models on the same listeners pass the differences: where the interval excludes 0, one is better.
 *
 * @param values - Shape (nUsers,).
 * @param options - `resamples` defaults to 1,000.
 * @see Efron and Tibshirani (1993), "An Introduction to the Bootstrap", percentile interval.
 */
export function bootstrapMean(
  values: Float64Array,
  options: { readonly seed: number; readonly resamples?: number },
): Interval {
  const { seed, resamples = 1000 } = options;
  const n = values.length;
  const total = values.reduce((sum, x) => sum + x, 0);
  if (n === 0) return { mean: 0, low: 0, high: 0 };
  const rng = createRng(seed);
  const means = new Float64Array(resamples);
  for (let b = 0; b < resamples; b++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[rng.integer(n)]!;
    means[b] = sum / n;
  }
  means.sort();
  return {
    mean: total / n,
    low: means[Math.floor(0.025 * (resamples - 1))]!,
    high: means[Math.ceil(0.975 * (resamples - 1))]!,
  };
}
