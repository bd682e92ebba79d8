import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { EncoreError } from '../errors.ts';

/** A = Q · diag(values) · Qᵀ. */
export interface SymmetricEigen {
  /** Shape (n,), ascending. */
  readonly values: Float64Array;
  /** Shape (n × n,), row-major: column j belongs to values[j]; orthonormal, signs arbitrary. */
  readonly vectors: Float64Array;
}

/**
 * Eigenvalues and eigenvectors of a small symmetric matrix (Householder tridiagonalisation, implicit QL).
 *
 * @param a - Shape (n × n,), row-major, symmetric.
 * @throws {@link EncoreError} `NOT_FINITE` when an element is not: the decomposition would answer NaN silently.
 * @see ml-matrix `EigenvalueDecomposition`, which derives from EISPACK tred2 and tql2.
 */
export function symmetricEigen(a: Float64Array, n: number): SymmetricEigen {
  for (let i = 0; i < n * n; i++) {
    if (!Number.isFinite(a[i]!)) {
      throw new EncoreError(
        'NOT_FINITE',
        `matrix element (${Math.floor(i / n)}, ${i % n}) to decompose is ${a[i]!}, want a finite number`,
      );
    }
  }
  const rows = Array.from({ length: n }, (_, r) => a.subarray(r * n, (r + 1) * n));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(rows), {
    assumeSymmetric: true,
  });
  const vectors = new Float64Array(n * n);
  for (let r = 0; r < n; r++) vectors.set(eigenvectorMatrix.getRow(r), r * n);
  return { values: Float64Array.from(realEigenvalues), vectors };
}
