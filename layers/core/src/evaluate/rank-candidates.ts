import type { StageOneOutput } from '../candidates/stage-one.ts';
import { rowLength, type Csr } from '../math/csr.ts';
import { topK } from '../math/top-k.ts';
import { sigmoid } from '../rank/ranker.ts';
import type { RecordScorer } from '../rank/score-records.ts';
import type { Predictions } from './calibration.ts';
import { RECALL_CUTS } from './metrics.ts';

/** How many artists of each list are kept: the deepest cut of any metric. */
export const LIST_LENGTH = RECALL_CUTS[RECALL_CUTS.length - 1]!;

/** What a two-stage model makes of a split. */
export interface RankedCandidates {
  /** Shape (nUsers,): artist indices, best first. */
  readonly lists: readonly Int32Array[];
  /** Shape (nUsers,): artist indices. */
  readonly candidates: readonly Int32Array[];
  /** Of every listener with an artist held out: the probability of each candidate, and whether it was held out. */
  readonly predictions: Predictions;
}

/**
 * Every listener's list as serving would rank it, without masked pairs.
 *
 * @param score - By one of the model's rankers.
 * @param split - Shape (nUsers, nArtists) each: what was held out, and pairs that are neither learnt from nor predicted.
 */
export function rankCandidates(
  stage: StageOneOutput,
  score: RecordScorer,
  split: { readonly test: Csr; readonly masked: Csr | null },
): RankedCandidates {
  const { test, masked } = split;
  const candidates: Int32Array[] = [];
  const probabilities: number[] = [];
  const outcomes: number[] = [];
  const lists = stage.records.map((_, user) => {
    const { record, logits } = score(user);
    candidates.push(record.items);
    const hidden = new Set(masked?.indices.subarray(masked.indptr[user], masked.indptr[user + 1]));
    if (rowLength(test, user) > 0) {
      const wanted = new Set(test.indices.subarray(test.indptr[user], test.indptr[user + 1]));
      record.items.forEach((item, i) => {
        if (hidden.has(item)) return;
        probabilities.push(sigmoid(logits[i]!));
        outcomes.push(wanted.has(item) ? 1 : 0);
      });
    }
    return topK(logits, logits.length)
      .map((i) => record.items[i]!)
      .filter((item) => !hidden.has(item))
      .slice(0, LIST_LENGTH);
  });
  return {
    lists,
    candidates,
    predictions: {
      probabilities: Float64Array.from(probabilities),
      outcomes: Uint8Array.from(outcomes),
    },
  };
}
