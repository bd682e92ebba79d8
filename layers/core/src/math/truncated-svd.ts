import { EncoreError } from '../errors.ts';
import { transposeCsr, type Csr } from './csr.ts';
import { symmetricEigen, type SymmetricEigen } from './eigen.ts';
import { createRng, hash2 } from './rng.ts';

/** Directions added to the basis at once; a singular value may be repeated as often as this. */
const BLOCK = 16;
/** Largest residual of an eigenpair of the Gram matrix, as a share of its largest eigenvalue. */
const TOLERANCE = 1e-8;
/** A direction of which less than this share is new is none. */
const DEPENDENT = 1e-10;
/** Singular values below this share of the largest are rounding. */
const RANK_TOLERANCE = 1e-7;
/** Seed of the directions that the basis starts from. They do not show in the result, but for its last bits. */
const START_SEED = 1;

/** X ≈ U · diag(values) · Vᵀ. */
export interface TruncatedSvd {
  /** Number of singular triples: the rank asked for, or that of the matrix where it is lower. */
  readonly rank: number;
  /** Shape (rank,), descending, positive. */
  readonly values: Float64Array;
  /** Shape (nCols × rank,), row-major: V, orthonormal columns, signs arbitrary. */
  readonly right: Float64Array;
}

/**
 * The leading singular values and right singular vectors of a sparse matrix, by block Lanczos on the smaller Gram
 * matrix.
 *
 * With A = XXᵀ or XᵀX, whichever is smaller and never formed, the basis V = [Q, AQ, A²Q, …] is kept orthonormal in
 * full, and the eigenpairs (θ, y) of VᵀAV are taken for those of A (Rayleigh-Ritz) once ‖AVy − θVy‖ ≤ 1e-8 · θ₁ for each
 * of the first `rank`. Where the basis spans the whole space they are exact.
 *
 * @param x - Shape (nRows, nCols), finite.
 * @param rank - >= 1.
 * @throws {@link EncoreError} `INVALID_OPTION` for another rank, `NOT_FINITE` when a value is not.
 * @see Golub and Underwood (1977), "The Block Lanczos Method for Computing Eigenvalues"; Musco and Musco (2015), "Randomized
 *   Block Krylov Methods for Stronger and Faster Approximate Singular Value Decomposition".
 */
export function truncatedSvd(x: Csr, rank: number): TruncatedSvd {
  if (!(Number.isInteger(rank) && rank >= 1)) {
    throw new EncoreError(
      'INVALID_OPTION',
      `rank of a truncated svd is ${rank}: allowed is an integer >= 1`,
      {
        found: rank,
      },
    );
  }
  const broken = x.values.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) {
    throw new EncoreError(
      'NOT_FINITE',
      `entry ${broken} of the matrix to decompose is ${x.values[broken]}, want a finite number`,
    );
  }
  const transposed = transposeCsr(x);
  const byRows = x.nRows <= x.nCols;
  // A = M Mᵀ.
  const [m, mt] = byRows ? [x, transposed] : [transposed, x];
  const { eigenvalues, vectors } = leadingEigenpairs(m, mt, Math.min(rank, m.nRows));
  const largest = Math.sqrt(Math.max(0, eigenvalues[0] ?? 0));
  const values = eigenvalues.map((value) => Math.sqrt(Math.max(0, value)));
  const kept = values.filter((value) => value > RANK_TOLERANCE * largest).length;

  const right = new Float64Array(x.nCols * kept);
  for (let f = 0; f < kept; f++) {
    const vector = vectors[f]!;
    const column = byRows ? multiply(mt, vector).map((value) => value / values[f]!) : vector;
    for (let i = 0; i < x.nCols; i++) right[i * kept + f] = column[i]!;
  }
  return { rank: kept, values: values.slice(0, kept), right };
}

/** The `wanted` largest eigenvalues of M Mᵀ, descending, and their eigenvectors. */
function leadingEigenpairs(
  m: Csr,
  mt: Csr,
  wanted: number,
): { readonly eigenvalues: Float64Array; readonly vectors: readonly Float64Array[] } {
  const n = m.nRows;
  if (n === 0) return { eigenvalues: new Float64Array(0), vectors: [] };
  const basis: Float64Array[] = [];
  /** A times each vector of the basis. */
  const images: Float64Array[] = [];
  /** Row r holds basis_r · A basis_c for c <= r. */
  const projected: Float64Array[] = [];
  let next = randomBlock(n, 0);
  for (let round = 1, checkAt = wanted + BLOCK; ; round++) {
    const before = basis.length;
    for (const candidate of next) {
      if (basis.length < n && orthonormalise(candidate, basis)) basis.push(candidate);
    }
    for (let b = before; b < basis.length; b++) {
      images.push(multiply(m, multiply(mt, basis[b]!)));
      projected.push(Float64Array.from({ length: b + 1 }, (_, c) => dot(basis[c]!, images[b]!)));
    }
    // What A makes of the latest vectors is all that A makes of the basis and the basis does not hold.
    const outside = images.slice(before).map((image) => image.slice());
    if (basis.length >= checkAt || basis.length === n) {
      const eigen = symmetricEigen(symmetric(projected), basis.length);
      for (const vector of outside) removeSpan(vector, basis);
      if (basis.length === n || isAccurate(eigen, outside, wanted)) return ritzPairs(eigen, basis, wanted);
      // A decomposition costs the cube of the basis: grow it by a quarter before the next.
      checkAt = Math.ceil(1.25 * basis.length);
    }
    // Nothing new: the basis is closed under A, and what else there is has to be drawn.
    next = outside.length > 0 ? outside : randomBlock(n, round);
  }
}

function randomBlock(n: number, round: number): Float64Array[] {
  const block = Array.from({ length: Math.min(BLOCK, n) }, () => new Float64Array(n));
  for (let r = 0; r < n; r++) {
    const rng = createRng(hash2(hash2(START_SEED, round), r));
    for (const vector of block) vector[r] = rng.normal();
  }
  return block;
}

/**
 * Takes the basis out of a vector and scales the rest to length 1.
 *
 * @returns Whether there was a rest.
 */
function orthonormalise(vector: Float64Array, basis: readonly Float64Array[]): boolean {
  const length = Math.sqrt(dot(vector, vector));
  // Once more for what rounding left the first time ("twice is enough").
  removeSpan(vector, basis);
  removeSpan(vector, basis);
  const rest = Math.sqrt(dot(vector, vector));
  if (!(rest > DEPENDENT * length)) return false;
  for (let i = 0; i < vector.length; i++) vector[i]! /= rest;
  return true;
}

function removeSpan(vector: Float64Array, basis: readonly Float64Array[]): void {
  for (const other of basis) addScaled(vector, -dot(vector, other), other);
}

/** Shape (n × n,), row-major, of the rows of a lower triangle. */
function symmetric(triangle: readonly Float64Array[]): Float64Array {
  const n = triangle.length;
  const out = new Float64Array(n * n);
  triangle.forEach((row, r) => {
    row.forEach((value, c) => {
      out[r * n + c] = value;
      out[c * n + r] = value;
    });
  });
  return out;
}

/** Whether the residual of each wanted Ritz pair is small: its share of what lies outside the basis. */
function isAccurate(
  { values, vectors }: SymmetricEigen,
  outside: readonly Float64Array[],
  wanted: number,
): boolean {
  const size = values.length;
  if (size < wanted) return false;
  const bound = TOLERANCE * Math.max(0, values[size - 1]!);
  const first = size - outside.length;
  // The last pairs converge last.
  for (let column = size - wanted; column < size; column++) {
    const residual = new Float64Array(outside[0]?.length ?? 0);
    outside.forEach((vector, b) => addScaled(residual, vectors[(first + b) * size + column]!, vector));
    if (Math.sqrt(dot(residual, residual)) > bound) return false;
  }
  return true;
}

function ritzPairs(
  eigen: SymmetricEigen,
  basis: readonly Float64Array[],
  wanted: number,
): { readonly eigenvalues: Float64Array; readonly vectors: readonly Float64Array[] } {
  const size = basis.length;
  const nPairs = Math.min(wanted, size);
  return {
    eigenvalues: Float64Array.from({ length: nPairs }, (_, f) => eigen.values[size - 1 - f]!),
    vectors: Array.from({ length: nPairs }, (_, f) => {
      const vector = new Float64Array(basis[0]!.length);
      basis.forEach((direction, b) =>
        addScaled(vector, eigen.vectors[b * size + (size - 1 - f)]!, direction),
      );
      return vector;
    }),
  };
}

function multiply({ nRows, indptr, indices, values }: Csr, vector: Float64Array): Float64Array {
  const out = new Float64Array(nRows);
  for (let r = 0; r < nRows; r++) {
    let sum = 0;
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) sum += values[e]! * vector[indices[e]!]!;
    out[r] = sum;
  }
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  // Four sums: a chain of additions would wait for each.
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = a.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (let i = whole; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

function addScaled(to: Float64Array, factor: number, from: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * from[i]!;
}
