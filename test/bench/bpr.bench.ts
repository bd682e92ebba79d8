import { fitBpr } from '../../layers/core/src/factors/bpr.ts';
import { drawListening, N_ARTISTS, N_USERS } from './listening.ts';

const EPOCHS = 10;

/** Times an epoch of BPR: draws, order and steps. */
export async function run(): Promise<void> {
  const heard = drawListening(() => 1);
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
      `bpr: an epoch of ${factors} factors on ${heard.values.length} plays: median ${timesMs[2]!.toFixed(0)} ms, ` +
        `${timesMs[0]!.toFixed(0)}-${timesMs[4]!.toFixed(0)} ms (last loss ${(consumed / 7).toFixed(4)})`,
    );
  }
}

function ids(n: number): string[] {
  return Array.from({ length: n }, (_, index) => String(index));
}
