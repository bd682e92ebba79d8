import {
  artistIndexOf,
  catalogueOf,
  createArtistFilter,
  describeExplanation,
  draftCoin,
  explain,
  openRecord,
  recommend,
  teamDraft,
  withHeard,
  type Explanation,
  type FoldInModel,
  type Policy,
  type Recommendation,
  type ServingModel,
} from '@encore/core/serve';
import type { Assigned } from './assign.ts';
import type { ListOptions } from './contract.ts';
import type { FoundCandidates } from './find-candidates.ts';
import { webAddress } from './web-address.ts';

/** Why an artist is listed, as it is answered. */
export interface ListedExplanation extends Pick<Explanation, 'basis' | 'listened' | 'sharedTags'> {
  /** What made the score, in a few groups. */
  readonly groups: Explanation['summary'];
  /** Half a sentence that a page can show. */
  readonly text: string;
}

/** An artist as it is answered. */
export interface ListedArtist extends Recommendation {
  /** Only where it was asked for; `null` where nothing explains the artist. */
  readonly explanation?: ListedExplanation | null;
  /** Only where details were asked for: the tags given most, most given first. */
  readonly tags?: readonly string[];
  /** Only where details were asked for; `null` where there is no address that a page may link to. */
  readonly url?: string | null;
}

/** A list that was made, whatever made it. */
export interface RankedList {
  readonly policy: Policy;
  /** What ranked, `null` where nothing did. */
  readonly ranker: string | null;
  readonly recommendations: readonly ListedArtist[];
  /** See `Exposure.teams`. */
  readonly teams: string | null;
  readonly featuresHash: string;
}

/** Ranks what was found as a request asks for it, with explanations where it does. */
export function rankList(
  model: ServingModel,
  { record, policy, hidden, lately }: FoundCandidates,
  asked: {
    readonly options: ListOptions;
    readonly assigned: Assigned;
    /** Decides the coins of an interleaved list: the same for all its pages. */
    readonly draftId: string;
    readonly foldInModel: FoldInModel | null;
  },
): RankedList {
  const { options, assigned, draftId, foldInModel } = asked;
  const { n, offset, exclude, diversity, debias } = options;
  const opened = openRecord(model, record);
  const withAll =
    exclude === 'none' && opened !== undefined && foldInModel !== null
      ? withHeard(model, foldInModel, opened)
      : opened;
  const [ranker, other] = assigned.rankers;
  const list = recommend(model, withAll, {
    n,
    offset,
    policy,
    ranker,
    diversity,
    debias,
    allowed: allowedOf(model, options),
    hidden: exclude === 'none' ? without(hidden, lately) : hidden,
    topUp: true,
    ...(other === undefined
      ? {}
      : {
          interleave: {
            ranker: other,
            merge: (a: Int32Array, b: Int32Array, most: number) => teamDraft(a, b, most, draftCoin(draftId)),
          },
        }),
  });
  const detailed = options.details ? withDetails(model, list.recommendations) : list.recommendations;
  if (!options.explain) return { ...list, recommendations: detailed };
  const explanations = explain(
    model,
    withAll,
    list.recommendations.map(({ artistId }) => artistId),
    { ease: foldInModel?.coListening ?? null, blocks: false },
  );
  return {
    ...list,
    recommendations: detailed.map((item, i) => {
      const explanation = explanations[i] ?? null;
      return {
        ...item,
        explanation:
          explanation === null
            ? null
            : {
                text: describeExplanation(explanation),
                basis: explanation.basis,
                groups: explanation.summary.map((group) => ({
                  ...group,
                  value: rounded(group.value, 1e6),
                  apart: rounded(group.apart, 1e6),
                  percent: rounded(group.percent, 100),
                })),
                listened: explanation.listened.map((heard) => ({
                  ...heard,
                  percent: rounded(heard.percent, 100),
                })),
                sharedTags: explanation.sharedTags.map(({ tag, percent }) => ({
                  tag,
                  percent: rounded(percent, 100),
                })),
              },
      };
    }),
  };
}

/** Tags of an answer: the first say what an artist is. */
const MOST_TAGS = 5;

function withDetails(model: ServingModel, items: readonly Recommendation[]): readonly ListedArtist[] {
  const { tagsOf } = catalogueOf(model);
  const { byId } = artistIndexOf(model);
  return items.map((item) => {
    const artist = byId.get(item.artistId)!;
    const tags = tagsOf(artist).slice(0, MOST_TAGS);
    return { ...item, tags: tags.map(({ tag }) => tag), url: webAddress(model.artistUrls[artist]!) };
  });
}

/** Digits beyond what anybody reads would be half of the answer's bytes. */
function rounded(value: number, steps: number): number {
  return Math.round(value * steps) / steps;
}

/** The catalogue is made only for who filters. */
function allowedOf(model: ServingModel, options: ListOptions): ((artist: number) => boolean) | null {
  const { tags = [], excludeTags = [], minPopularity, maxPopularity } = options;
  if (tags.length + excludeTags.length === 0 && minPopularity === 0 && maxPopularity === 100) return null;
  return createArtistFilter(catalogueOf(model), { tags, excludeTags, minPopularity, maxPopularity });
}

function without(hidden: ReadonlySet<number>, shown: Int32Array): ReadonlySet<number> {
  return hidden.difference(new Set(shown));
}
