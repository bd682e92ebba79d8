import type { Csr } from '../math/csr.ts';
import { truncatedSvd } from '../math/truncated-svd.ts';
import type { History } from '../scoring/history.ts';
import { createPureSvdScorer, projectRow, type PureSvdTables } from '../scoring/pure-svd.ts';
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
   * @param history - `items`: artists heard, distinct; `weights`: what X holds for each.
   * @param out - Shape (nArtists,), overwritten; all 0 for an empty history.
   */
  readonly scoreHistory: (history: Pick<History, 'items' | 'weights'>, out: Float64Array) => void;
  /** What `scoreHistory` scores from. */
  readonly tables: PureSvdTables;
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
  return { values, ...createPureSvdModel(x, { factors: rank, columns: right }) };
}

/**
 * The model that fitted tables are: what {@link fitPureSvd} returns, to the bit, without fitting again.
 *
 * @param x - The matrix that it was fitted on.
 */
export function createPureSvdModel(x: Csr, tables: PureSvdTables): Omit<PureSvdModel, 'values'> {
  const { factors: rank, columns: right } = tables;
  // The scorer takes factors by fours: the rest is 0.
  const factors = Math.max(4, (rank + 3) & ~3);
  const columns = new Float64Array(x.nCols * factors);
  for (let i = 0; i < x.nCols; i++) columns.set(right.subarray(i * rank, (i + 1) * rank), i * factors);
  const rows = new Float64Array(x.nRows * factors);
  for (let u = 0; u < x.nRows; u++) {
    const [from, to] = [x.indptr[u], x.indptr[u + 1]];
    const row = { items: x.indices.subarray(from, to), weights: x.values.subarray(from, to) };
    rows.set(projectRow(tables, row), u * factors);
  }
  return {
    scoreUser: createFactorScorer(rows, columns, { factors }),
    scoreHistory: createPureSvdScorer(tables),
    tables,
  };
}
