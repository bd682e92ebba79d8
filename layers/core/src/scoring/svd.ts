import { solveSpd } from '../math/solve-spd.ts';
import type { History } from './history.ts';
import { scoreColumns } from './score-columns.ts';

/** The fewest and the most plays of any entry: where ratings are 0 and 1. */
export interface RatingScale {
  readonly lowest: number;
  readonly highest: number;
}

/** r = plays^¼, min-max scaled to [0, 1]; 0 where all plays are equal. Plays beyond the scale count as its end. */
export function ratingOf(plays: number, { lowest, highest }: RatingScale): number {
  // Two square roots, which IEEE 754 rounds correctly, and not a power, which every machine may round its own way.
  const least = Math.sqrt(Math.sqrt(lowest));
  const range = Math.sqrt(Math.sqrt(highest)) - least;
  return range > 0 ? Math.min(1, Math.max(0, (Math.sqrt(Math.sqrt(plays)) - least) / range)) : 0;
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
  for (let h = 0; h < items.length; h++) {
    const item = items[h]!;
    q.set(itemFactors.subarray(item * nFactors, (item + 1) * nFactors), 1);
    const residual = ratingOf(plays[h]!, ratings) - globalMean - itemBiases[item]!;
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
