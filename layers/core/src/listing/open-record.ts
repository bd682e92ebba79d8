import { decodeCandidates, type CandidateRecord } from '../artifact/candidate-record.ts';
import type { ServingModel } from '../artifact/serving-model.ts';
import { hashBytes } from '../math/rng.ts';
import { pairFeatures } from '../rank/features.ts';
import { availableRanker, rankerLogits, type RankerName } from '../rank/variants.ts';

/** A listener's record, decoded once for all that is asked of it: several rankers, a list, its explanations. */
export interface OpenRecord {
  /** Own candidates, then the heard artists that were added, see `withHeard`. */
  readonly candidates: CandidateRecord;
  /** How many of them are the record's own. */
  readonly nOwn: number;
  /** Shape (n × pairColumnNames(space).length,), row-major, see `pairFeatures`. */
  readonly pairs: Float64Array;
  /** Hash of what the features are computed from, 8 hexadecimal digits. */
  readonly featuresHash: string;
}

/**
 * Decodes a record and computes its features.
 *
 * @returns `undefined` where there is no record, or no candidate in it: the popular list is the answer.
 * @throws EncoreError `ARTIFACT_INCOMPATIBLE` when the record does not belong to this model.
 */
export function openRecord(model: ServingModel, record: Uint8Array | undefined): OpenRecord | undefined {
  if (record === undefined) return undefined;
  const candidates = decodeCandidates(record, model.recordShape);
  if (candidates.items.length === 0) return undefined;
  return {
    candidates,
    nOwn: candidates.items.length,
    pairs: pairFeatures(model.space, candidates, model.artists),
    featuresHash: hashBytes(0, record).toString(16).padStart(8, '0'),
  };
}

/** The logits that a ranker gives a listener's candidates, and which ranker it was. */
export interface RankedRecord {
  readonly ranker: RankerName;
  /** Shape (n,), in the order of `candidates.items`. */
  readonly logits: Float64Array;
}

/** @param asked - One that the model lacks is replaced by `lr`. */
export function rankRecord(
  model: ServingModel,
  { candidates, pairs }: OpenRecord,
  asked: string,
): RankedRecord {
  const ranker = availableRanker(model, asked);
  return { ranker, logits: rankerLogits(model, candidates, ranker, pairs) };
}
