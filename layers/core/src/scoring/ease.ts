import { mapCsr, transposeCsr, type Csr } from '../math/csr.ts';
import { multiplyTriangle } from '../math/packed-triangle.ts';
import type { History } from './history.ts';

/** What EASE in its dual form scores from; see `factors/ease.ts` for the model and its names. */
export interface EaseTables {
  /** Shape (nArtists, nRows): Xᵀ, the columns of the listeners' rows and the tag rows under them. */
  readonly columns: Csr;
  /** Shape (nArtists,): Λ. */
  readonly penalty: Float64Array;
  /** Shape (nRows (nRows + 1) / 2,): the upper triangle of K⁻¹. */
  readonly inverse: Float64Array | Float32Array;
  /** Shape (nArtists,): 1 / (Λ_i diag(C)_i). */
  readonly scale: Float64Array;
}

/** A fitted EASE or EDLAE, and what it takes a heard artist for. */
export interface CoListening {
  readonly tables: EaseTables;
  /** Whether an artist heard counts 1 instead of its interaction weight. */
  readonly binary: boolean;
}

/** Xᵀ with tag rows stacked under those of the listeners. */
export function easeColumns(x: Csr, tagRows: Csr | null): Csr {
  return tagRows === null ? transposeCsr(x) : transposeStacked(x, tagRows);
}

/** Rows that tags add to X: each term's artists, at a weight. */
export function tagRowsOf(sublinearTags: Csr, tagWeight: number): Csr | null {
  return tagWeight > 0 ? transposeCsr(mapCsr(sublinearTags, (value) => tagWeight * value)) : null;
}

/** Λ_i = λ + p / (1 − p) · ‖x_i‖². */
export function easePenalty(
  { nRows: nArtists, indptr, values }: Csr,
  { lambda, dropout }: { readonly lambda: number; readonly dropout: number },
): Float64Array {
  const penalty = new Float64Array(nArtists);
  for (let i = 0; i < nArtists; i++) {
    let squares = 0;
    for (let e = indptr[i]!; e < indptr[i + 1]!; e++) squares += values[e]! * values[e]!;
    penalty[i] = lambda + (dropout / (1 - dropout)) * squares;
  }
  return penalty;
}

/** out_i = −scale_i Σ_r dual_r X_ri */
export function projectDual(
  { columns, scale }: Pick<EaseTables, 'columns' | 'scale'>,
  dual: Float64Array,
  out: Float64Array,
): void {
  const { nRows: nArtists, indptr, indices: row, values } = columns;
  for (let i = 0; i < nArtists; i++) {
    let sum = 0;
    for (let e = indptr[i]!; e < indptr[i + 1]!; e++) sum += dual[row[e]!]! * values[e]!;
    out[i] = -scale[i]! * sum;
  }
}

/** out_r += Σ_i weight_i X_ri / Λ_i over the artists given: XΛ⁻¹xᵀ. */
export function addColumns(
  columns: Csr,
  penalty: Float64Array,
  { items, weights }: { readonly items: Int32Array; readonly weights: Float64Array },
  out: Float64Array,
): void {
  const { indptr, indices: row, values } = columns;
  for (let h = 0; h < items.length; h++) {
    const i = items[h]!;
    const weight = weights[h]! / penalty[i]!;
    for (let e = indptr[i]!; e < indptr[i + 1]!; e++) out[row[e]!]! += weight * values[e]!;
  }
}

/**
 * Scores any history by a fitted EASE or EDLAE: for a listener x, xC = (x − wX) Λ⁻¹ with w = K⁻¹XΛ⁻¹xᵀ, so that
 * x − xC / diag(C) = x (1 − scale) + scale · wX. An artist heard is scored by the others alone.
 *
 * @param binary - Whether an artist heard counts 1 instead of its interaction weight.
 * @returns Writes the scores of a history, shape (nArtists,); all 0 for an empty one.
 */
export function createEaseScorer(
  tables: EaseTables,
  { binary }: { readonly binary: boolean },
): (history: Pick<History, 'items' | 'weights'>, out: Float64Array) => void {
  const { columns, penalty, inverse, scale } = tables;
  return ({ items, weights }, out) => {
    const right = new Float64Array(columns.nCols);
    const taken = binary ? new Float64Array(items.length).fill(1) : weights;
    addColumns(columns, penalty, { items, weights: taken }, right);
    const dual = multiplyTriangle(inverse, right);
    for (let r = 0; r < dual.length; r++) dual[r] = -dual[r]!;
    projectDual(tables, dual, out);
    for (let h = 0; h < items.length; h++) {
      out[items[h]!]! += taken[h]! * (1 - scale[items[h]!]!);
    }
  };
}

/** The transpose of [x; below]. */
function transposeStacked(x: Csr, below: Csr): Csr {
  const indptr = new Int32Array(x.nRows + below.nRows + 1);
  indptr.set(x.indptr);
  for (let r = 0; r <= below.nRows; r++) indptr[x.nRows + r] = x.values.length + below.indptr[r]!;
  const indices = new Int32Array(x.indices.length + below.indices.length);
  indices.set(x.indices);
  indices.set(below.indices, x.indices.length);
  const values = new Float64Array(indices.length);
  values.set(x.values);
  values.set(below.values, x.values.length);
  return transposeCsr({ nRows: x.nRows + below.nRows, nCols: x.nCols, indptr, indices, values });
}
