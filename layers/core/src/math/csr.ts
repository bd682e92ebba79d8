import { EncoreError } from '../errors.ts';

/**
 * A sparse matrix in compressed rows.
 *
 * Row `r` holds the columns `indices[indptr[r] … indptr[r + 1])`, ascending and distinct, with the values at
 * the same places.
 */
export interface Csr {
  readonly nRows: number;
  readonly nCols: number;
  /** Shape (nRows + 1,). */
  readonly indptr: Int32Array;
  /** Shape (nnz,), each in [0, nCols). */
  readonly indices: Int32Array;
  /** Shape (nnz,). */
  readonly values: Float64Array;
}

/**
 * Builds a CSR matrix from coordinates in any order.
 *
 * @param nRows - Number of rows.
 * @param nCols - Number of columns.
 * @param rows - Shape (nnz,), each in [0, nRows).
 * @param cols - Shape (nnz,), each in [0, nCols).
 * @param values - Shape (nnz,). Entries of the same cell are added up.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when the arrays differ in length.
 */
export function csrFromCoordinates(
  nRows: number,
  nCols: number,
  rows: Int32Array,
  cols: Int32Array,
  values: Float64Array,
): Csr {
  const n = rows.length;
  if (cols.length !== n || values.length !== n) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `coordinates differ in length: ${n} rows, ${cols.length} columns, ${values.length} values`,
    );
  }
  // Two counting sorts (by column, then stably by row) leave every row's columns ascending.
  const byColumn = countingOrder(cols, nCols, null);
  const order = countingOrder(rows, nRows, byColumn);
  const indptr = new Int32Array(nRows + 1);
  const indices = new Int32Array(n);
  const out = new Float64Array(n);
  let nnz = 0;
  let row = 0;
  for (let i = 0; i < n; i++) {
    const e = order[i]!;
    const r = rows[e]!;
    while (row < r) indptr[++row] = nnz;
    if (nnz > indptr[r]! && indices[nnz - 1] === cols[e]) {
      out[nnz - 1]! += values[e]!;
    } else {
      indices[nnz] = cols[e]!;
      out[nnz++] = values[e]!;
    }
  }
  while (row < nRows) indptr[++row] = nnz;
  return { nRows, nCols, indptr, indices: indices.slice(0, nnz), values: out.slice(0, nnz) };
}

function countingOrder(keys: Int32Array, nKeys: number, previous: Int32Array | null): Int32Array {
  const starts = new Int32Array(nKeys + 1);
  for (let i = 0; i < keys.length; i++) starts[keys[i]! + 1]!++;
  for (let k = 0; k < nKeys; k++) starts[k + 1]! += starts[k]!;
  const order = new Int32Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const e = previous === null ? i : previous[i]!;
    order[starts[keys[e]!]!++] = e;
  }
  return order;
}

/** Transposes; rows of the result are ascending too. */
export function transposeCsr(matrix: Csr): Csr {
  const { nRows, nCols, indptr, indices, values } = matrix;
  const starts = new Int32Array(nCols + 1);
  for (let e = 0; e < indices.length; e++) starts[indices[e]! + 1]!++;
  for (let c = 0; c < nCols; c++) starts[c + 1]! += starts[c]!;
  const outIndptr = starts.slice();
  const outIndices = new Int32Array(indices.length);
  const outValues = new Float64Array(indices.length);
  for (let r = 0; r < nRows; r++) {
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) {
      const at = starts[indices[e]!]!++;
      outIndices[at] = r;
      outValues[at] = values[e]!;
    }
  }
  return { nRows: nCols, nCols: nRows, indptr: outIndptr, indices: outIndices, values: outValues };
}

/** The same cells with other values: `map(value, row, column)` for each. */
export function mapCsr(matrix: Csr, map: (value: number, row: number, column: number) => number): Csr {
  const values = new Float64Array(matrix.values.length);
  for (let r = 0; r < matrix.nRows; r++) {
    for (let e = matrix.indptr[r]!; e < matrix.indptr[r + 1]!; e++) {
      values[e] = map(matrix.values[e]!, r, matrix.indices[e]!);
    }
  }
  return { ...matrix, values };
}

/** The cells for which `keep(row, column, value)` holds; shape unchanged. */
export function filterCsr(matrix: Csr, keep: (row: number, column: number, value: number) => boolean): Csr {
  const indptr = new Int32Array(matrix.nRows + 1);
  const indices = new Int32Array(matrix.indices.length);
  const values = new Float64Array(matrix.indices.length);
  let nnz = 0;
  for (let r = 0; r < matrix.nRows; r++) {
    for (let e = matrix.indptr[r]!; e < matrix.indptr[r + 1]!; e++) {
      if (!keep(r, matrix.indices[e]!, matrix.values[e]!)) continue;
      indices[nnz] = matrix.indices[e]!;
      values[nnz++] = matrix.values[e]!;
    }
    indptr[r + 1] = nnz;
  }
  return { ...matrix, indptr, indices: indices.slice(0, nnz), values: values.slice(0, nnz) };
}

/** Number of entries in a row. */
export function rowLength(matrix: Csr, row: number): number {
  return matrix.indptr[row + 1]! - matrix.indptr[row]!;
}

/** Number of entries in each column: shape (nCols,). */
export function columnLengths(matrix: Csr): Int32Array {
  const lengths = new Int32Array(matrix.nCols);
  for (let e = 0; e < matrix.indices.length; e++) lengths[matrix.indices[e]!]!++;
  return lengths;
}

/** The row of each entry: shape (nnz,). */
export function rowEntries(matrix: Csr): Int32Array {
  const rows = new Int32Array(matrix.indices.length);
  for (let r = 0; r < matrix.nRows; r++) rows.fill(r, matrix.indptr[r], matrix.indptr[r + 1]);
  return rows;
}
