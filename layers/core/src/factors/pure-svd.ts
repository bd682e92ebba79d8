import type { Csr } from '../math/csr.ts';
import { truncatedSvd } from '../math/truncated-svd.ts';
import { createFactorScorer } from './factor-scorer.ts';

/** A fitted projection on the leading taste directions. */
export interface PureSvdModel {
  /** Shape (rank,), descending: the singular values kept, at most as many as asked for. */
  readonly values: Float64Array;
  /**
   * Scores all artists for a listener of the training part.
   *
   * @param user - Row of the matrix fitted on.
   * @param out - Shape (nArtists,), overwritten.
   */
  readonly scoreUser: (user: number, out: Float64Array) => void;
  /**
   * Scores all artists for any history, in closed form and without refitting; for a row of the training part the same
   * as `scoreUser` up to rounding.
   *
   * @param indices - Shape (n,): artists heard, distinct.
   * @param weights - Shape (n,): interaction weights.
   * @param out - Shape (nArtists,), overwritten; all 0 for an empty history.
   */
  readonly scoreHistory: (indices: Int32Array, weights: Float64Array, out: Float64Array) => void;
}

/**
 * Fits PureSVD: cells that were not heard count as 0, and a listener's scores are their row projected on the leading
 * right singular vectors, x̂_u = x_u V Vᵀ.
 *
 * @param x - Shape (nUsers, nArtists): interaction weights, or 1 for each artist heard; finite.
 * @param options - `factors`: singular vectors kept, an integer >= 1; the rank of the matrix bounds them.
 * @throws {@link EncoreError} `INVALID_OPTION` for another number of factors, `NOT_FINITE` when a weight is not.
 * @see Cremonesi, Koren, Turrin (2010), "Performance of Recommender Algorithms on Top-N Recommendation Tasks".
 */
export function fitPureSvd(x: Csr, options: { readonly factors: number }): PureSvdModel {
  const { rank, values, right } = truncatedSvd(x, options.factors);
  // The scorer takes factors by fours: the rest is 0.
  const factors = Math.max(4, (rank + 3) & ~3);
  const columns = new Float64Array(x.nCols * factors);
  for (let i = 0; i < x.nCols; i++) columns.set(right.subarray(i * rank, (i + 1) * rank), i * factors);
  const project = (indices: Int32Array, weights: Float64Array, out: Float64Array): void => {
    for (let h = 0; h < indices.length; h++) {
      const at = indices[h]! * factors;
      for (let f = 0; f < rank; f++) out[f]! += weights[h]! * columns[at + f]!;
    }
  };
  const rows = new Float64Array(x.nRows * factors);
  for (let u = 0; u < x.nRows; u++) {
    const [from, to] = [x.indptr[u], x.indptr[u + 1]];
    project(x.indices.subarray(from, to), x.values.subarray(from, to), rows.subarray(u * factors));
  }
  return {
    values,
    scoreUser: createFactorScorer(rows, columns, { factors }),
    scoreHistory: (indices, weights, out) => {
      const profile = new Float64Array(factors);
      project(indices, weights, profile);
      for (let i = 0; i < out.length; i++) {
        let sum = 0;
        for (let f = 0; f < rank; f++) sum += profile[f]! * columns[i * factors + f]!;
        out[i] = sum;
      }
    },
  };
}
