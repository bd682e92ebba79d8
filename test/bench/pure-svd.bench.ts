import { truncatedSvd } from '../../layers/core/src/math/truncated-svd.ts';
import { drawListening } from './listening.ts';

/** Times the truncated decomposition; noise has closer singular values than taste, and takes longer. */
export async function run(): Promise<void> {
  const heard = drawListening(() => 1);
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
      `pure-svd: ${rank} singular triples of ${heard.values.length} plays: median ${timesMs[1]!.toFixed(0)} ms, ` +
        `${timesMs[0]!.toFixed(0)}-${timesMs[2]!.toFixed(0)} ms (last value ${(consumed / 4).toFixed(4)})`,
    );
  }
}
