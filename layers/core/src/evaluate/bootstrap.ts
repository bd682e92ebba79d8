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

/**
 * Each listener's mean over several splits, to resample listeners and not (listener, split) pairs: what one listener does
 * in two splits is not independent, and pairs would give intervals that are too narrow.
 *
 * @param splits - For each split, shape (n,) each: the listeners measured, and a figure for each.
 * @returns Shape (number of different listeners,), by ascending index.
 */
export function meanPerListener(
  splits: readonly { readonly users: Int32Array; readonly values: Float64Array }[],
): Float64Array {
  const sums = new Map<number, { sum: number; n: number }>();
  for (const { users, values } of splits) {
    users.forEach((user, i) => {
      const known = sums.get(user) ?? { sum: 0, n: 0 };
      sums.set(user, { sum: known.sum + values[i]!, n: known.n + 1 });
    });
  }
  const users = Int32Array.from(sums.keys()).toSorted();
  return Float64Array.from(users, (user) => sums.get(user)!.sum / sums.get(user)!.n);
}
