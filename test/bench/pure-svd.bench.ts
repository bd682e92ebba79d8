import { csrFromCoordinates } from '../../layers/core/src/math/csr.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';
import { truncatedSvd } from '../../layers/core/src/math/truncated-svd.ts';

/** The shape of the real data: 1,892 listeners with about 49 artists each among 17,632, some far more popular than others. */
const N_USERS = 1892;
const N_ARTISTS = 17632;
const ARTISTS_PER_USER = 49;

/** Times the truncated decomposition; noise has closer singular values than taste, and takes longer. */
export async function run(): Promise<void> {
  const rng = createRng(1);
  const cells = new Set<number>();
  for (let u = 0; u < N_USERS; u++) {
    for (let a = 0; a < ARTISTS_PER_USER; a++) {
      cells.add(u * N_ARTISTS + Math.floor(N_ARTISTS * rng.next() ** 3));
    }
  }
  const heard = csrFromCoordinates(
    N_USERS,
    N_ARTISTS,
    Int32Array.from(cells, (cell) => Math.floor(cell / N_ARTISTS)),
    Int32Array.from(cells, (cell) => cell % N_ARTISTS),
    new Float64Array(cells.size).fill(1),
  );
  for (const rank of [12, 50]) {
    let consumed = 0;
    const timesMs: number[] = [];
    for (let repeat = 0; repeat < 4; repeat++) {
      const start = performance.now();
      consumed += truncatedSvd(heard, rank).values.at(-1)!;
      if (repeat >= 1) timesMs.push(performance.now() - start);
    }
    timesMs.sort((a, b) => a - b);
    console.log(
      `pure-svd: ${rank} singular triples of ${cells.size} plays: median ${timesMs[1]!.toFixed(0)} ms, ` +
        `${timesMs[0]!.toFixed(0)}-${timesMs[2]!.toFixed(0)} ms (last value ${(consumed / 4).toFixed(4)})`,
    );
  }
}
