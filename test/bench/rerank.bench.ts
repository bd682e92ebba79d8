import { csrFromCoordinates } from '../../layers/core/src/math/csr.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';
import { rerank, type RerankInput, type RerankOptions } from '../../layers/core/src/rerank.ts';

/** As many candidates as a record holds, and about as many tags of each as on HetRec. */
const N_CANDIDATES = 250;
const TAGS_EACH = 23;
const N_TERMS = 500;
const WARM_UP = 300;
const RUNS = 2000;

/** Times what a request's knobs add: 20 of 250 candidates. */
export async function run(): Promise<void> {
  const input = drawInput();
  const settings: readonly RerankOptions[] = [
    {},
    { diversity: 0.3 },
    { debias: 0.3 },
    { diversity: 0.3, debias: 0.3 },
  ];
  for (const options of settings) {
    const milliseconds: number[] = [];
    let consumed = 0;
    for (let i = 0; i < WARM_UP + RUNS; i++) {
      const start = performance.now();
      consumed += rerank(input, 20, options)[19]!;
      if (i >= WARM_UP) milliseconds.push(performance.now() - start);
    }
    milliseconds.sort((a, b) => a - b);
    const at = (share: number): string => milliseconds[Math.floor(share * (RUNS - 1))]!.toFixed(3);
    console.log(
      `  20 of ${N_CANDIDATES}, ${JSON.stringify(options)}: median ${at(0.5)} ms [5%: ${at(0.05)}, 95%: ${at(0.95)}] ` +
        `(sum ${consumed})`,
    );
  }
}

function drawInput(): RerankInput {
  const rng = createRng(1);
  const cells = new Set<number>();
  for (let i = 0; i < N_CANDIDATES; i++) {
    for (let t = 0; t < TAGS_EACH; t++) cells.add(i * N_TERMS + Math.floor(N_TERMS * rng.next() ** 3));
  }
  return {
    items: Int32Array.from({ length: N_CANDIDATES }, (_, i) => i),
    logits: Float64Array.from({ length: N_CANDIDATES }, () => rng.normal() - 2),
    artists: {
      embedding: csrFromCoordinates(
        N_CANDIDATES,
        N_TERMS,
        Int32Array.from(cells, (cell) => Math.floor(cell / N_TERMS)),
        Int32Array.from(cells, (cell) => cell % N_TERMS),
        Float64Array.from(cells, () => 0.1 + rng.next()),
      ),
      degrees: Float32Array.from({ length: 3 * N_CANDIDATES }, () => 6 * rng.next()),
    },
    nTerms: N_TERMS,
  };
}
