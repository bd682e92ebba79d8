import { createRng } from '../math/rng.ts';
import type { ListenerShares } from './metrics.ts';

/** A figure and its 95% interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** What each listener brought to a figure on one split. */
export interface SplitShares extends ListenerShares {
  /** Shape (n,): listener indices, the same numbering in every split. */
  readonly users: Int32Array;
}

/** A figure with its value on every resample, so that two of them can be compared listener by listener. */
export interface Resampled {
  readonly estimate: number;
  /** Shape (resamples,). */
  readonly draws: Float64Array;
}

/**
 * Figures under resampling of listeners: the mean over the splits of Σ sums / Σ weights.
 *
 * A resample draws whole listeners, each with all they did in all splits: what one listener does in two splits is not
 * independent, and drawing (listener, split) pairs would give intervals that are too narrow. Every figure sees the same
 * draws, so that the difference of two is a paired comparison. A split whose weights are all 0 counts as 0.
 *
 * @param figures - For each figure, its splits.
 * @param options - `resamples` defaults to 1,000; `onResample` is called after each.
 * @see Efron and Tibshirani (1993), "An Introduction to the Bootstrap", percentile interval.
 */
export function resampleListeners(
  figures: readonly (readonly SplitShares[])[],
  options: { readonly seed: number; readonly resamples?: number; readonly onResample?: () => void },
): readonly Resampled[] {
  const { seed, resamples = 1000, onResample } = options;
  const listeners = new Set<number>();
  for (const splits of figures) for (const { users } of splits) for (const user of users) listeners.add(user);
  const place = new Map<number, number>();
  for (const user of Int32Array.from(listeners).toSorted()) place.set(user, place.size);
  const n = place.size;
  const placed = figures.map((splits) =>
    splits.map((split) => ({ ...split, places: split.users.map((user) => place.get(user)!) })),
  );
  const figureOf = (splits: (typeof placed)[number], times: Float64Array): number => {
    let total = 0;
    for (const { places, sums, weights } of splits) {
      let sum = 0;
      let weight = 0;
      for (let i = 0; i < places.length; i++) {
        const t = times[places[i]!]!;
        sum += t * sums[i]!;
        weight += t * weights[i]!;
      }
      total += weight === 0 ? 0 : sum / weight;
    }
    return total / Math.max(1, splits.length);
  };

  const once = new Float64Array(n).fill(1);
  const results = placed.map((splits) => ({
    estimate: figureOf(splits, once),
    draws: new Float64Array(resamples),
  }));
  const rng = createRng(seed);
  const times = new Float64Array(n);
  for (let b = 0; b < resamples; b++) {
    times.fill(0);
    for (let i = 0; i < n; i++) times[rng.integer(n)]!++;
    placed.forEach((splits, f) => {
      results[f]!.draws[b] = figureOf(splits, times);
    });
    onResample?.();
  }
  return results;
}

/** The 95% percentile interval of a resampled figure. */
export function intervalOf({ estimate, draws }: Resampled): Interval {
  const sorted = draws.toSorted();
  const last = sorted.length - 1;
  return {
    mean: estimate,
    low: sorted[Math.floor(0.025 * last)] ?? estimate,
    high: sorted[Math.ceil(0.975 * last)] ?? estimate,
  };
}

/** The paired difference of two figures that saw the same resamples: where its interval excludes 0, one is larger. */
export function differenceOf(a: Resampled, b: Resampled): Interval {
  return intervalOf({
    estimate: a.estimate - b.estimate,
    draws: a.draws.map((value, i) => value - b.draws[i]!),
  });
}
