import { decodeCandidates } from '../artifact/candidate-record.ts';
import { recordShape } from '../artifact/model-tensors.ts';
import { artistLogits, candidateLogits } from '../rank/ranker.ts';
import { rerank, tagDiversity, type RerankInput } from '../rerank.ts';
import type { TrainedModel } from '../train-model.ts';
import type { Split } from './evaluate-models.ts';
import { evaluateLists } from './metrics.ts';

/** What one setting of a knob does to the lists, at 20. */
export interface TradeOff {
  readonly knob: 'diversity' | 'debias';
  /** In [0, 1]. */
  readonly value: number;
  readonly ndcg20: number;
  /** 1 − the mean pairwise cosine of the tags within a list, averaged over listeners with at least two tagged artists listed. */
  readonly diversity: number;
  /** Share of the artists in train that any list shows. */
  readonly coverage: number;
  /** Mean popularity percentile of what is listed, 0-100. */
  readonly popularityPercentile: number;
}

const LIST_LENGTH = 20;

/**
 * What the knobs of a request cost and bring, one turned at a time: the lists that serving would give, measured on a split.
 *
 * @param trained - A model of `split.train`.
 * @param values - Settings in [0, 1]; 0 is the list as it is.
 * @returns All values of `diversity`, then all of `debias`. Means over the listeners with an artist held out.
 */
export function tradeOffs(
  { stage, ranker }: TrainedModel,
  split: Split,
  values: readonly number[],
): readonly TradeOff[] {
  const { space, artists, records } = stage;
  const { embedding } = artists;
  const nTerms = stage.terms.length;
  const artistPart = artistLogits(space, ranker, artists);
  const shape = recordShape(space, embedding.nRows);
  const inputs = records.map((packed, user): RerankInput => {
    const record = decodeCandidates(packed, shape);
    const logits = candidateLogits(space, ranker, record, artists, artistPart);
    const { masked } = split;
    const hidden = new Set(masked?.indices.subarray(masked.indptr[user], masked.indptr[user + 1]));
    const open = Int32Array.from(record.items.keys()).filter((i) => !hidden.has(record.items[i]!));
    return {
      items: open.map((i) => record.items[i]!),
      logits: Float64Array.from(open, (i) => logits[i]!),
      artists,
      nTerms,
    };
  });
  return (['diversity', 'debias'] as const).flatMap((knob) =>
    values.map((value): TradeOff => {
      const lists = inputs.map((input) =>
        rerank(input, LIST_LENGTH, { [knob]: value }).map((i) => input.items[i]!),
      );
      const { metrics, users } = evaluateLists(lists, {
        train: split.train.plays,
        test: split.test,
        tagged: null,
      });
      let diversity = 0;
      let measured = 0;
      for (const user of users) {
        const own = tagDiversity(embedding, nTerms, lists[user]!);
        if (own === null) continue;
        diversity += own;
        measured++;
      }
      return {
        knob,
        value,
        ndcg20: metrics['ndcg@20'],
        diversity: diversity / Math.max(1, measured),
        coverage: metrics['coverage@20'],
        popularityPercentile: metrics['popularity-percentile@20'],
      };
    }),
  );
}
