import { EncoreError } from '../errors.ts';

/**
 * Solves A x = b for a small symmetric positive definite A by its Cholesky factor.
 *
 * Plain loops along rows: for the one system of one listener. Many systems go through the kernels.
 *
 * @param a - Shape (n × n,), row-major; only the upper triangle is read, and overwritten.
 * @param b - Shape (n,); overwritten by x.
 * @returns x, in the memory of `b`.
 * @throws {@link EncoreError} `NOT_POSITIVE_DEFINITE` when a pivot is not positive.
 */
export function solveSpd(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  for (let p = 0; p < n; p++) {
    const pivot = a[p * n + p]!;
    if (!(pivot > 0)) {
      throw new EncoreError(
        'NOT_POSITIVE_DEFINITE',
        `pivot ${p} of the matrix to solve with is ${pivot}, want a positive number`,
        { pivot: p, value: pivot },
      );
    }
    const inverse = 1 / Math.sqrt(pivot);
    for (let c = p; c < n; c++) a[p * n + c]! *= inverse;
    for (let r = p + 1; r < n; r++) {
      const f = a[p * n + r]!;
      if (f === 0) continue;
      for (let c = r; c < n; c++) a[r * n + c]! -= f * a[p * n + c]!;
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
