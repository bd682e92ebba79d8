import { solveSpd } from '../math/solve-spd.ts';
import type { History } from './history.ts';
import { scoreColumns } from './score-columns.ts';

/** What iALS solves a listener's row from; see `factors/ials.ts` for the model and its names. */
export interface IalsTables {
  /** k. */
  readonly factors: number;
  /** Shape (≥ nArtists × factors,), row-major: the columns that a row can have entries in come first. */
  readonly columnFactors: Float64Array | Float32Array;
  /**
   * Shape (factors (factors + 1) / 2,): the upper triangle of VᵀV over *all* columns. Friends as pseudo-items count in
   * it like artists that were not heard.
   */
  readonly gram: Float64Array;
  readonly alpha0: number;
  readonly lambda: number;
  /** c · nColumns: entries that the regulariser adds to every row's own. */
  readonly offset: number;
}

/**
 * The factors of a row that was not fitted: the minimiser of the objective with the columns held fixed,
 *
 *     u = (α₀VᵀV + Σ w_i v_i v_iᵀ + λ (n + c · nColumns) I)⁻¹ Σ w_i v_i.
 *
 * @param history - `items`: columns, distinct; `weights`: positive.
 * @returns Shape (factors,); 0 for an empty row.
 * @throws EncoreError `NOT_POSITIVE_DEFINITE` when the tables are damaged.
 */
export function foldInFactors(
  { factors: k, columnFactors, gram, alpha0, lambda, offset }: IalsTables,
  { items, weights }: Pick<History, 'items' | 'weights'>,
): Float64Array {
  const x = new Float64Array(k);
  if (items.length === 0) return x;
  const a = new Float64Array(k * k);
  const ridge = lambda * (items.length + offset);
  for (let r = 0, at = 0; r < k; r++) {
    for (let c = r; c < k; c++, at++) a[r * k + c] = alpha0 * gram[at]!;
    a[r * k + r]! += ridge;
  }
  // Weighted rows side by side, filled up to a multiple of four with zeros, so that four are added at a time.
  const n = items.length;
  const rows = new Float64Array(4 * Math.ceil(n / 4) * k);
  const weighted = new Float64Array(rows.length);
  for (let h = 0; h < n; h++) {
    const v = items[h]! * k;
    const weight = weights[h]!;
    for (let r = 0, at = h * k; r < k; r++, at++) {
      const value = columnFactors[v + r]!;
      rows[at] = value;
      weighted[at] = weight * value;
      x[r]! += weighted[at]!;
    }
  }
  for (let h0 = 0; h0 < rows.length; h0 += 4 * k) {
    const h1 = h0 + k;
    const h2 = h1 + k;
    const h3 = h2 + k;
    for (let r = 0; r < k; r++) {
      const f0 = weighted[h0 + r]!;
      const f1 = weighted[h1 + r]!;
      const f2 = weighted[h2 + r]!;
      const f3 = weighted[h3 + r]!;
      const row = r * k;
      for (let c = r; c < k; c++) {
        a[row + c] =
          a[row + c]! + f0 * rows[h0 + c]! + f1 * rows[h1 + c]! + f2 * rows[h2 + c]! + f3 * rows[h3 + c]!;
      }
    }
  }
  return solveSpd(a, x);
}

/** @returns Writes the scores of a history, u · v_i, shape (nArtists,); all 0 for an empty one. */
export function createIalsScorer(
  tables: IalsTables,
): (history: Pick<History, 'items' | 'weights'>, out: Float64Array) => void {
  return (history, out) => {
    scoreColumns(foldInFactors(tables, history), tables.columnFactors, out);
  };
}
