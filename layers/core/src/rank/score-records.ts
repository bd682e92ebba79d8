import { decodeCandidates, type CandidateRecord } from '../artifact/candidate-record.ts';
import { recordShape } from '../artifact/model-tensors.ts';
import type { StageOneOutput } from '../candidates/stage-one.ts';
import { artistLogits, candidateLogits, type Ranker } from './ranker.ts';

/**
 * Scores packed records as serving does.
 *
 * @returns Of a listener: the record and the logit of each of its candidates, shape (n,).
 */
export function createRecordScorer(
  { space, artists, records }: Pick<StageOneOutput, 'space' | 'artists' | 'records'>,
  ranker: Ranker,
): (user: number) => { readonly record: CandidateRecord; readonly logits: Float64Array } {
  const artistPart = artistLogits(space, ranker, artists);
  const shape = recordShape(space, artists.embedding.nRows);
  return (user) => {
    const record = decodeCandidates(records[user]!, shape);
    return { record, logits: candidateLogits(space, ranker, record, artists, artistPart) };
  };
}
