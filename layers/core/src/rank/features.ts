import type { CandidateRecord } from '../artifact/candidate-record.ts';
import { EncoreError } from '../errors.ts';
import type { Csr } from '../math/csr.ts';
import { oncePerObject } from '../math/once-per-object.ts';

/**
 * The features of a (listener, artist) pair, computed by the same code for training and for serving.
 *
 * A pair's row has three parts. *Artist* features depend on the artist only (its embedding and its BiasedSVD factors),
 * *user* features on the listener only (freshness and factors), so that their share of the logit is looked up. *Pair*
 * features are the rest: the product of the factors, and the cross features that carry the ranker.
 */
export interface FeatureSpace {
  /** Names of the candidate sources, in the order of their scores in a record. */
  readonly sources: readonly string[];
  /** Names of the pair scores, which follow the sources' scores in a record. */
  readonly pairScores: readonly string[];
  /** Dimensions of the artist embedding. */
  readonly nEmbedding: number;
  /** BiasedSVD factors of a listener or an artist. */
  readonly nFactors: number;
  /** Whether scores, ranks, degrees and popularity are features. */
  readonly crossFeatures: boolean;
  /**
   * Names of the pair columns that condition the ranker's weights: each is multiplied with every crossed column (see
   * {@link crossedColumns}), so that a source counts for more or less with the artist's fame or the listener's taste.
   */
  readonly contexts: readonly string[];
}

/** What the ranker knows of each artist, in single precision as in the artifact. */
export interface ArtistTable {
  /** Shape (nArtists, nEmbedding). */
  readonly embedding: Csr;
  /** Shape (nArtists × nFactors,). */
  readonly factors: Float32Array;
  /** Shape (nArtists × 3,): ln(1 + listeners), ln(1 + tag assignments), ln(1 + taggers). */
  readonly degrees: Float32Array;
}

/** Columns of `degrees`. */
export const N_DEGREES = 3;

/**
 * A listener's features, stored at the head of the candidate record: tag freshness x, x², √x; ln(1 + artists heard);
 * mainstreamness (the mean of ln(1 + listeners) over the artists heard); the BiasedSVD factors.
 */
export function nUserFeatures(space: FeatureSpace): number {
  return N_FRESHNESS + 2 + space.nFactors;
}

/** Columns of the user part: freshness and factors. */
export function nUserColumns(space: FeatureSpace): number {
  return N_FRESHNESS + space.nFactors;
}

/** Columns of the artist part: embedding and factors. */
export function nArtistColumns(space: FeatureSpace): number {
  return space.nEmbedding + space.nFactors;
}

/** Columns that say how long ago a listener tagged. */
export const N_FRESHNESS = 3;
const DEGREE = N_FRESHNESS;
const MAINSTREAMNESS = N_FRESHNESS + 1;
const FACTORS = N_FRESHNESS + 2;

/** What a listener's features are made of. */
export interface ListenerFacts {
  /** Tag freshness, in [0, 1]. */
  readonly freshness: number;
  /** Shape (n,): artists heard. */
  readonly heard: Int32Array;
  /** Shape (nArtists,): listeners of each artist. */
  readonly listeners: Int32Array;
  /** Shape (nFactors,): of BiasedSVD. */
  readonly factors: Float64Array | Float32Array;
}

/**
 * A listener's features, see {@link nUserFeatures}.
 *
 * @returns Shape (nUserFeatures(space),).
 */
export function listenerFeatures(
  space: FeatureSpace,
  { freshness, heard, listeners, factors }: ListenerFacts,
): Float64Array {
  const out = new Float64Array(nUserFeatures(space));
  out[0] = freshness;
  out[1] = freshness * freshness;
  out[2] = Math.sqrt(freshness);
  let logListeners = 0;
  for (const item of heard) logListeners += Math.log1p(listeners[item]!);
  out[DEGREE] = Math.log1p(heard.length);
  out[MAINSTREAMNESS] = heard.length > 0 ? logListeners / heard.length : 0;
  out.set(factors, FACTORS);
  return out;
}

/** Writes a listener's columns of the user part. */
export function writeUserColumns(
  space: FeatureSpace,
  userFeatures: Float64Array,
  out: Float64Array,
  at: number,
): void {
  for (let c = 0; c < N_FRESHNESS; c++) out[at + c] = userFeatures[c]!;
  for (let f = 0; f < space.nFactors; f++) out[at + N_FRESHNESS + f] = userFeatures[FACTORS + f]!;
}

/**
 * A listener's BiasedSVD factors.
 *
 * @returns Shape (nFactors,): a view of the features.
 */
export function listenerFactors({ nFactors }: FeatureSpace, userFeatures: Float64Array): Float64Array {
  return userFeatures.subarray(FACTORS, FACTORS + nFactors);
}

/** The names of the pair columns, in order. */
export const pairColumnNames: (space: FeatureSpace) => readonly string[] = oncePerObject((space) => {
  const products = Array.from({ length: space.nFactors }, (_, f) => `svd-product-${f}`);
  if (!space.crossFeatures) return products;
  return [
    ...products,
    ...space.sources.flatMap((source) => [`score:${source}`, `rank:${source}`]),
    ...space.pairScores,
    'popularity',
    'tags',
    'taggers',
    ...LISTENER_COLUMNS,
  ];
});

/** Pair columns, the last ones, that are the same for all candidates of a listener. */
const LISTENER_COLUMNS = ['degree', 'mainstreamness'] as const;

/** The pair columns [first, end) that contexts are crossed with: all that can move one candidate past another. */
export function crossedColumns(space: FeatureSpace): { readonly first: number; readonly end: number } {
  const first = space.nFactors;
  if (space.contexts.length === 0) return { first, end: first };
  return { first, end: pairColumnNames(space).length - LISTENER_COLUMNS.length };
}

/**
 * Where the contexts are among the pair columns.
 *
 * @throws {@link EncoreError} `SHAPE_MISMATCH` for a context that is no pair column.
 */
export function contextColumns(space: FeatureSpace): readonly number[] {
  const names = pairColumnNames(space);
  return space.contexts.map((context) => {
    const column = names.indexOf(context);
    if (column < 0) {
      throw new EncoreError(
        'SHAPE_MISMATCH',
        `context ${context} is none of the columns ${names.join(', ')}`,
        {
          context,
        },
      );
    }
    return column;
  });
}

/** Products of the factors alone: the seed's pair columns, for any listener and artist. */
export function writeFactorProducts(
  space: FeatureSpace,
  userFeatures: Float64Array,
  artist: number,
  table: ArtistTable,
  out: Float64Array,
  at: number,
): void {
  for (let f = 0; f < space.nFactors; f++) {
    out[at + f] = userFeatures[FACTORS + f]! * table.factors[artist * space.nFactors + f]!;
  }
}

/**
 * The pair columns of all candidates of a listener.
 *
 * A source's rank feature is ln(1 + rank) among the candidates, equal scores sharing their mean rank, so that
 * quantising cannot reorder them.
 *
 * @returns Shape (n × pairColumnNames(space).length,), row-major, in the order of `record.items`.
 */
export function pairFeatures(space: FeatureSpace, record: CandidateRecord, table: ArtistTable): Float64Array {
  const n = record.items.length;
  const width = pairColumnNames(space).length;
  const out = new Float64Array(n * width);
  const { items, scores, userFeatures } = record;
  const nSources = space.sources.length;
  const nScores = nSources + space.pairScores.length;
  for (let i = 0; i < n; i++) writeFactorProducts(space, userFeatures, items[i]!, table, out, i * width);
  if (!space.crossFeatures) return out;

  let column = space.nFactors;
  const scoresOf = new Float64Array(n);
  const sorted = new Float64Array(n);
  const ranks = new Float64Array(n);
  for (let s = 0; s < nSources; s++) {
    for (let i = 0; i < n; i++) scoresOf[i] = scores[i * nScores + s]!;
    writeMeanRanks(scoresOf, sorted, ranks);
    for (let i = 0; i < n; i++) {
      out[i * width + column] = scoresOf[i]!;
      out[i * width + column + 1] = logOfRank(ranks[i]!);
    }
    column += 2;
  }
  for (let s = nSources; s < nScores; s++) {
    for (let i = 0; i < n; i++) out[i * width + column] = scores[i * nScores + s]!;
    column++;
  }
  const degree = userFeatures[DEGREE]!;
  const mainstreamness = userFeatures[MAINSTREAMNESS]!;
  for (let i = 0; i < n; i++) {
    const at = i * width + column;
    const artist = items[i]! * N_DEGREES;
    out[at] = table.degrees[artist]!;
    out[at + 1] = table.degrees[artist + 1]!;
    out[at + 2] = table.degrees[artist + 2]!;
    out[at + 3] = degree;
    out[at + 4] = mainstreamness;
  }
  return out;
}

/**
 * The pair columns of a record that artists were added to: those of its own candidates as they are, and for each added artist those
 * that it would have as one more candidate, ranked among the own ones alone.
 *
 * @param nOwn - How many candidates, the first ones, are the record's own.
 * @param own - What {@link pairFeatures} gave for them.
 * @returns Shape (n × pairColumnNames(space).length,), row-major.
 */
export function appendPairFeatures(
  space: FeatureSpace,
  record: CandidateRecord,
  nOwn: number,
  own: Float64Array,
  table: ArtistTable,
): Float64Array {
  // Everything but the ranks is the artist's own.
  const out = pairFeatures(space, record, table);
  out.set(own);
  if (!space.crossFeatures) return out;
  const width = pairColumnNames(space).length;
  const nScores = space.sources.length + space.pairScores.length;
  const { scores, items } = record;
  for (let i = nOwn; i < items.length; i++) {
    for (let s = 0; s < space.sources.length; s++) {
      const value = scores[i * nScores + s]!;
      let above = 0;
      let equal = 0;
      for (let j = 0; j < nOwn; j++) {
        const other = scores[j * nScores + s]!;
        if (other > value) above++;
        else if (other === value) equal++;
      }
      out[i * width + space.nFactors + 2 * s + 1] = logOfRank(above + 1 + equal / 2);
    }
  }
  return out;
}

/** ln(1 + rank) by twice the rank, which is an integer: looked up, as a record asks for thousands. */
const LOGS = Float64Array.from({ length: 1024 }, (_, twice) => Math.log(1 + twice / 2));

function logOfRank(rank: number): number {
  return 2 * rank < LOGS.length ? LOGS[2 * rank]! : Math.log(1 + rank);
}

/**
 * The rank, 1 for the largest, of each value; equal values share their mean rank.
 *
 * Scores of a record are on a grid of 256 levels, so that they are counted instead of sorted; others are sorted.
 *
 * @param values - Shape (n,).
 * @param sorted - Shape (n,), overwritten.
 * @param ranks - Shape (n,), overwritten.
 */
function writeMeanRanks(values: Float64Array, sorted: Float64Array, ranks: Float64Array): void {
  if (countRanks(values, sorted, ranks)) return;
  const n = values.length;
  sorted.set(values);
  // Without a comparator the sort is an order of magnitude faster; each value is then looked up.
  sorted.sort();
  for (let i = 0; i < n; i++) {
    const value = values[i]!;
    const below = firstNotBelow(sorted, value);
    let end = below + 1;
    while (end < n && sorted[end] === value) end++;
    // Ascending places below … end − 1 are the ranks n − end + 1 … n − below.
    ranks[i] = (2 * n + 1 - end - below) / 2;
  }
}

const LEVELS = 256;

/** @returns Whether no level holds two values; where one does the ranks are not written. */
function countRanks(values: Float64Array, levels: Float64Array, ranks: Float64Array): boolean {
  const n = values.length;
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < n; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const scale = max > min ? (LEVELS - 1) / (max - min) : 0;
  const counts = new Int32Array(LEVELS);
  const held = new Float64Array(LEVELS);
  for (let i = 0; i < n; i++) {
    const value = values[i]!;
    const level = Math.floor((value - min) * scale + 0.5);
    if (!(level < LEVELS)) return false;
    if (counts[level] === 0) held[level] = value;
    else if (held[level] !== value) return false;
    counts[level]!++;
    levels[i] = level;
  }
  let above = 0;
  for (let level = LEVELS - 1; level >= 0; level--) {
    const count = counts[level]!;
    held[level] = above + (count + 1) / 2;
    above += count;
  }
  for (let i = 0; i < n; i++) ranks[i] = held[levels[i]!]!;
  return true;
}

function firstNotBelow(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
