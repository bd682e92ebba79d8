import type { ServingModel } from '../artifact/serving-model.ts';
import { normaliseName } from '../fold-in/resolve-artists.ts';
import { N_DEGREES } from '../rank/features.ts';

/** What is known of the artists beside the model: for filters, popular lists and pages. */
export interface ArtistCatalogue {
  /** The artist's tags, those given most often first; at most 20, see `topTags`. Empty where it has none. */
  readonly tagsOf: (artist: number) => readonly CountedTag[];
  /**
   * The artists that carry a tag, compared by `normaliseName`.
   *
   * @returns Artist indices, ascending; empty for a tag that no artist has.
   */
  readonly artistsWith: (tag: string) => Int32Array;
  /**
   * Shape (nArtists,), each in [0, 100], 6 significant digits, so that a filter knows the number that is shown: how many per cent of the
   * other artists have fewer listeners, those with as many counting half (mid-rank). 100 for an artist that has more than
   * all others, 0 for one that has fewer; the many with one listener share a percentile, half of their share of the
   * catalogue, and nobody who is listened to is below it.
   */
  readonly percentiles: Float64Array;
  /** Shape (nArtists,): all artists, most listeners first, ties by index. */
  readonly byPopularity: Int32Array;
  /** Shape (nArtists,), each in [0, 1]: the share of the training's listeners who have the artist. */
  readonly shares: Float64Array;
  /** Shape (nArtists,): how many of the training's listeners have the artist. */
  readonly listeners: Int32Array;
}

export interface CountedTag {
  /** As listeners write it, in lower case. */
  readonly tag: string;
  /** How often the artist was given it, >= 1. */
  readonly count: number;
}

/** Makes the catalogue of a model: a matter of milliseconds, so once for each, on first need. */
export function createArtistCatalogue(
  model: Pick<ServingModel, 'artists' | 'artistTags' | 'popular'>,
): ArtistCatalogue {
  const { artists, artistTags, popular } = model;
  const { names, starts, tags, counts } = artistTags;
  const nArtists = artists.degrees.length / N_DEGREES;
  // Kept as ln(1 + listeners) in single precision, which is exact for up to a million of them.
  const listeners = Int32Array.from({ length: nArtists }, (_, artist) =>
    Math.round(Math.expm1(artists.degrees[artist * N_DEGREES]!)),
  );
  const byPopularity = popularityOrder(listeners);
  const nUsers = countUsers(popular, listeners);
  let carriers: ReadonlyMap<string, Int32Array> | undefined;
  return {
    tagsOf: (artist) => {
      const from = starts[artist]!;
      return Array.from(tags.subarray(from, starts[artist + 1]), (tag, i) => ({
        tag: names[tag]!,
        count: counts[from + i]!,
      }));
    },
    artistsWith: (tag) => {
      carriers ??= carriersByTag(artistTags);
      return carriers.get(normaliseName(tag)) ?? NOBODY;
    },
    percentiles: midRankPercentiles(listeners, byPopularity),
    byPopularity,
    shares: Float64Array.from(listeners, (count) => count / nUsers),
    listeners,
  };
}

const NOBODY = new Int32Array(0);

/** Artist indices by listeners, most first, ties by index. */
function popularityOrder(listeners: Int32Array): Int32Array {
  const n = listeners.length;
  const most = listeners.reduce((max, count) => Math.max(max, count), 0);
  // One number for both keys: without a comparator the sort is several times as fast.
  const keys = Float64Array.from(listeners, (count, artist) => (most - count) * n + artist).toSorted();
  return Int32Array.from(keys, (key) => key % n);
}

/** Shape (n,): see {@link ArtistCatalogue.percentiles}; 100 where there is one artist only. */
function midRankPercentiles(listeners: Int32Array, order: Int32Array): Float64Array {
  const n = order.length;
  const out = new Float64Array(n);
  for (let from = 0; from < n;) {
    let to = from + 1;
    while (to < n && listeners[order[to]!] === listeners[order[from]!]) to++;
    const below = n - to + (to - from - 1) / 2;
    const percentile = n === 1 ? 100 : Number(((100 * below) / (n - 1)).toPrecision(6));
    for (let at = from; at < to; at++) out[order[at]!] = percentile;
    from = to;
  }
  return out;
}

/**
 * The listeners that the model was trained on, >= 1: of the first of the popular list the number who have it divided by the
 * share who have it.
 */
function countUsers({ items, shares }: ServingModel['popular'], listeners: Int32Array): number {
  const share = shares[0] ?? 0;
  return share > 0 ? Math.max(1, Math.round(listeners[items[0]!]! / share)) : 1;
}

/** Artist indices, ascending, by tag as it is compared. */
function carriersByTag({ names, starts, tags }: ServingModel['artistTags']): ReadonlyMap<string, Int32Array> {
  const groups = new Map<string, number>();
  const groupOf = Int32Array.from(names, (name) => {
    const key = normaliseName(name);
    const group = groups.get(key) ?? groups.size;
    groups.set(key, group);
    return group;
  });
  const lists: number[][] = Array.from(groups, () => []);
  for (let artist = 0; artist + 1 < starts.length; artist++) {
    for (let e = starts[artist]!; e < starts[artist + 1]!; e++) {
      const list = lists[groupOf[tags[e]!]!]!;
      // Two spellings of one tag.
      if (list.at(-1) !== artist) list.push(artist);
    }
  }
  return new Map(Array.from(groups, ([key, group]) => [key, Int32Array.from(lists[group]!)]));
}
