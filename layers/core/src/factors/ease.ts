import { EncoreError } from '../errors.ts';
import type { Csr } from '../math/csr.ts';
import { invertSpd } from '../math/invert-spd.ts';
import { createKernels, type Kernels } from '../math/kernels/kernels.ts';
import { packTriangle, unpackTriangle } from '../math/packed-triangle.ts';
import {
  addColumns,
  createEaseScorer,
  easeColumns,
  easePenalty,
  projectDual,
  type EaseTables,
} from '../scoring/ease.ts';
import type { History } from '../scoring/history.ts';

/** Rows of the dual matrix beyond which its inverse (n² doubles, n³/2 multiplications) is refused. */
export const MAX_DUAL_ROWS = 6000;

export interface EaseParameters {
  /** λ > 0: how strongly artists are kept from explaining each other. */
  readonly lambda: number;
  /** p in [0, 1): the dropout that EDLAE regularises like; 0 is EASE. */
  readonly dropout: number;
  /** Shape (nTags, nArtists), already weighted: rows that add to what artists have in common; `null` for none. */
  readonly tagRows: Csr | null;
}

/** A fitted item-item model: what every artist says about every other, never about itself. */
export interface EaseModel {
  /**
   * Scores all artists for a listener of the training part.
   *
   * @param user - Row of the matrix fitted on.
   * @param out - Shape (nArtists,), overwritten. A heard artist's score comes from the others alone.
   * @param besides - What the listener counts as having heard besides, though it was not fitted on: distinct artists that are not
   *   in the row. None of them scores itself either.
   */
  readonly scoreUser: (
    user: number,
    out: Float64Array,
    besides?: { readonly items: Int32Array; readonly weights: Float64Array },
  ) => void;
  /**
   * Scores all artists for any history, in closed form and without refitting; for a row of the training part the same
   * as `scoreUser` up to rounding.
   *
   * @param history - `items`: artists heard, distinct; `weights`: what X holds for each.
   * @param out - Shape (nArtists,), overwritten; all 0 for an empty history.
   */
  readonly scoreHistory: (history: Pick<History, 'items' | 'weights'>, out: Float64Array) => void;
  /** What it all is scored from. */
  readonly tables: FittedEase;
}

/** Tables as they were fitted, in double precision. */
export interface FittedEase extends EaseTables {
  readonly inverse: Float64Array;
}

/**
 * Fits EASE or EDLAE exactly, in the dual form: a matrix as wide as there are listeners, none as wide as the catalogue.
 *
 * Minimises ‖X − XB‖² + Σ_i Λ_i ‖B_i‖² over B with diag(B) = 0, where Λ = λ + p / (1 − p) · diag(XᵀX). With
 * C = (XᵀX + Λ)⁻¹ the solution is B = I − C / diag(C) (columns divided), and by Woodbury's identity, with
 * K = I + XΛ⁻¹Xᵀ,
 *
 *     XC = K⁻¹XΛ⁻¹        diag(C)_i = (1 − x_iᵀ K⁻¹ x_i / Λ_i) / Λ_i
 *
 * so that a row's scores x_u − (K⁻¹XΛ⁻¹)_u / diag(C) need only the (nUsers + nTags)² inverse of K. Tag rows stand
 * under the listeners' rows of X and are not scored.
 *
 * @param x - Shape (nUsers, nArtists): interaction weights, or 1 for each artist heard.
 * @throws {@link EncoreError} `INVALID_OPTION` when λ or p is out of range, or when nUsers + nTags > 6,000: choose
 *   another model there.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when the tag rows have another number of columns.
 * @see Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data"; Steck (2020), "Autoencoders that don't
 *   overfit towards the Identity" (EDLAE).
 */
export function fitEase(
  x: Csr,
  parameters: EaseParameters,
  kernels: Kernels = createKernels({ simd: true }),
): EaseModel {
  const { lambda, dropout, tagRows } = parameters;
  if (!(lambda > 0 && lambda < Infinity)) {
    throw new EncoreError('INVALID_OPTION', `lambda of EASE is ${lambda}, want a positive number`);
  }
  if (!(dropout >= 0 && dropout < 1)) {
    throw new EncoreError('INVALID_OPTION', `dropout of EDLAE is ${dropout}, want a number in [0, 1)`);
  }
  if (tagRows !== null && tagRows.nCols !== x.nCols) {
    throw new EncoreError('SHAPE_MISMATCH', `tag rows have ${tagRows.nCols} columns, want ${x.nCols}`);
  }
  const nRows = x.nRows + (tagRows?.nRows ?? 0);
  if (nRows > MAX_DUAL_ROWS) {
    throw new EncoreError(
      'INVALID_OPTION',
      `EASE in its dual form inverts a matrix with one row per listener and tag, here ${nRows}, at most ${MAX_DUAL_ROWS}`,
      { nRows, maxRows: MAX_DUAL_ROWS },
    );
  }

  const nArtists = x.nCols;
  const columns = easeColumns(x, tagRows);
  const { indptr, indices: row, values } = columns;
  const penalty = easePenalty(columns, { lambda, dropout });

  const inverse = invertDual(kernels, nRows, indptr, row, values, penalty);

  // 1 / (Λ_i · diag(C)_i), which is what a row of K⁻¹X is multiplied by.
  const scale = new Float64Array(nArtists);
  for (let i = 0; i < nArtists; i++) {
    let quadratic = 0;
    for (let e = indptr[i]!; e < indptr[i + 1]!; e++) {
      const at = row[e]! * nRows;
      let sum = 0.5 * values[e]! * inverse[at + row[e]!]!;
      for (let f = indptr[i]!; f < e; f++) sum += values[f]! * inverse[at + row[f]!]!;
      quadratic += 2 * values[e]! * sum;
    }
    scale[i] = 1 / (1 - quadratic / penalty[i]!);
  }

  return createEaseModel(x, { columns, penalty, inverse: packTriangle(inverse, nRows), scale });
}

/**
 * The model that fitted tables are: what {@link fitEase} returns, to the bit, without fitting again.
 *
 * @param x - The matrix that it was fitted on.
 */
export function createEaseModel(x: Csr, tables: FittedEase): EaseModel {
  const { columns, penalty, scale } = tables;
  const nRows = columns.nCols;
  const dual = new Float64Array(nRows);
  const right = new Float64Array(nRows);
  let square: Float64Array | undefined;
  return {
    scoreUser: (user, out, besides = NOTHING) => {
      square ??= unpackTriangle(tables.inverse, nRows);
      const { items, weights } = besides;
      dual.set(square.subarray(user * nRows, (user + 1) * nRows));
      if (items.length > 0) {
        // As in scoreHistory, by rows of K⁻¹: few of them where few have heard these artists.
        right.fill(0);
        addColumns(columns, penalty, besides, right);
        subtractRows(square, right, dual);
      }
      projectDual({ columns, scale }, dual, out);
      for (let e = x.indptr[user]!; e < x.indptr[user + 1]!; e++) out[x.indices[e]!]! += x.values[e]!;
      for (let h = 0; h < items.length; h++) out[items[h]!]! += weights[h]! * (1 - scale[items[h]!]!);
    },
    scoreHistory: createEaseScorer(tables, { binary: false }),
    tables,
  };
}

/**
 * out −= Σ_r weight_r · row r of a square matrix, r ascending, zeros skipped. Four rows at a time: `out` is read and written once for
 * four, and every element is still summed in the order of the rows.
 */
function subtractRows(matrix: Float64Array, weights: Float64Array, out: Float64Array): void {
  const n = out.length;
  const rows = Int32Array.from(weights.keys()).filter((r) => weights[r] !== 0);
  let at = 0;
  for (; at + 4 <= rows.length; at += 4) {
    const [a, b, c, d] = [rows[at]! * n, rows[at + 1]! * n, rows[at + 2]! * n, rows[at + 3]! * n];
    const wa = weights[rows[at]!]!;
    const wb = weights[rows[at + 1]!]!;
    const wc = weights[rows[at + 2]!]!;
    const wd = weights[rows[at + 3]!]!;
    for (let s = 0; s < n; s++) {
      out[s] =
        out[s]! - wa * matrix[a + s]! - wb * matrix[b + s]! - wc * matrix[c + s]! - wd * matrix[d + s]!;
    }
  }
  for (; at < rows.length; at++) {
    const first = rows[at]! * n;
    const weight = weights[rows[at]!]!;
    for (let s = 0; s < n; s++) out[s]! -= weight * matrix[first + s]!;
  }
}

const NOTHING = { items: new Int32Array(0), weights: new Float64Array(0) };

/** K⁻¹ with K = I + XΛ⁻¹Xᵀ, shape (nRows × nRows,), row-major; X comes by columns. */
function invertDual(
  kernels: Kernels,
  nRows: number,
  indptr: Int32Array,
  row: Int32Array,
  values: Float64Array,
  penalty: Float64Array,
): Float64Array {
  const panels = (nRows + 3) >> 2;
  const stride = 16 * panels;
  const k = kernels.allocate(stride * panels);
  let { heap } = kernels;
  heap.fill(0, k, k + stride * panels);
  for (let r = 0; r < 4 * panels; r++) heap[k + (r >> 2) * stride + 4 * r + (r & 3)] = 1;
  for (let i = 0; i < penalty.length; i++) {
    const end = indptr[i + 1]!;
    for (let e = indptr[i]!; e < end; e++) {
      const weight = values[e]! / penalty[i]!;
      const above = k + 4 * row[e]!;
      for (let f = e; f < end; f++) {
        const column = row[f]!;
        heap[above + (column >> 2) * stride + (column & 3)]! += weight * values[f]!;
      }
    }
  }
  invertSpd(kernels, k, panels);
  heap = kernels.heap;
  const inverse = new Float64Array(nRows * nRows);
  for (let s = 0; s < nRows; s++) {
    const column = k + (s >> 2) * stride + (s & 3);
    for (let r = 0; r <= s; r++) {
      const value = heap[column + 4 * r]!;
      inverse[r * nRows + s] = value;
      inverse[s * nRows + r] = value;
    }
  }
  kernels.release(k);
  return inverse;
}
