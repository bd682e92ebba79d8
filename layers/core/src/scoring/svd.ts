import { quantile } from '../math/quantile.ts';
import { solveSpd } from '../math/solve-spd.ts';
import type { History } from './history.ts';
import { scoreColumns } from './score-columns.ts';

/** The fewest and the most plays of any entry: where ratings are 0 and 1. */
export interface DataSetScale {
  readonly lowest: number;
  readonly highest: number;
}

/** The quantile of a listener's own plays from which ratings are 1, in (0, 1]. */
export interface ListenerScale {
  readonly quantile: number;
}

export type RatingScale = DataSetScale | ListenerScale;

/**
 * Ratings in [0, 1] of one listener's plays.
 *
 * On a scale of the data set r = plays^¼, min-max scaled; 0 where all plays are equal, and plays beyond the scale count as its
 * end. On a listener's scale r = min(1, (plays / q)^¼) with q the {@link quantile} of the listener's plays: plays that are all
 * multiplied by one number are rated as before, to the bit.
 *
 * @param plays - Shape (n,), positive.
 * @returns Shape (n,).
 */
export function ratingsOf(plays: Float64Array, scale: RatingScale): Float64Array {
  if ('quantile' in scale) {
    const q = quantile(plays, scale.quantile);
    return plays.map((value) => Math.min(1, fourthRoot(value / q)));
  }
  const least = fourthRoot(scale.lowest);
  const range = fourthRoot(scale.highest) - least;
  return plays.map((value) =>
    range > 0 ? Math.min(1, Math.max(0, (fourthRoot(value) - least) / range)) : 0,
  );
}

/** Two square roots, which IEEE 754 rounds correctly, and not a power, which every machine may round its own way. */
function fourthRoot(x: number): number {
  return Math.sqrt(Math.sqrt(x));
}

/** What a BiasedSVD knows of artists. */
export interface SvdArtists {
  readonly nFactors: number;
  readonly globalMean: number;
  /** Shape (nArtists,). */
  readonly itemBiases: Float32Array | Float64Array;
  /** Shape (nArtists × nFactors,), row-major. */
  readonly itemFactors: Float32Array | Float64Array;
  readonly ratings: RatingScale;
  /** Per entry, as the descent applies it. */
  readonly regularisation: number;
}

/** Keeps the system solvable where nothing is regularised and less was heard than there are factors. */
const LEAST_RIDGE = 1e-6;

/**
 * The BiasedSVD factors of a listener who was not fitted: with the artists held fixed, ridge regression of what the biases
 * leave of the ratings, with a bias of the listener's own.
 *
 * Minimises Σ_i (r_i − μ − b_i − b − q_i · p)² + n · reg · (b² + ‖p‖²): the descent pulls at every one of n entries.
 *
 * @returns Shape (nFactors,): p. 0, the middle of the regulariser, for an empty history or one without plays.
 */
export function foldInSvdFactors(svd: SvdArtists, { items, plays }: History): Float64Array {
  const { nFactors, globalMean, itemBiases, itemFactors, ratings, regularisation } = svd;
  if (plays === null || items.length === 0) return new Float64Array(nFactors);
  const n = nFactors + 1;
  const a = new Float64Array(n * n);
  const b = new Float64Array(n);
  // The bias is the factor on which every artist has 1.
  const q = new Float64Array(n);
  q[0] = 1;
  const rated = ratingsOf(plays, ratings);
  for (let h = 0; h < items.length; h++) {
    const item = items[h]!;
    q.set(itemFactors.subarray(item * nFactors, (item + 1) * nFactors), 1);
    const residual = rated[h]! - globalMean - itemBiases[item]!;
    for (let r = 0; r < n; r++) {
      b[r]! += residual * q[r]!;
      for (let c = r; c < n; c++) a[r * n + c]! += q[r]! * q[c]!;
    }
  }
  const ridge = items.length * Math.max(LEAST_RIDGE, regularisation);
  for (let r = 0; r < n; r++) a[r * n + r]! += ridge;
  return solveSpd(a, b).slice(1);
}

/**
 * Ranks by predicted rating, without the mean and the listener's bias, which are the same for every artist.
 *
 * @returns Writes the scores of a history, b_i + p · q_i, shape (nArtists,); all 0 for an empty one. Without plays p is 0: what is
 *   left is how much its listeners play an artist.
 */
export function createBiasedSvdScorer(svd: SvdArtists): (history: History, out: Float64Array) => void {
  return (history, out) => {
    if (history.items.length === 0) {
      out.fill(0);
      return;
    }
    scoreColumns(foldInSvdFactors(svd, history), svd.itemFactors, out);
    for (let i = 0; i < out.length; i++) out[i]! += svd.itemBiases[i]!;
  };
}
