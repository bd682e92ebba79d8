import { createFactorScorer } from '../../layers/core/src/factors/factor-scorer.ts';
import { fitIals } from '../../layers/core/src/factors/ials.ts';
import { csrFromCoordinates, type Csr } from '../../layers/core/src/math/csr.ts';
import { createKernels } from '../../layers/core/src/math/kernels/kernels.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';

/** The shape of the real data: listeners with about 49 artists and 13 friends, tags with about 200 artists. */
const N_USERS = 1892;
const N_ARTISTS = 17632;
const N_TAGS = 500;

/** Times iALS (128 factors, 10 sweeps), iALS+ (256 factors, 8 sweeps) and scoring every listener once. */
export async function run(): Promise<void> {
  const plain = drawMatrix(0, 0);
  const extended = drawMatrix(N_TAGS, N_USERS);
  for (const [name, matrix, factors, sweeps, simd] of [
    ['iALS', plain, 128, 10, true],
    ['iALS', plain, 128, 10, false],
    ['iALS+', extended, 256, 8, true],
  ] as const) {
    const fitMs: number[] = [];
    const scoreMs: number[] = [];
    const out = new Float64Array(N_ARTISTS);
    let consumed = 0;
    for (let repeat = 0; repeat <= 3; repeat++) {
      const start = performance.now();
      const model = fitIals(
        matrix,
        {
          factors,
          // The first is to warm up.
          sweeps: repeat === 0 ? 1 : sweeps,
          alpha0: 0.02,
          lambda: 0.02,
          countOffset: 0.02,
          randomState: 1,
          columnIds: ids(matrix.nCols),
        },
        createKernels({ simd }),
      );
      const fitted = performance.now();
      const scoreRow = createFactorScorer(
        model.rowFactors,
        model.columnFactors.subarray(0, N_ARTISTS * factors),
        { factors, kernels: createKernels({ simd }) },
      );
      for (let u = 0; u < N_USERS; u++) {
        scoreRow(u, out);
        consumed += out[0]!;
      }
      if (repeat === 0) continue;
      fitMs.push(fitted - start);
      scoreMs.push(performance.now() - fitted);
    }
    console.log(
      `ials: ${name}, ${factors} factors × ${sweeps} sweeps, ${simd ? 'WebAssembly f64x2' : 'plain TypeScript'}: ` +
        `fit ${summary(fitMs)}, scoring everyone ${summary(scoreMs)} (sum ${consumed.toPrecision(3)})`,
    );
  }
}

/** Listening, below it tags, beside it friends. */
function drawMatrix(nTags: number, nFriends: number): Csr {
  const rng = createRng(1);
  const nColumns = N_ARTISTS + nFriends;
  const cells = new Set<number>();
  for (let r = 0; r < N_USERS + nTags; r++) {
    for (let e = 0; e < (r < N_USERS ? 49 : 200); e++) {
      cells.add(r * nColumns + Math.floor(N_ARTISTS * rng.next() ** 3));
    }
    if (nFriends === 0 || r >= N_USERS) continue;
    for (let e = 0; e < 13; e++) cells.add(r * nColumns + N_ARTISTS + rng.integer(nFriends));
  }
  return csrFromCoordinates(
    N_USERS + nTags,
    nColumns,
    Int32Array.from(cells, (cell) => Math.floor(cell / nColumns)),
    Int32Array.from(cells, (cell) => cell % nColumns),
    Float64Array.from(cells, () => 0.5 + rng.next()),
  );
}

function ids(n: number): string[] {
  return Array.from({ length: n }, (_, index) => String(index));
}

function summary(timesMs: number[]): string {
  timesMs.sort((a, b) => a - b);
  return `median ${timesMs[timesMs.length >> 1]!.toFixed(0)} ms, ${timesMs[0]!.toFixed(0)}-${timesMs.at(-1)!.toFixed(0)} ms`;
}
