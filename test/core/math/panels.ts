import type { Kernels } from '../../../layers/core/src/math/kernels/kernels.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';

/** Number of panels for n columns. */
export function panelCount(n: number): number {
  return Math.ceil(n / 4);
}

/** Writes a row-major matrix in column panels: zeros in the columns that fill it up, the identity in further rows. */
export function writePanels(
  kernels: Kernels,
  matrix: ArrayLike<number>,
  { nRows, nColumns, depth = nRows }: { nRows: number; nColumns: number; depth?: number },
): number {
  const panels = panelCount(nColumns);
  const at = kernels.allocate(4 * panels * depth);
  for (let m = 0; m < depth; m++) {
    for (let j = 0; j < 4 * panels; j++) {
      const inside = m < nRows && j < nColumns;
      const filler = m === j && depth > nRows ? 1 : 0;
      kernels.heap[at + panelIndex(m, j, depth)] = inside ? matrix[m * nColumns + j]! : filler;
    }
  }
  return at;
}

/** A symmetric matrix in panels, padded with the identity to a multiple of 4. */
export function writeSymmetric(kernels: Kernels, matrix: ArrayLike<number>, n: number): number {
  return writePanels(kernels, matrix, { nRows: n, nColumns: n, depth: 4 * panelCount(n) });
}

/** Where the element (m, j) of a matrix in panels lies, from its start. */
export function panelIndex(m: number, j: number, depth: number): number {
  return (j >> 2) * 4 * depth + 4 * m + (j & 3);
}

/** The upper triangle of a matrix in panels as a row-major matrix, what is below it 0 or mirrored. */
export function readUpper(
  kernels: Kernels,
  at: number,
  { n, mirrored }: { n: number; mirrored: boolean },
): Float64Array {
  const out = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    for (let m = 0; m <= j; m++) {
      const value = kernels.heap[at + panelIndex(m, j, 4 * panelCount(n))]!;
      out[m * n + j] = value;
      if (mirrored) out[j * n + m] = value;
    }
  }
  return out;
}

export function randomNumbers(length: number, seed: number): Float64Array {
  const rng = createRng(seed);
  return Float64Array.from({ length }, () => rng.normal());
}

/** GGᵀ + I for a random G. */
export function randomSpd(n: number, seed: number): Float64Array {
  const g = randomNumbers(n * n, seed);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? 1 : 0;
      for (let m = 0; m < n; m++) sum += g[i * n + m]! * g[j * n + m]!;
      a[i * n + j] = sum;
      a[j * n + i] = sum;
    }
  }
  return a;
}

/** The largest |a − b|, relative to the largest |b|. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths ${a.length} and ${b.length} differ`);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const gap = Math.abs(a[i]! - b[i]!);
    // Math.max keeps a NaN, which a comparison would forget.
    difference = Math.max(difference, gap);
    largest = Math.max(largest, Math.abs(b[i]!));
  }
  return difference / largest;
}
