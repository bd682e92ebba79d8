import { createRecordScorer } from '../rank/score-records.ts';
import type { Csr } from '../math/csr.ts';
import { rerank, type RerankInput } from '../rerank.ts';
import type { TrainedModel } from '../train-model.ts';
import { evaluateLists, type EvaluationInput } from './metrics.ts';

/** What one setting of a knob does to the lists, at 20. */
export interface TradeOff {
  readonly knob: 'diversity' | 'debias';
  /** In [0, 1]. */
  readonly value: number;
  readonly ndcg20: number;
  /** Of tags within a list, averaged over listeners with at least two tagged artists listed. */
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
 * @param trained - A model of the split's training part.
 * @param split - What lists are measured against, and pairs that may not be listed: shape (nUsers, nArtists).
 * @param values - Settings in [0, 1]; 0 is the list as it is.
 * @returns All values of `diversity`, then all of `debias`. Means over the listeners with an artist held out.
 */
export function tradeOffs(
  { stage, ranker }: Pick<TrainedModel, 'stage' | 'ranker'>,
  { measure, masked }: { readonly measure: EvaluationInput; readonly masked: Csr | null },
  values: readonly number[],
): readonly TradeOff[] {
  const { artists } = stage;
  const nTerms = stage.terms.length;
  const score = createRecordScorer(stage, ranker);
  const inputs = stage.records.map((_, user): RerankInput => {
    const { record, logits } = score(user);
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
      const { metrics } = evaluateLists(lists, measure);
      return {
        knob,
        value,
        ndcg20: metrics['ndcg@20'],
        diversity: metrics['tag-diversity@20'],
        coverage: metrics['coverage@20'],
        popularityPercentile: metrics['popularity-percentile@20'],
      };
    }),
  );
}

/**
 * Means over splits.
 *
 * @param splits - Of each split the same settings in the same order, at least one split.
 */
export function meanTradeOffs(splits: readonly (readonly TradeOff[])[]): readonly TradeOff[] {
  const mean = (at: number, figure: Exclude<keyof TradeOff, 'knob' | 'value'>): number =>
    splits.reduce((sum, points) => sum + points[at]![figure], 0) / splits.length;
  return splits[0]!.map(({ knob, value }, at) => ({
    knob,
    value,
    ndcg20: mean(at, 'ndcg20'),
    diversity: mean(at, 'diversity'),
    coverage: mean(at, 'coverage'),
    popularityPercentile: mean(at, 'popularityPercentile'),
  }));
}
