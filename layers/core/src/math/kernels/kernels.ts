import { createPlainKernels } from './plain-kernels.ts';
import { createWasmKernels } from './wasm-kernels.ts';

/**
 * The inner loops of dense algebra over one block of memory, once as WebAssembly with f64x2 and once as plain
 * TypeScript.
 *
 * Both give the same bytes. Vector lanes run across *results*, never along a sum: every element is summed by one
 * lane, in ascending order of the summation index, without fused multiply-add, so that scalar code which sums in that
 * order cannot differ. (Where a sum does run across the lanes, the plain code adds the same two partial sums.)
 *
 * Matrices lie in *column panels*: panel J of a matrix with `depth` rows holds its columns 4J … 4J + 3, row after row,
 * so element (m, j) lies at `base + (j >> 2) * stride + 4 * m + (j & 3)` with stride = 4 · depth. A block of rows of
 * a panel is contiguous, and so is a 4 × 4 tile: no operation needs another packing. Missing columns of the last panel
 * are zero.
 *
 * Addresses and lengths count doubles; `words` addresses the same memory in 32-bit integers, so the integers of an
 * allocation at `a` start at `words[2 * a]`. Arguments are positional because each function is a WebAssembly export.
 * Nothing is checked here: callers validate.
 */
export interface Kernels {
  readonly simd: boolean;
  /** The memory as doubles. Read it again after `allocate`: growing detaches it. */
  readonly heap: Float64Array;
  /** The memory as 32-bit integers. Read it again after `allocate`. */
  readonly words: Int32Array;
  /**
   * Reserves memory, not cleared, on top of what is reserved.
   *
   * @returns Its address, a multiple of 2.
   */
  allocate(doubles: number): number;
  /** Gives back everything allocated since `address` was returned, `address` included. */
  release(address: number): void;
  /**
   * C = AᵀB, C + AᵀB or C − AᵀB, tile by tile. Tile (I, J) of C starts at `c + I * tileRowStride + J * tileColumnStride`
   * and its four rows are `rowStride` apart, so that C may be in panels or row-major.
   *
   * @param mode - 0 sets, 1 adds, -1 subtracts.
   * @param upper - 1: only the tiles with I <= J.
   * @param aPanels - Number of panels of A, the tile rows of C.
   * @param aStride - Doubles from one panel of A to the next.
   * @param depth - Rows of A and B, the summation index.
   */
  multiply(
    mode: number,
    upper: number,
    a: number,
    aPanels: number,
    aStride: number,
    b: number,
    bPanels: number,
    bStride: number,
    depth: number,
    c: number,
    tileRowStride: number,
    tileColumnStride: number,
    rowStride: number,
  ): void;
  /**
   * Replaces the upper triangle of a symmetric matrix in panels by its factor R with A = RᵀR; what lies below the
   * diagonal tiles is neither read nor written.
   *
   * @returns 0, or 1 + the index of the first pivot that is not positive (NaN included).
   */
  cholesky(a: number, panels: number, stride: number): number;
  /** Solves RᵀR x = b in place, R from `cholesky`, b of 4 · panels doubles. */
  solve(r: number, panels: number, stride: number, b: number): void;
  /**
   * Gathers rows of a row-major matrix as *columns* in panels: out(l, e) = source[indices[e], l] · scale[l], the last
   * panel filled up with zeros.
   *
   * @param width - Row length of the source, a multiple of 4; the depth of the result.
   * @param indices - Where in `words` the `count` row numbers are.
   */
  gatherColumns(
    source: number,
    width: number,
    indices: number,
    count: number,
    scale: number,
    out: number,
  ): void;
  /**
   * Gathers rows of a row-major matrix as *rows* in panels: out(e, l) = source[indices[e], l] · weight[e]; the stride
   * of the result is 4 · count.
   */
  gatherRows(
    source: number,
    width: number,
    indices: number,
    count: number,
    weight: number,
    out: number,
  ): void;
  /** out[l] = Σ_e weight[e] · source[indices[e], l], e ascending. */
  weightedSum(
    source: number,
    width: number,
    indices: number,
    count: number,
    weight: number,
    out: number,
  ): void;
}

/**
 * @param options.simd - WebAssembly with f64x2, else plain TypeScript: the same results, two to four times slower.
 */
export function createKernels(options: { readonly simd: boolean }): Kernels {
  return options.simd ? createWasmKernels() : createPlainKernels();
}
