import { fitBpr } from '../../layers/core/src/factors/bpr.ts';
import { csrFromCoordinates } from '../../layers/core/src/math/csr.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';

/** The shape of the real data: 1,892 listeners with about 49 artists each among 17,632, some far more popular than others. */
const N_USERS = 1892;
const N_ARTISTS = 17632;
const ARTISTS_PER_USER = 49;
const EPOCHS = 10;

/** Times an epoch of BPR: draws, order and steps. */
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
  const userIds = ids(N_USERS);
  const itemIds = ids(N_ARTISTS);
  for (const factors of [32, 128]) {
    let consumed = 0;
    const timesMs: number[] = [];
    for (let repeat = 0; repeat < 7; repeat++) {
      const start = performance.now();
      const { loss } = fitBpr(heard, {
        factors,
        epochs: EPOCHS,
        learningRate: 0.05,
        regularisation: 0.005,
        randomState: 1,
        userIds,
        itemIds,
      });
      consumed += loss.at(-1)!;
      if (repeat >= 2) timesMs.push((performance.now() - start) / EPOCHS);
    }
    timesMs.sort((a, b) => a - b);
    console.log(
      `bpr: an epoch of ${factors} factors on ${cells.size} plays: median ${timesMs[2]!.toFixed(0)} ms, ` +
        `${timesMs[0]!.toFixed(0)}-${timesMs[4]!.toFixed(0)} ms (last loss ${(consumed / 7).toFixed(4)})`,
    );
  }
}

function ids(n: number): string[] {
  return Array.from({ length: n }, (_, index) => String(index));
}
