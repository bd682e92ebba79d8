import { createKernels } from '../../layers/core/src/math/kernels/kernels.ts';
import { createRng, hash2 } from '../../layers/core/src/math/rng.ts';
import { mlpLogits } from '../../layers/core/src/rank/mlp.ts';
import { fitMlp, type MlpRows } from '../../layers/core/src/rank/train-mlp.ts';

const N_ROWS = 150_000;
const N_PAIR = 80;
const N_FACTORS = 10;
const N_USERS = 1_892;
const N_ARTISTS = 17_632;
const N_CANDIDATES = 200;
const EPOCHS = 10;

/** Times a fit of ten epochs on rows of the size of a full training, with and without SIMD, and one listener's logits. */
export async function run(): Promise<void> {
  const rows = drawRows();
  const options = {
    embedding: 8,
    layers: [64, 32, 16],
    epochs: EPOCHS,
    batchSize: 256,
    learningRate: 1e-3,
    l2: 0.01,
    randomState: 2023,
  };
  const what = `${N_ROWS} rows × ${N_PAIR} columns, layers ${options.layers.join('-')}`;
  for (const simd of [true, false]) {
    const kernels = createKernels({ simd });
    const timesMs: number[] = [];
    let mark = performance.now();
    const { loss } = fitMlp(
      rows,
      {
        ...options,
        onEpoch: () => {
          timesMs.push(performance.now() - mark);
          mark = performance.now();
        },
      },
      kernels,
    );
    const total = timesMs.reduce((sum, ms) => sum + ms, 0);
    // The first epoch checks the rows, draws and warms.
    print(
      `${what}, one epoch of ${EPOCHS}, ${simd ? 'WebAssembly f64x2' : 'plain TypeScript'}`,
      timesMs.slice(1),
      `${(total / 1000).toFixed(1)} s in all (loss ${loss[EPOCHS - 1]!.toFixed(4)})`,
    );
  }

  const { model } = fitMlp(rows, { ...options, epochs: 0 });
  const candidates = {
    n: N_CANDIDATES,
    pairColumns: rows.pair.values.subarray(0, N_CANDIDATES * N_PAIR),
    userInput: rows.user.values.subarray(0, N_FACTORS),
    artistInputs: rows.artist.values,
    artistIndex: rows.artist.index.subarray(0, N_CANDIDATES),
  };
  let consumed = 0;
  const timesMs: number[] = [];
  for (let repeat = 0; repeat < 400; repeat++) {
    const start = performance.now();
    consumed += mlpLogits(model, candidates)[0]!;
    if (repeat >= 100) timesMs.push(performance.now() - start);
  }
  print(`logits of ${N_CANDIDATES} candidates`, timesMs, `sum ${consumed.toFixed(1)}`);
}

function drawRows(): MlpRows {
  const rng = createRng(1);
  const draw = (length: number): Float64Array => new Float64Array(length).map(() => rng.next() - 0.5);
  const pair = { nCols: N_PAIR, values: draw(N_ROWS * N_PAIR) };
  return {
    nRows: N_ROWS,
    pair,
    user: {
      nCols: N_FACTORS,
      values: draw(N_USERS * N_FACTORS),
      index: new Int32Array(N_ROWS).map(() => rng.integer(N_USERS)),
    },
    artist: {
      nCols: N_FACTORS,
      values: draw(N_ARTISTS * N_FACTORS),
      index: new Int32Array(N_ROWS).map(() => rng.integer(N_ARTISTS)),
    },
    labels: new Uint8Array(N_ROWS).map((_, r) => {
      const x = pair.values[r * N_PAIR]! * pair.values[r * N_PAIR + 1]!;
      return rng.next() < (x > 0 ? 0.4 : 0.1) ? 1 : 0;
    }),
    keys: new Uint32Array(N_ROWS).map((_, r) => hash2(1, r)),
  };
}

function print(what: string, timesMs: number[], rest: string): void {
  timesMs.sort((a, b) => a - b);
  const at = (share: number): string => timesMs[Math.floor(share * (timesMs.length - 1))]!.toFixed(2);
  console.log(`mlp: ${what}: median ${at(0.5)} ms, ${at(0)}-${at(0.9)} ms; ${rest}`);
}
