import { fitEase } from '../../layers/core/src/factors/ease.ts';
import { csrFromCoordinates, type Csr } from '../../layers/core/src/math/csr.ts';
import { createKernels } from '../../layers/core/src/math/kernels/kernels.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';

/** The shape of the real data: listeners with about 49 artists each, tags with about 200, some artists far more popular. */
const N_USERS = 1892;
const N_ARTISTS = 17632;
const N_TAGS = 500;

/** Times EASE on the full catalogue, without and with tag rows, and scoring every listener once. */
export async function run(): Promise<void> {
  const x = drawMatrix(N_USERS, 49, 1);
  const tags = drawMatrix(N_TAGS, 200, 2);
  const out = new Float64Array(N_ARTISTS);
  for (const tagRows of [null, tags]) {
    for (const simd of [true, false]) {
      const fitMs: number[] = [];
      const scoreMs: number[] = [];
      let consumed = 0;
      const repeats = simd ? 5 : 3;
      for (let repeat = 0; repeat <= repeats; repeat++) {
        const start = performance.now();
        const model = fitEase(x, { lambda: 40, dropout: 0.7, tagRows }, createKernels({ simd }));
        const fitted = performance.now();
        for (let u = 0; u < N_USERS; u++) {
          model.scoreUser(u, out);
          consumed += out[0]!;
        }
        if (repeat === 0) continue;
        fitMs.push(fitted - start);
        scoreMs.push(performance.now() - fitted);
      }
      console.log(
        `ease: ${N_USERS} listeners${tagRows === null ? '' : ` and ${N_TAGS} tags`}, ` +
          `${simd ? 'WebAssembly f64x2' : 'plain TypeScript'}: fit ${summary(fitMs)}, ` +
          `scoring everyone ${summary(scoreMs)} (sum ${consumed.toPrecision(3)})`,
      );
    }
  }
}

function drawMatrix(nRows: number, rowLength: number, seed: number): Csr {
  const rng = createRng(seed);
  const cells = new Set<number>();
  for (let r = 0; r < nRows; r++) {
    for (let e = 0; e < rowLength; e++) cells.add(r * N_ARTISTS + Math.floor(N_ARTISTS * rng.next() ** 3));
  }
  return csrFromCoordinates(
    nRows,
    N_ARTISTS,
    Int32Array.from(cells, (cell) => Math.floor(cell / N_ARTISTS)),
    Int32Array.from(cells, (cell) => cell % N_ARTISTS),
    Float64Array.from(cells, () => 0.5 + rng.next()),
  );
}

function summary(timesMs: number[]): string {
  timesMs.sort((a, b) => a - b);
  return `median ${timesMs[timesMs.length >> 1]!.toFixed(0)} ms, ${timesMs[0]!.toFixed(0)}-${timesMs.at(-1)!.toFixed(0)} ms`;
}
