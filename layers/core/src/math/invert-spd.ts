import { EncoreError } from '../errors.ts';
import type { Kernels } from './kernels/kernels.ts';

/**
 * Panels swept at once. Two slices of 128 rows of 32 panels (2 · 128 KiB) fit a second-level cache.
 */
const BLOCK_PANELS = 32;

/**
 * Replaces a symmetric positive definite matrix by its inverse.
 *
 * The symmetric sweep operator, block by block: for the block rows K,
 * A_KK ← −A_KK⁻¹, A_Kj ← A_KK⁻¹ A_Kj, A_ij ← A_ij − A_iK A_KK⁻¹ A_Kj; when every block is swept the matrix is
 * −A⁻¹. n³/2 multiplications, as Cholesky with the inverse of its factor, but one pass whose work is a single
 * matrix product per block. Diagonal blocks are swept in the same way with blocks of 4.
 *
 * @param a - Address of the matrix in column panels of depth 4 · panels; only the tiles on and above the
 *   diagonal are read and written. Rows and columns that only fill up the last panel must be those of the identity.
 * @param panels - ⌈n / 4⌉.
 * @throws {@link EncoreError} `NOT_POSITIVE_DEFINITE`, naming the pivot.
 * @see Goodnight (1979), "A Tutorial on the SWEEP Operator".
 */
export function invertSpd(kernels: Kernels, a: number, panels: number): void {
  const mark = kernels.allocate(0);
  const rows = 4 * Math.min(BLOCK_PANELS, panels);
  const w = kernels.allocate(4 * panels * rows);
  const v = kernels.allocate(4 * panels * rows);
  const pivot = kernels.allocate(rows * rows);
  const inner = kernels.allocate(2 * 4 * rows + 16);
  sweepAll(kernels, a, panels, BLOCK_PANELS, { w, v, pivot, inner }, 0);
  kernels.release(mark);
}

interface Scratch {
  /** Block rows before the sweep, 4 · panels · 4 · blockPanels doubles. */
  readonly w: number;
  /** Block rows after it. */
  readonly v: number;
  /** The inverse of the diagonal block. */
  readonly pivot: number;
  /** Space for sweeping the diagonal block itself. */
  readonly inner: number;
}

function sweepAll(
  kernels: Kernels,
  a: number,
  panels: number,
  blockPanels: number,
  scratch: Scratch,
  firstRow: number,
): void {
  const { heap: x } = kernels;
  const { w, v, pivot } = scratch;
  const stride = 16 * panels;
  for (let from = 0; from < panels; from += blockPanels) {
    const to = Math.min(panels, from + blockPanels);
    const block = to - from;
    const depth = 4 * block;
    const slice = 4 * depth;
    invertBlock(kernels, a, stride, from, to, scratch, firstRow);
    // W: the block's rows of the whole matrix, those left of the diagonal taken from above it.
    for (let j = 0; j < from; j++) {
      for (let m = 0; m < depth; m++) {
        const at = a + (from + (m >> 2)) * stride + 16 * j + (m & 3);
        const out = w + j * slice + 4 * m;
        for (let c = 0; c < 4; c++) x[out + c] = x[at + 4 * c]!;
      }
    }
    for (let j = to; j < panels; j++) {
      const at = a + j * stride + 16 * from;
      x.copyWithin(w + j * slice, at, at + slice);
    }
    const right = panels - to;
    const wRight = w + to * slice;
    const vRight = v + to * slice;
    const aRight = a + to * stride;
    kernels.multiply(0, 0, pivot, block, slice, w, from, slice, depth, v, 16, slice, 4);
    kernels.multiply(0, 0, pivot, block, slice, wRight, right, slice, depth, vRight, 16, slice, 4);
    kernels.multiply(-1, 1, v, from, slice, w, from, slice, depth, a, 16, stride, 4);
    kernels.multiply(-1, 0, v, from, slice, wRight, right, slice, depth, aRight, 16, stride, 4);
    kernels.multiply(
      -1,
      1,
      vRight,
      right,
      slice,
      wRight,
      right,
      slice,
      depth,
      aRight + 16 * to,
      16,
      stride,
      4,
    );
    for (let j = 0; j < from; j++) {
      for (let m = 0; m < depth; m++) {
        const at = a + (from + (m >> 2)) * stride + 16 * j + (m & 3);
        const out = v + j * slice + 4 * m;
        for (let c = 0; c < 4; c++) x[at + 4 * c] = x[out + c]!;
      }
    }
    for (let j = to; j < panels; j++) {
      const at = v + j * slice;
      x.copyWithin(a + j * stride + 16 * from, at, at + slice);
    }
    for (let j = 0; j < block; j++) {
      const at = a + (from + j) * stride + 16 * from;
      for (let m = 0; m < 16 * (j + 1); m++) x[at + m] = -x[pivot + j * slice + m]!;
    }
  }
  for (let j = 0; j < panels; j++) {
    const at = a + j * stride;
    for (let m = 0; m < 16 * (j + 1); m++) x[at + m] = -x[at + m]!;
  }
}

/** Writes the inverse of a diagonal block to `scratch.pivot`, both triangles. */
function invertBlock(
  kernels: Kernels,
  a: number,
  stride: number,
  from: number,
  to: number,
  scratch: Scratch,
  firstRow: number,
): void {
  const { heap: x } = kernels;
  const { pivot, inner } = scratch;
  const block = to - from;
  const slice = 16 * block;
  for (let j = 0; j < block; j++) {
    const at = a + (from + j) * stride + 16 * from;
    x.copyWithin(pivot + j * slice, at, at + 16 * (j + 1));
  }
  if (block > 1) {
    const innerScratch = { w: inner, v: inner + slice, pivot: inner + 2 * slice, inner: 0 };
    sweepAll(kernels, pivot, block, 1, innerScratch, firstRow + 4 * from);
  } else {
    invertTile(x, pivot, firstRow + 4 * from);
  }
  for (let j = 0; j < 4 * block; j++) {
    for (let m = 0; m < j; m++) {
      x[pivot + (m >> 2) * slice + 4 * j + (m & 3)] = x[pivot + (j >> 2) * slice + 4 * m + (j & 3)]!;
    }
  }
}

/** The sweep on one 4 × 4 tile, upper triangle. */
function invertTile(x: Float64Array, at: number, firstRow: number): void {
  for (let p = 0; p < 4; p++) {
    const d = x[at + 5 * p]!;
    if (!(d > 0)) {
      throw new EncoreError(
        'NOT_POSITIVE_DEFINITE',
        `pivot ${firstRow + p} of the matrix to invert is ${d}, want a positive number`,
        { pivot: firstRow + p, value: d },
      );
    }
    const inverse = 1 / d;
    for (let i = 0; i < 4; i++) {
      if (i === p) continue;
      const f = (i < p ? x[at + 4 * i + p]! : x[at + 4 * p + i]!) * inverse;
      for (let j = i; j < 4; j++) {
        if (j === p) continue;
        x[at + 4 * i + j]! -= f * (j < p ? x[at + 4 * j + p]! : x[at + 4 * p + j]!);
      }
    }
    for (let i = 0; i < p; i++) x[at + 4 * i + p]! *= inverse;
    for (let j = p + 1; j < 4; j++) x[at + 4 * p + j]! *= inverse;
    x[at + 5 * p] = -inverse;
  }
  for (let i = 0; i < 4; i++) for (let j = i; j < 4; j++) x[at + 4 * i + j] = -x[at + 4 * i + j]!;
}
