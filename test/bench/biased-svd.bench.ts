import { drawInitialFactors, fitBiasedSvd } from '../../layers/core/src/factors/biased-svd.ts';
import { SEED_PRESET } from '../../layers/core/src/presets.ts';
import { drawListening, N_ARTISTS, N_USERS } from './listening.ts';

/** Times BiasedSVD at the seed design's parameters (10 factors) and through the loop for any number of factors (11). */
export async function run(): Promise<void> {
  const ratings = drawListening((rng) => rng.next());
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
