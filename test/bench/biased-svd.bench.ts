import { drawInitialFactors, fitBiasedSvd } from '../../layers/core/src/factors/biased-svd.ts';
import { SEED_PRESET } from '../../layers/core/src/presets.ts';
import { csrFromCoordinates } from '../../layers/core/src/math/csr.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';

/** The shape of the real data: 1,892 listeners with about 49 artists each among 17,632, some far more popular than others. */
const N_USERS = 1892;
const N_ARTISTS = 17632;
const ARTISTS_PER_USER = 49;

/** Times BiasedSVD at the seed design's parameters (10 factors) and through the loop for any number of factors (11). */
export async function run(): Promise<void> {
  const rng = createRng(1);
  const cells = new Set<number>();
  for (let u = 0; u < N_USERS; u++) {
    for (let a = 0; a < ARTISTS_PER_USER; a++) {
      cells.add(u * N_ARTISTS + Math.floor(N_ARTISTS * rng.next() ** 3));
    }
  }
  const ratings = csrFromCoordinates(
    N_USERS,
    N_ARTISTS,
    Int32Array.from(cells, (cell) => Math.floor(cell / N_ARTISTS)),
    Int32Array.from(cells, (cell) => cell % N_ARTISTS),
    Float64Array.from(cells, () => rng.next()),
  );
  for (const rank of [10, 11]) {
    const init = {
      userFactors: drawInitialFactors(ids(N_USERS), 'user', { rank, seed: 1 }),
      itemFactors: drawInitialFactors(ids(N_ARTISTS), 'artist', { rank, seed: 1 }),
    };
    let consumed = 0;
    const timesMs: number[] = [];
    for (let repeat = 0; repeat < 9; repeat++) {
      const start = performance.now();
      consumed += fitBiasedSvd(ratings, SEED_PRESET.svd, init).loss[99]!;
      if (repeat >= 2) timesMs.push(performance.now() - start);
    }
    timesMs.sort((a, b) => a - b);
    console.log(
      `biased-svd: ${rank} factors × ${SEED_PRESET.svd.epochs} epochs on ${ratings.values.length} plays: ` +
        `median ${timesMs[3]!.toFixed(0)} ms, ${timesMs[0]!.toFixed(0)}-${timesMs[6]!.toFixed(0)} ms ` +
        `(last loss ${(consumed / 9).toFixed(4)})`,
    );
  }
}

function ids(n: number): string[] {
  return Array.from({ length: n }, (_, index) => String(index));
}
