import { decodeCandidates } from './artifact/candidate-record.ts';
import type { ServingModel } from './artifact/serving-model.ts';
import { hashBytes } from './math/rng.ts';
import { sigmoid } from './rank/ranker.ts';
import { availableRanker, rankerLogits, type RankerName } from './rank/variants.ts';
import { rerank, type RerankOptions } from './rerank.ts';

export interface Recommendation {
  readonly artistId: string;
  readonly name: string;
  /** Probability that the listener will listen, in [0, 1], 6 significant digits. */
  readonly score: number;
  /** 1 for the first. */
  readonly rank: number;
}

export interface RecommendedList {
  /** `popular` where there is no record, or an empty one; `fold-in` where the record was made of a history given. */
  readonly policy: 'personal' | 'fold-in' | 'popular';
  /** What ranked: the ranker asked for, or `lr` where the model lacks it; `null` where nothing did, in the popular list. */
  readonly ranker: RankerName | null;
  readonly recommendations: readonly Recommendation[];
  /** Hash of what the features are computed from, 8 hexadecimal digits. */
  readonly featuresHash: string;
}

/**
 * Ranks a listener's candidates: record → features → logit → probability, descending.
 *
 * Equal logits are ordered by artist index, which is a seeded hash of the id. With `diversity` or `debias` the order is
 * another (see {@link rerank}), while every score stays the probability: it then no longer descends. The popular list knows
 * neither.
 *
 * @param record - The listener's packed candidates of this model version; `undefined` for an unknown listener, who gets
 *   the most listened artists, scored by the share of listeners who have them.
 * @param options - `n` is the most artists to return, >= 1; `policy` says where the record comes from, by default from
 *   training; `ranker` which of the model's rankers ranks, by default and for one that the model lacks `lr`; `diversity`
 *   and `debias` in [0, 1], 0 by default: off.
 * @throws EncoreError `ARTIFACT_INCOMPATIBLE` when the record does not belong to this model; `INVALID_OPTION` when
 *   `diversity` or `debias` is no number in [0, 1].
 */
export function recommend(
  model: ServingModel,
  record: Uint8Array | undefined,
  options: {
    readonly n: number;
    readonly policy?: 'personal' | 'fold-in';
    readonly ranker?: string;
  } & RerankOptions,
): RecommendedList {
  if (record !== undefined) {
    const decoded = decodeCandidates(record, model.recordShape);
    if (decoded.items.length > 0) {
      const ranker = availableRanker(model, options.ranker ?? 'lr');
      const logits = rankerLogits(model, decoded, ranker);
      const { artists, terms } = model;
      const order = rerank(
        { items: decoded.items, logits, artists, nTerms: terms.length },
        options.n,
        options,
      );
      return {
        policy: options.policy ?? 'personal',
        ranker,
        featuresHash: hashBytes(0, record).toString(16).padStart(8, '0'),
        recommendations: Array.from(order, (i, position) =>
          listed(model, decoded.items[i]!, sigmoid(logits[i]!), position),
        ),
      };
    }
  }
  return {
    policy: 'popular',
    ranker: null,
    featuresHash: '00000000',
    recommendations: Array.from(model.popular.items.subarray(0, options.n), (item, position) =>
      listed(model, item, model.popular.shares[position]!, position),
    ),
  };
}

function listed(model: ServingModel, item: number, probability: number, position: number): Recommendation {
  return {
    artistId: model.artistIds[item]!,
    name: model.artistNames[item]!,
    score: Number(probability.toPrecision(6)),
    rank: position + 1,
  };
}
