import type { ServingModel } from './artifact/serving-model.ts';
import { catalogueOf } from './listing/model-indices.ts';
import { openRecord, rankRecord, type OpenRecord, type RankedRecord } from './listing/open-record.ts';
import { sigmoid } from './rank/ranker.ts';
import type { RankerName } from './rank/variants.ts';
import { rerank, type RerankOptions } from './rerank.ts';

/** What an item of a list stands on: as the list's policy, or as what the list was filled up with. */
export type RecommendationSource = 'personal' | 'fold-in' | 'popular' | 'heard';

export interface Recommendation {
  readonly artistId: string;
  readonly name: string;
  /**
   * Probability that the listener will listen, in [0, 1], 6 significant digits; of a popular artist the share of listeners who
   * have it.
   */
  readonly score: number;
  /** 1 for the first of the whole list, `offset + 1` for the first of a page. */
  readonly rank: number;
  readonly source: RecommendationSource;
}

export interface RecommendedList {
  /** `popular` where there is no record, or an empty one; `fold-in` where the record was made of a history given. */
  readonly policy: 'personal' | 'fold-in' | 'popular';
  /**
   * What ranked, and whose probabilities are shown: the ranker asked for, or `lr` where the model lacks it; `null` where nothing
   * did, in the popular list.
   */
  readonly ranker: RankerName | null;
  readonly recommendations: readonly Recommendation[];
  /**
   * Of an interleaved list, one character for each item: `0` for one that `ranker` contributed, `1` for the other ranker's, `-` for one
   * that counts for neither; `null` for any other list.
   */
  readonly teams: string | null;
  /** Hash of what the features are computed from, 8 hexadecimal digits. */
  readonly featuresHash: string;
}

/** How two rankers make one list. */
export interface InterleaveOptions {
  /** What ranks against `ranker`. */
  readonly ranker: string;
  /**
   * Merges two orders of one set of artists, best first, into the first n of one list; see `teamDraft`. The first n of a longer
   * merge must be the same, or pages do not fit together.
   */
  readonly merge: (
    a: Int32Array,
    b: Int32Array,
    n: number,
  ) => { readonly order: Int32Array; readonly teams: string };
}

export interface RecommendOptions extends RerankOptions {
  /** The most artists to return, >= 1. */
  readonly n: number;
  /** How many of the list to pass over, 0 by default: pages of one list. */
  readonly offset?: number;
  /** Where the record comes from, by default from training. */
  readonly policy?: 'personal' | 'fold-in';
  /** Which of the model's rankers ranks, by default and for one that the model lacks `lr`. */
  readonly ranker?: string;
  /** A second ranker to interleave with; not of the popular list. */
  readonly interleave?: InterleaveOptions;
  /** Which artists may be shown; `null`, the default, for all. */
  readonly allowed?: ((artist: number) => boolean) | null;
  /** Artist indices not to show: disliked, just played. */
  readonly hidden?: ReadonlySet<number>;
  /**
   * Whether a list that is too short goes on with the most listened artists under the same filters: by default where there
   * are filters (`allowed`, or something `hidden`) that may have shortened it.
   */
  readonly topUp?: boolean;
}

const NOTHING: ReadonlySet<number> = new Set();

/**
 * Ranks a listener's candidates: record → features → logit → probability, descending.
 *
 * Equal logits are ordered by artist index, which is a seeded hash of the id. With `diversity` or `debias` the order is
 * another (see {@link rerank}), while every score stays the probability: it then no longer descends. The popular list knows
 * neither. Filters come before the order is made, so reranking sees only artists that may be shown, and a page is the same part of
 * whatever longer list it is cut from.
 *
 * @param record - The listener's packed candidates of this model version, or what {@link openRecord} made of them; `undefined` for
 *   an unknown listener, who gets the most listened artists of the whole catalogue, scored by the share of listeners who have
 *   them.
 * @throws EncoreError `ARTIFACT_INCOMPATIBLE` when the record does not belong to this model; `INVALID_OPTION` when
 *   `diversity` or `debias` is no number in [0, 1].
 */
export function recommend(
  model: ServingModel,
  record: Uint8Array | OpenRecord | undefined,
  options: RecommendOptions,
): RecommendedList {
  const { n, offset = 0, allowed = null, hidden = NOTHING } = options;
  const { topUp = allowed !== null || hidden.size > 0, policy = 'personal' } = options;
  const end = offset + n;
  const opened = record instanceof Uint8Array ? openRecord(model, record) : record;
  if (opened === undefined) {
    const mayShow = showable(allowed, hidden, []);
    return {
      policy: 'popular',
      ranker: null,
      teams: null,
      featuresHash: '00000000',
      recommendations: popularArtists(model, end, mayShow)
        .slice(offset)
        .map((popular, i) => popularItem(model, popular, offset + i)),
    };
  }
  const { items, heard } = opened.candidates;
  const ranked = rankRecord(model, opened, options.ranker ?? 'lr');
  const { order, teams } = orderOf(model, opened, ranked, end, options);
  const personal = Array.from(order.subarray(offset), (i, at) =>
    listed(model, items[i]!, {
      score: sigmoid(ranked.logits[i]!),
      position: offset + at,
      source: i < opened.nOwn ? policy : 'heard',
    }),
  );
  const missing = topUp ? end - order.length : 0;
  const added =
    missing > 0
      ? popularArtists(model, missing, showable(allowed, hidden, [heard.items, items]))
          .map((popular, i) => popularItem(model, popular, order.length + i))
          .slice(Math.max(0, offset - order.length))
      : [];
  return {
    policy,
    ranker: ranked.ranker,
    teams: teams === null ? null : teams.slice(offset) + '-'.repeat(added.length),
    featuresHash: opened.featuresHash,
    recommendations: [...personal, ...added],
  };
}

/** The first `end` positions of the candidates that may be shown, in the order asked for. */
function orderOf(
  model: ServingModel,
  opened: OpenRecord,
  ranked: RankedRecord,
  end: number,
  options: RecommendOptions,
): { readonly order: Int32Array; readonly teams: string | null } {
  const { allowed = null, hidden = NOTHING, interleave } = options;
  const { items } = opened.candidates;
  const open =
    allowed === null && hidden.size === 0
      ? null
      : Int32Array.from(items.keys()).filter(
          (i) => !hidden.has(items[i]!) && (allowed === null || allowed(items[i]!)),
        );
  const shown = open === null ? items : open.map((i) => items[i]!);
  const orderBy = ({ logits }: RankedRecord, most: number): Int32Array => {
    const order = rerank(
      {
        items: shown,
        logits: open === null ? logits : Float64Array.from(open, (i) => logits[i]!),
        artists: model.artists,
        nTerms: model.terms.length,
      },
      most,
      options,
    );
    return open === null ? order : order.map((i) => open[i]!);
  };
  if (interleave === undefined) return { order: orderBy(ranked, end), teams: null };
  const merged = interleave.merge(
    // Of whole orders, as the merge may look beyond the list's end.
    orderBy(ranked, shown.length),
    orderBy(rankRecord(model, opened, interleave.ranker), shown.length),
    end,
  );
  return merged;
}

function showable(
  allowed: ((artist: number) => boolean) | null,
  hidden: ReadonlySet<number>,
  taken: readonly Int32Array[],
): ((artist: number) => boolean) | null {
  if (allowed === null && hidden.size === 0 && taken.length === 0) return null;
  const known = new Set<number>(hidden);
  for (const items of taken) for (const item of items) known.add(item);
  return (artist) => !known.has(artist) && (allowed === null || allowed(artist));
}

/** The n most listened artists that may be shown, most first. */
function popularArtists(
  model: ServingModel,
  n: number,
  mayShow: ((artist: number) => boolean) | null,
): readonly PopularArtist[] {
  const { items, shares } = model.popular;
  const found: PopularArtist[] = [];
  // What is stored will do for most lists; the order of all artists takes milliseconds the first time.
  for (let i = 0; i < items.length && found.length < n; i++) {
    const artist = items[i]!;
    if (mayShow === null || mayShow(artist)) found.push({ artist, share: shares[i]! });
  }
  if (found.length === n) return found;
  const catalogue = catalogueOf(model);
  const { byPopularity } = catalogue;
  // Both orders are one: by listeners, then by index.
  for (let i = items.length; i < byPopularity.length && found.length < n; i++) {
    const artist = byPopularity[i]!;
    if (mayShow === null || mayShow(artist)) found.push({ artist, share: catalogue.shares[artist]! });
  }
  return found;
}

interface PopularArtist {
  readonly artist: number;
  readonly share: number;
}

function popularItem(
  model: ServingModel,
  { artist, share }: PopularArtist,
  position: number,
): Recommendation {
  return listed(model, artist, { score: share, position, source: 'popular' });
}

function listed(
  model: ServingModel,
  artist: number,
  {
    score,
    position,
    source,
  }: { readonly score: number; readonly position: number; readonly source: RecommendationSource },
): Recommendation {
  return {
    artistId: model.artistIds[artist]!,
    name: model.artistNames[artist]!,
    score: Number(score.toPrecision(6)),
    rank: position + 1,
    source,
  };
}
