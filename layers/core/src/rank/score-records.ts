import { decodeCandidates, type CandidateRecord } from '../artifact/candidate-record.ts';
import { recordShape } from '../artifact/model-tensors.ts';
import type { StageOneOutput } from '../candidates/stage-one.ts';
import { artistLogits, type Ranker } from './ranker.ts';
import { NO_VARIANTS, rankerLogits, type RankerName, type RankerVariants } from './variants.ts';

/** Of a listener: the record, and the logit of each of its candidates, shape (n,). */
export type RecordScorer = (user: number) => {
  readonly record: CandidateRecord;
  readonly logits: Float64Array;
};

/**
 * Scores packed records as serving does.
 *
 * @param by - Which of the model's rankers scores, `lr` by default.
 */
export function createRecordScorer(
  { space, artists, records }: Pick<StageOneOutput, 'space' | 'artists' | 'records'>,
  ranker: Ranker,
  by: { readonly name: RankerName; readonly variants: RankerVariants } = {
    name: 'lr',
    variants: NO_VARIANTS,
  },
): RecordScorer {
  const stageTwo = {
    space,
    artists,
    ranker,
    artistPart: artistLogits(space, ranker, artists),
    variants: by.variants,
  };
  const shape = recordShape(space, artists.embedding.nRows);
  return (user) => {
    const record = decodeCandidates(records[user]!, shape);
    return { record, logits: rankerLogits(stageTwo, record, by.name) };
  };
}
