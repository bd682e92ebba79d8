import { EncoreError } from '../errors.ts';

/**
 * Solves A x = b for a small symmetric positive definite A by its Cholesky factor.
 *
 * Loops along rows, four pivots at a time, each number summed in the order of one at a time: for the one system of one listener. Many
 * systems go through the kernels.
 *
 * @param a - Shape (n × n,), row-major; only the upper triangle is read, and overwritten.
 * @param b - Shape (n,); overwritten by x.
 * @returns x, in the memory of `b`.
 * @throws {@link EncoreError} `NOT_POSITIVE_DEFINITE` when a pivot is not positive.
 */
export function solveSpd(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  for (let start = 0; start < n; start += 4) {
    const end = Math.min(n, start + 4);
    for (let p = start; p < end; p++) {
      for (let q = start; q < p; q++) {
        const f = a[q * n + p]!;
        for (let c = p, at = p * n + p, by = q * n + p; c < n; c++, at++, by++) a[at]! -= f * a[by]!;
      }
      const pivot = a[p * n + p]!;
      if (!(pivot > 0)) {
        throw new EncoreError(
          'NOT_POSITIVE_DEFINITE',
          `pivot ${p} of the matrix to solve with is ${pivot}, want a positive number`,
          { pivot: p, value: pivot },
        );
      }
      const inverse = 1 / Math.sqrt(pivot);
      for (let at = p * n + p; at < (p + 1) * n; at++) a[at]! *= inverse;
    }
    // Rows are left only where the block was of four.
    const r0 = start * n;
    const r1 = r0 + n;
    const r2 = r1 + n;
    const r3 = r2 + n;
    for (let r = end; r < n; r++) {
      const f0 = a[r0 + r]!;
      const f1 = a[r1 + r]!;
      const f2 = a[r2 + r]!;
      const f3 = a[r3 + r]!;
      const row = r * n;
      for (let c = r; c < n; c++) {
        a[row + c] = a[row + c]! - f0 * a[r0 + c]! - f1 * a[r1 + c]! - f2 * a[r2 + c]! - f3 * a[r3 + c]!;
      }
    }
  }
  // A = RᵀR: forwards through Rᵀ, backwards through R.
  for (let p = 0; p < n; p++) {
    b[p]! /= a[p * n + p]!;
    for (let c = p + 1; c < n; c++) b[c]! -= a[p * n + c]! * b[p]!;
  }
  for (let p = n - 1; p >= 0; p--) {
    let sum = b[p]!;
    for (let c = p + 1; c < n; c++) sum -= a[p * n + c]! * b[c]!;
    b[p] = sum / a[p * n + p]!;
  }
  return b;
}
