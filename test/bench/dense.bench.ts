import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { symmetricEigen } from '../../layers/core/src/math/eigen.ts';
import { invertSpd } from '../../layers/core/src/math/invert-spd.ts';
import { createKernels, type Kernels } from '../../layers/core/src/math/kernels/kernels.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';

/** A quarter of the dual matrix of EASE on the real data, so that ml-matrix ends within seconds. */
const N = 472;
/** Factors of iALS+. */
const RANK = 256;

/**
 * Times what EASE and iALS spend their time in: the inverse, products and factors of the kernels, with and without
 * SIMD, beside ml-matrix.
 */
export async function run(): Promise<void> {
  const matrix = diagonallyDominant(N);
  const rows = Array.from({ length: N }, (_, r) => matrix.subarray(r * N, (r + 1) * N));
  const identity = Matrix.eye(N);
  const macs = N ** 3 / 2;
  time(`inverse of ${N} × ${N}, ml-matrix`, 3, macs, () => {
    const inverse = new CholeskyDecomposition(new Matrix(rows)).solve(identity);
    return inverse.get(0, 0);
  });
  for (const simd of [false, true]) {
    const kernels = createKernels({ simd });
    const at = kernels.allocate(N * N);
    time(`inverse of ${N} × ${N}, ${name(simd)}`, 7, macs, () => {
      writeUpper(kernels, at, matrix, N);
      invertSpd(kernels, at, N / 4);
      return kernels.heap[at]!;
    });
  }

  const a = new Matrix(
    Array.from({ length: 512 }, (_, r) =>
      Array.from({ length: RANK }, (__, c) => createRng(r * RANK + c).normal()),
    ),
  );
  time(`512 × ${RANK} transposed times itself, ml-matrix`, 7, 512 * RANK ** 2, () =>
    a.transpose().mmul(a).get(0, 0),
  );
  for (const simd of [false, true]) {
    const kernels = createKernels({ simd });
    const panels = RANK / 4;
    const at = kernels.allocate(512 * RANK);
    const out = kernels.allocate(RANK * RANK);
    for (let i = 0; i < 512 * RANK; i++) kernels.heap[at + i] = createRng(i).normal();
    time(`512 × ${RANK} transposed times itself, ${name(simd)}`, 21, 512 * RANK ** 2, () => {
      kernels.multiply(0, 0, at, panels, 2048, at, panels, 2048, 512, out, 16, 4 * RANK, 4);
      return kernels.heap[out]!;
    });
  }

  const small = diagonallyDominant(RANK);
  const smallRows = Array.from({ length: RANK }, (_, r) => small.subarray(r * RANK, (r + 1) * RANK));
  time(`Cholesky factor of ${RANK} × ${RANK}, ml-matrix`, 21, RANK ** 3 / 6, () =>
    new CholeskyDecomposition(new Matrix(smallRows)).lowerTriangularMatrix.get(0, 0),
  );
  for (const simd of [false, true]) {
    const kernels = createKernels({ simd });
    const at = kernels.allocate(RANK * RANK);
    time(`Cholesky factor of ${RANK} × ${RANK}, ${name(simd)}`, 21, RANK ** 3 / 6, () => {
      writeUpper(kernels, at, small, RANK);
      return kernels.cholesky(at, RANK / 4, 4 * RANK) + kernels.heap[at]!;
    });
  }
  time(
    `eigenvectors of ${RANK} × ${RANK}, ml-matrix (iALS takes two a sweep)`,
    7,
    null,
    () => symmetricEigen(small, RANK).values[0]!,
  );
}

function name(simd: boolean): string {
  return simd ? 'WebAssembly f64x2' : 'plain TypeScript';
}

function diagonallyDominant(n: number): Float64Array {
  const rng = createRng(n);
  const matrix = new Float64Array(n * n);
  for (let r = 0; r < n; r++) {
    for (let c = 0; c < r; c++) matrix[r * n + c] = matrix[c * n + r] = rng.next() - 0.5;
    matrix[r * n + r] = n;
  }
  return matrix;
}

function writeUpper(kernels: Kernels, at: number, matrix: Float64Array, n: number): void {
  const { heap } = kernels;
  for (let c = 0; c < n; c++) {
    for (let r = 0; r <= (c | 3); r++) heap[at + (c >> 2) * 4 * n + 4 * r + (c & 3)] = matrix[r * n + c]!;
  }
}

function time(what: string, repeats: number, macs: number | null, work: () => number): void {
  let consumed = work() + work();
  const timesMs: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = performance.now();
    consumed += work();
    timesMs.push(performance.now() - start);
  }
  timesMs.sort((a, b) => a - b);
  const median = timesMs[repeats >> 1]!;
  const rate = macs === null ? '' : `, ${(macs / median / 1e6).toFixed(1)} G multiply-adds/s`;
  console.log(
    `dense: ${what}: median ${median.toFixed(1)} ms, ${timesMs[0]!.toFixed(1)}-${timesMs[repeats - 1]!.toFixed(1)} ms` +
      `${rate} (sum ${consumed.toPrecision(3)})`,
  );
}
