import { csrFromCoordinates } from '../../layers/core/src/math/csr.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';
import { type DesignMatrix, fitLogisticRegression } from '../../layers/core/src/rank/logistic-regression.ts';

const N_ROWS = 300_000;
const N_DENSE = 60;
const N_ARTISTS = 17_632;
const N_TERMS = 500;
const TERMS_PER_ARTIST = 6;
const ITERATIONS = 10;

/** Times one evaluation of value and gradient: a tenth of ten L-BFGS steps, which need one evaluation each, or a few more. */
export async function run(): Promise<void> {
  const rng = createRng(1);
  const dense = new Float64Array(N_ROWS * N_DENSE).map(() => rng.next() - 0.5);
  const weights = new Float64Array(N_DENSE).map(() => rng.normal());
  const labels = new Uint8Array(N_ROWS).map((_, r) => {
    let z = -1;
    for (let j = 0; j < N_DENSE; j++) z += weights[j]! * dense[r * N_DENSE + j]!;
    return rng.next() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
  });
  const nEntries = N_ARTISTS * TERMS_PER_ARTIST;
  const artists = {
    name: 'artist',
    index: new Int32Array(N_ROWS).map(() => rng.integer(N_ARTISTS)),
    rows: csrFromCoordinates(
      N_ARTISTS,
      N_TERMS,
      new Int32Array(nEntries).map((_, e) => Math.floor(e / TERMS_PER_ARTIST)),
      new Int32Array(nEntries).map(() => rng.integer(N_TERMS)),
      new Float64Array(nEntries).map(() => rng.next()),
    ),
  };
  const designs: readonly (readonly [string, DesignMatrix])[] = [
    [`${N_DENSE} dense columns`, { nRows: N_ROWS, dense: { nCols: N_DENSE, values: dense }, indexed: [] }],
    [`${N_TERMS} columns of an artist block`, { nRows: N_ROWS, dense: null, indexed: [artists] }],
  ];
  for (const [name, design] of designs) {
    let consumed = 0;
    const timesMs: number[] = [];
    for (let repeat = 0; repeat < 7; repeat++) {
      const marks = [performance.now()];
      const { gradientNorm } = fitLogisticRegression(design, labels, {
        c: 1,
        maxIter: ITERATIONS,
        tolerance: 1e-300,
        onIteration: () => marks.push(performance.now()),
      });
      consumed += gradientNorm;
      // The first step has no curvature and searches longer; the checks of the input come before it.
      const steps = marks.slice(2).map((mark, i) => mark - marks[i + 1]!);
      if (repeat >= 2) timesMs.push(...steps);
    }
    timesMs.sort((a, b) => a - b);
    const at = (share: number) => timesMs[Math.floor(share * (timesMs.length - 1))]!.toFixed(1);
    console.log(
      `logistic-regression: ${N_ROWS} rows × ${name}, one step: median ${at(0.5)} ms, ` +
        `${at(0)}-${at(0.9)} ms (gradient ${(consumed / 7).toExponential(2)})`,
    );
  }
}
