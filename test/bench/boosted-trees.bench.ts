import { createRng } from '../../layers/core/src/math/rng.ts';
import { predictTrees } from '../../layers/core/src/rank/boosted-trees.ts';
import { trainBoostedTrees } from '../../layers/core/src/rank/train-boosted-trees.ts';

const N_ROWS = 150_000;
const N_COLS = 80;
const GROUP = 56;
const TREES = 250;
const LEAVES = 8;
const CANDIDATES = 200;

/** Times a whole training, and the trees of one listener's candidates. */
export async function run(): Promise<void> {
  const rng = createRng(1);
  const values = new Float64Array(N_ROWS * N_COLS).map(() => rng.normal());
  const initialScores = new Float64Array(N_ROWS);
  const labels = new Uint8Array(N_ROWS);
  for (let r = 0; r < N_ROWS; r++) {
    const x = (j: number) => values[r * N_COLS + j]!;
    initialScores[r] = x(0) + 0.5 * x(1) - 2.5;
    const logit = initialScores[r]! + 0.7 * x(2) * x(3) + (x(4) > 0.5 ? 0.6 : 0);
    labels[r] = rng.next() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
  }
  const nGroups = Math.ceil(N_ROWS / GROUP);
  const groups = new Int32Array(nGroups + 1).map((_, g) => Math.min(N_ROWS, g * GROUP));
  const rows = { nRows: N_ROWS, nCols: N_COLS, values, groups, labels, initialScores };

  const train = (trees: number) =>
    trainBoostedTrees(rows, {
      objective: { kind: 'lambdarank', truncation: 30, sigmoid: 1 },
      trees,
      leaves: LEAVES,
      learningRate: 0.03,
      minLeafRows: 100,
      minLeafHessian: 1e-3,
      l2: 1,
      bins: 255,
    });
  train(10);
  const trainingMs: number[] = [];
  let fit = train(0);
  for (let repeat = 0; repeat < 3; repeat++) {
    const start = performance.now();
    fit = train(TREES);
    trainingMs.push(performance.now() - start);
  }
  const curve = `NDCG ${fit.curve[0]!.toFixed(4)} to ${fit.curve.at(-1)!.toFixed(4)}`;
  print(`${N_ROWS} rows × ${N_COLS} columns, ${TREES} trees of ${LEAVES} leaves`, trainingMs, curve);

  const candidates = values.slice(0, CANDIDATES * N_COLS);
  let consumed = 0;
  const predictionMs: number[] = [];
  for (let repeat = 0; repeat < 300; repeat++) {
    const start = performance.now();
    consumed += predictTrees(fit.trees, candidates, CANDIDATES)[0]!;
    if (repeat >= 100) predictionMs.push(performance.now() - start);
  }
  print(`prediction of ${CANDIDATES} rows`, predictionMs, `sum ${consumed.toFixed(3)}`);
}

function print(what: string, timesMs: readonly number[], note: string): void {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(2);
  console.log(`boosted-trees: ${what}: median ${at(0.5)} ms, ${at(0)}-${at(0.9)} ms (${note})`);
}
