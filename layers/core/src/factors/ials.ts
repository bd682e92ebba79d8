import { EncoreError } from '../errors.ts';
import { transposeCsr, type Csr } from '../math/csr.ts';
import { symmetricEigen } from '../math/eigen.ts';
import { createKernels, type Kernels } from '../math/kernels/kernels.ts';
import { packTriangle } from '../math/packed-triangle.ts';
import { createRng, hashString } from '../math/rng.ts';
import type { IalsTables } from '../scoring/ials.ts';

/** Root mean square length of an initial row of factors, whatever their number. */
const INITIAL_LENGTH = 0.1;
/** Rows packed at once; with 256 factors half a megabyte. */
const BLOCK_ROWS = 256;

export interface IalsParameters {
  /** k, a multiple of 4. */
  readonly factors: number;
  /** Passes over rows and columns, >= 1; there is no other stopping rule. */
  readonly sweeps: number;
  /** α₀ > 0: weight with which every cell, heard or not, is pulled towards 0. */
  readonly alpha0: number;
  /** λ > 0. */
  readonly lambda: number;
  /**
   * c >= 0: every row is regularised as if it had c · nColumns entries more than it has, every column as if it had
   * c · nRows more. α₀ gives the regulariser of Rendle et al.
   */
  readonly countOffset: number;
  readonly randomState: number;
  /** Shape (nColumns,): names that the columns' initial factors follow from; rows are solved first and need none. */
  readonly columnIds: readonly string[];
}

/** What was fitted, and what of its parameters folding in needs. */
export interface FittedIals extends Pick<IalsTables, 'alpha0' | 'lambda' | 'offset'> {
  readonly factors: number;
  /** Shape (nRows × factors,), row-major; 0 for a row without entries. */
  readonly rowFactors: Float64Array;
  /** Shape (nColumns × factors,), row-major; 0 for a column without entries. */
  readonly columnFactors: Float64Array;
}

export interface IalsModel extends FittedIals {
  /** What a row that was not fitted is solved from, made on first need; see {@link foldInFactors}. */
  readonly tables: () => IalsTables;
}

/**
 * Factorises implicit feedback by alternating least squares with frequency-scaled regularisation.
 *
 * Minimises, over row factors u and column factors v with ŷ = u · v,
 *
 *     Σ_(r,i) in entries w_ri (1 − ŷ_ri)² + α₀ Σ_(all r,i) ŷ_ri²
 *       + λ (Σ_r (n_r + c · nColumns) ‖u_r‖² + Σ_i (n_i + c · nRows) ‖v_i‖²)
 *
 * where w are the values, n_r and n_i numbers of entries and c the count offset. Each sweep solves all rows, then all
 * columns, exactly. Tags and friends take part as further rows and columns of the same matrix (iALS+).
 *
 * In the eigenbasis of the fixed side's Gram matrix, A = Δ + VᵀWV with Δ diagonal. A row with n < k entries is
 * solved through the n × n matrix W⁻¹ + VΔ⁻¹Vᵀ (Woodbury), others through A itself: the same solution, at the cost
 * of the smaller side. Factors are returned in the basis of the initial ones.
 *
 * @param matrix - Shape (nRows, nColumns), values positive.
 * @throws {@link EncoreError} `INVALID_OPTION` for a parameter out of range, `SHAPE_MISMATCH` where ids and matrix
 *   differ in size, `NOT_FINITE` when a weight or a factor is not finite or a weight is not positive.
 * @see Rendle, Krichene, Zhang, Koren (2022), "Revisiting the Performance of iALS on Item Recommendation Benchmarks";
 *   Hu, Koren, Volinsky (2008), "Collaborative Filtering for Implicit Feedback Datasets".
 */
export function fitIals(
  matrix: Csr,
  parameters: IalsParameters,
  kernels: Kernels = createKernels({ simd: true }),
): IalsModel {
  checkParameters(matrix, parameters);
  const { factors, sweeps, alpha0, lambda, countOffset, randomState, columnIds } = parameters;
  const solver = createSolver(kernels, factors, alpha0);
  const rows = solver.addSide(matrix, lambda, countOffset);
  const columns = solver.addSide(transposeCsr(matrix), lambda, countOffset);
  solver.allocateScratch();

  const deviation = INITIAL_LENGTH / Math.sqrt(factors);
  for (const i of columns.order) {
    const rng = createRng(hashString(randomState, columnIds[i]!));
    for (let f = 0; f < factors; f++) kernels.heap[columns.at + i * factors + f] = deviation * rng.normal();
  }
  for (let sweep = 0; sweep < sweeps; sweep++) {
    solver.solveSide(rows, columns);
    solver.solveSide(columns, rows);
  }
  solver.restoreBasis(rows);
  solver.restoreBasis(columns);
  const rowFactors = kernels.heap.slice(rows.at, rows.at + matrix.nRows * factors);
  const columnFactors = kernels.heap.slice(columns.at, columns.at + columnIds.length * factors);
  solver.release();
  checkFinite(rowFactors, 'row', factors);
  checkFinite(columnFactors, 'column', factors);

  const offset = countOffset * matrix.nCols;
  return createIalsModel({ factors, rowFactors, columnFactors, alpha0, lambda, offset });
}

/** The model that fitted factors are: what {@link fitIals} returns, to the bit, without fitting again. */
export function createIalsModel(fitted: FittedIals): IalsModel {
  const { factors, columnFactors, alpha0, lambda, offset } = fitted;
  let tables: IalsTables | undefined;
  return {
    ...fitted,
    tables: () => {
      tables ??= {
        factors,
        columnFactors,
        gram: packTriangle(upperGram(columnFactors, factors), factors),
        alpha0,
        lambda,
        offset,
      };
      return tables;
    },
  };
}

/** One side of the factorisation: its factors, and the entries that they are solved from. */
interface Side {
  /** Address of the factors, row-major, room for 4 more rows. */
  readonly at: number;
  readonly nRows: number;
  readonly indptr: Int32Array;
  /** Where in `words` the entries' rows of the other side are. */
  readonly indices: number;
  /** Addresses of the weights and of their square roots. */
  readonly weights: number;
  readonly roots: number;
  /** Rows with entries, by ascending number of entries: equal numbers share their Δ. */
  readonly order: Int32Array;
  readonly lambda: number;
  /** c · number of rows of the other side. */
  readonly offset: number;
}

function createSolver(kernels: Kernels, k: number, alpha0: number) {
  const panels = k >> 2;
  const slice = 4 * k;
  const bottom = kernels.allocate(0);
  /** Product of the rotations so far, row-major: what is held is (factors in the initial basis) · basis. */
  const basis = kernels.allocate((k + 4) * k);
  const rotation = kernels.allocate(k * k);
  const gram = kernels.allocate(k * k);
  const packed = kernels.allocate(Math.max(BLOCK_ROWS, k) * k);
  const system = kernels.allocate(k * k);
  const right = kernels.allocate(k);
  const scale = kernels.allocate(k);
  const ones = kernels.allocate(Math.max(BLOCK_ROWS, k));
  const spectrum = new Float64Array(k);
  let iota = 0;
  let largest = k;

  function addSide(entries: Csr, lambda: number, countOffset: number): Side {
    const { nRows, nCols, indptr, indices, values } = entries;
    largest = Math.max(largest, nRows);
    const side = {
      at: kernels.allocate((nRows + 4) * k),
      nRows,
      indptr,
      indices: 2 * kernels.allocate((indices.length + 1) >> 1),
      weights: kernels.allocate(values.length),
      roots: kernels.allocate(values.length),
      order: rowsByLength(indptr),
      lambda,
      offset: countOffset * nCols,
    };
    const { heap, words } = kernels;
    heap.fill(0, side.at, side.at + (nRows + 4) * k);
    words.set(indices, side.indices);
    heap.set(values, side.weights);
    for (let e = 0; e < values.length; e++) heap[side.roots + e] = Math.sqrt(values[e]!);
    return side;
  }

  function allocateScratch(): void {
    iota = 2 * kernels.allocate((largest + 1) >> 1);
    const { heap, words } = kernels;
    for (let r = 0; r < largest; r++) words[iota + r] = r;
    heap.fill(1, ones, ones + Math.max(BLOCK_ROWS, k));
    heap.fill(0, basis, basis + k * k);
    for (let f = 0; f < k; f++) heap[basis + f * k + f] = 1;
  }

  /** Multiplies n row-major rows by a k × k matrix in panels, in place. */
  function multiplyRows(at: number, n: number, panelMatrix: number): void {
    for (let from = 0; from < n; from += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, n - from);
      const rowPanels = (count + 3) >> 2;
      const out = at + from * k;
      // The last panel's missing rows come out as zeros, in the room behind the factors.
      kernels.gatherColumns(at, k, iota + from, count, ones, packed);
      kernels.multiply(0, 0, packed, rowPanels, slice, panelMatrix, panels, slice, k, out, slice, 4, k);
    }
  }

  /** Turns the fixed side into the eigenbasis of its Gram matrix; `spectrum` becomes α₀ times its eigenvalues. */
  function diagonalise(fixed: Side): void {
    const { heap } = kernels;
    heap.fill(0, gram, gram + k * k);
    for (let from = 0; from < fixed.nRows; from += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, fixed.nRows - from);
      kernels.gatherRows(fixed.at, k, iota + from, count, ones, packed);
      kernels.multiply(1, 1, packed, panels, 4 * count, packed, panels, 4 * count, count, gram, 16, slice, 4);
    }
    const dense = new Float64Array(k * k);
    for (let c = 0; c < k; c++) {
      const column = gram + (c >> 2) * slice + (c & 3);
      for (let r = 0; r <= c; r++) dense[r * k + c] = dense[c * k + r] = heap[column + 4 * r]!;
    }
    const { values, vectors } = symmetricEigen(dense, k);
    for (let f = 0; f < k; f++) spectrum[f] = alpha0 * Math.max(0, values[f]!);
    for (let r = 0; r < k; r++) {
      for (let c = 0; c < k; c++) heap[rotation + (c >> 2) * slice + 4 * r + (c & 3)] = vectors[r * k + c]!;
    }
    multiplyRows(fixed.at, fixed.nRows, rotation);
    multiplyRows(basis, k, rotation);
  }

  function solveSide(side: Side, fixed: Side): void {
    diagonalise(fixed);
    const { heap } = kernels;
    const { indptr, order } = side;
    let previous = -1;
    for (let o = 0; o < order.length; o++) {
      const r = order[o]!;
      const from = indptr[r]!;
      const n = indptr[r + 1]! - from;
      const ridge = side.lambda * (n + side.offset);
      const x = side.at + r * k;
      if (n < k) {
        if (n !== previous) {
          for (let f = 0; f < k; f++) heap[scale + f] = 1 / Math.sqrt(spectrum[f]! + ridge);
        }
        solveSmall(side, fixed, from, n, x);
      } else {
        solveLarge(side, fixed, { from, n, ridge, x });
      }
      previous = n;
    }
  }

  /** x = Δ⁻¹Vᵀ (W⁻¹ + VΔ⁻¹Vᵀ)⁻¹ 1. */
  function solveSmall(side: Side, fixed: Side, from: number, n: number, x: number): void {
    const { heap } = kernels;
    const small = (n + 3) >> 2;
    const stride = 16 * small;
    const indices = side.indices + from;
    kernels.gatherColumns(fixed.at, k, indices, n, scale, packed);
    kernels.multiply(0, 1, packed, small, slice, packed, small, slice, k, system, 16, stride, 4);
    for (let e = 0; e < 4 * small; e++) {
      const diagonal = system + (e >> 2) * stride + 4 * e + (e & 3);
      heap[diagonal]! += e < n ? 1 / heap[side.weights + from + e]! : 1;
      heap[right + e] = e < n ? 1 : 0;
    }
    checkPivot(kernels.cholesky(system, small, stride));
    kernels.solve(system, small, stride, right);
    kernels.weightedSum(fixed.at, k, indices, n, right, x);
    for (let f = 0; f < k; f++) heap[x + f]! *= heap[scale + f]! * heap[scale + f]!;
  }

  /** x = (Δ + VᵀWV)⁻¹ VᵀW 1. */
  function solveLarge(
    side: Side,
    fixed: Side,
    { from, n, ridge, x }: { from: number; n: number; ridge: number; x: number },
  ): void {
    const { heap } = kernels;
    for (let start = from; start < from + n; start += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, from + n - start);
      const mode = start === from ? 0 : 1;
      kernels.gatherRows(fixed.at, k, side.indices + start, count, side.roots + start, packed);
      kernels.multiply(
        mode,
        1,
        packed,
        panels,
        4 * count,
        packed,
        panels,
        4 * count,
        count,
        system,
        16,
        slice,
        4,
      );
    }
    for (let f = 0; f < k; f++) heap[system + (f >> 2) * slice + 4 * f + (f & 3)]! += spectrum[f]! + ridge;
    checkPivot(kernels.cholesky(system, panels, slice));
    kernels.weightedSum(fixed.at, k, side.indices + from, n, side.weights + from, x);
    kernels.solve(system, panels, slice, x);
  }

  /** Turns a side back into the basis of the initial factors. */
  function restoreBasis(side: Side): void {
    // Multiplying by the transpose: the rows of `basis` as columns in panels.
    kernels.gatherColumns(basis, k, iota, k, ones, rotation);
    multiplyRows(side.at, side.nRows, rotation);
  }

  return {
    addSide,
    allocateScratch,
    solveSide,
    restoreBasis,
    release: () => {
      kernels.release(bottom);
    },
  };
}

function rowsByLength(indptr: Int32Array): Int32Array {
  const length = (r: number): number => indptr[r + 1]! - indptr[r]!;
  const rows = Int32Array.from({ length: indptr.length - 1 }, (_, r) => r).filter((r) => length(r) > 0);
  return rows.toSorted((a, b) => length(a) - length(b) || a - b);
}

/** VᵀV, upper triangle of a row-major k × k matrix. */
function upperGram(rows: Float64Array, k: number): Float64Array {
  const gram = new Float64Array(k * k);
  for (let at = 0; at < rows.length; at += k) {
    for (let r = 0; r < k; r++) {
      const f = rows[at + r]!;
      if (f === 0) continue;
      for (let c = r; c < k; c++) gram[r * k + c]! += f * rows[at + c]!;
    }
  }
  return gram;
}

function checkPivot(failed: number): void {
  if (failed === 0) return;
  throw new EncoreError(
    'NOT_POSITIVE_DEFINITE',
    `pivot ${failed - 1} of the normal equations of iALS is not positive`,
    { pivot: failed - 1 },
  );
}

function refuse(name: string, found: number, want: string): never {
  throw new EncoreError('INVALID_OPTION', `${name} of iALS is ${found}, want ${want}`);
}

function checkParameters(matrix: Csr, parameters: IalsParameters): void {
  const { factors, sweeps, alpha0, lambda, countOffset, columnIds } = parameters;
  if (!(Number.isInteger(factors) && factors > 0 && factors % 4 === 0)) {
    refuse('factors', factors, 'a positive multiple of 4');
  }
  if (!(Number.isInteger(sweeps) && sweeps > 0)) refuse('sweeps', sweeps, 'a positive integer');
  if (!(alpha0 > 0 && alpha0 < Infinity)) refuse('alpha0', alpha0, 'a positive number');
  if (!(lambda > 0 && lambda < Infinity)) refuse('lambda', lambda, 'a positive number');
  if (!(countOffset >= 0 && countOffset < Infinity)) {
    refuse('count offset', countOffset, 'a number that is not negative');
  }
  if (columnIds.length !== matrix.nCols) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `${columnIds.length} column ids for a matrix of ${matrix.nRows} × ${matrix.nCols}`,
    );
  }
  const bad = matrix.values.findIndex((w) => !(w > 0 && w < Infinity));
  if (bad >= 0) {
    throw new EncoreError(
      'NOT_FINITE',
      `weight of entry ${bad} is ${matrix.values[bad]!}, want a positive number`,
    );
  }
}

function checkFinite(factors: Float64Array, side: string, k: number): void {
  const bad = factors.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new EncoreError(
      'NOT_FINITE',
      `factor ${bad % k} of ${side} ${Math.floor(bad / k)} is ${factors[bad]!}`,
    );
  }
}
