import { topK } from '../math/top-k.ts';
import type { History } from './history.ts';
import type { CandidateSource, HistorySource, PairScorer } from './source.ts';

/** The most candidates that a listener's record may hold. */
export const MAX_CANDIDATES = 250;

/** One listener's candidates: an unordered set, each with its sources and all scores. */
export interface Nominations {
  /** Shape (n,): artist indices, ascending. */
  readonly items: Int32Array;
  /** Shape (n,): bit s is set where source s nominated the candidate. */
  readonly nominatedBy: Uint32Array;
  /**
   * Shape (n × nScores,), row-major: each source's score, standardised over the listener's unheard artists, then the
   * pair scorers' as they are.
   */
  readonly scores: Float64Array;
}

const NOBODY_ELSE = { items: new Int32Array(0), nominatedBy: new Uint32Array(0) };

/** Buffers for {@link nominate}, reused from listener to listener. */
export interface NominationBuffers {
  readonly rows: readonly Float64Array[];
  readonly masked: Float64Array;
}

export function createNominationBuffers(nSources: number, nArtists: number): NominationBuffers {
  return {
    rows: Array.from({ length: nSources }, () => new Float64Array(nArtists)),
    masked: new Float64Array(nArtists),
  };
}

/** One listener, as a source is asked about them. */
export interface ListenerSource {
  readonly k: number;
  /** Scores all artists for the listener, shape (nArtists,). */
  score(out: Float64Array): void;
}

/** What sources say of a listener of the training part. */
export function sourcesForUser(sources: readonly CandidateSource[], user: number): readonly ListenerSource[] {
  return sources.map((source) => ({ k: source.k, score: (out) => source.scoreUser(user, out) }));
}

/**
 * What sources say of anybody with a history.
 *
 * @param ownRow - The listener's row of the training part, where there is one: nobody is their own neighbour.
 */
export function sourcesForHistory(
  sources: readonly HistorySource[],
  history: History,
  ownRow?: number,
): readonly ListenerSource[] {
  return sources.map((source) => ({
    k: source.k,
    score: (out) => source.scoreHistory(history, out, ownRow),
  }));
}

/**
 * The union of every source's best unheard artists for a listener.
 *
 * Where the union is larger than {@link MAX_CANDIDATES}, the candidates with the best rank in any source stay, ties
 * by the order of the sources.
 *
 * @param history - What the listener heard: artists that may not be nominated.
 * @param options.hidden - Ascending: artists not heard that may not be nominated either. Scores are standardised over them all the
 *   same, so that they change the scores of nobody else.
 * @param options.also - Candidates to keep beside those nominated, unheard and distinct, with who nominated them; they fill what
 *   the union leaves free, those that sources rank higher (by their largest standardised score) first.
 */
export function nominate(
  history: History,
  sources: readonly ListenerSource[],
  pairScorers: readonly PairScorer[],
  buffers: NominationBuffers,
  options: {
    readonly hidden?: Int32Array;
    readonly also?: Pick<Nominations, 'items' | 'nominatedBy'>;
  } = {},
): Nominations {
  const { hidden = NOTHING, also = NOBODY_ELSE } = options;
  const heard = history.items;
  const { rows, masked } = buffers;
  const bestRank = new Map<number, number>();
  const nominatedBy = new Map<number, number>();
  const means = new Float64Array(sources.length);
  const inverseDeviations = new Float64Array(sources.length);
  sources.forEach((source, s) => {
    const row = rows[s]!;
    source.score(row);
    const { mean, deviation } = unheardMoments(row, heard);
    means[s] = mean;
    inverseDeviations[s] = deviation > 0 ? 1 / deviation : 0;
    if (source.k === 0 || deviation === 0) return;
    masked.set(row);
    for (const item of heard) masked[item] = -Infinity;
    for (const item of hidden) masked[item] = -Infinity;
    const best = topK(masked, Math.min(source.k, masked.length - heard.length - hidden.length));
    best.forEach((item, rank) => {
      // Below the mean a source has no evidence for the artist, only nothing better left.
      if (row[item]! <= mean) return;
      const key = rank * sources.length + s;
      const known = bestRank.get(item);
      if (known === undefined || key < known) bestRank.set(item, key);
      nominatedBy.set(item, (nominatedBy.get(item) ?? 0) | (1 << s));
    });
  });

  const kept = Array.from(bestRank.entries())
    .toSorted((a, b) => a[1] - b[1])
    .slice(0, MAX_CANDIDATES)
    .map(([item]) => item);
  const known = new Set(kept);
  const largest = (item: number): number =>
    rows.reduce(
      (most, row, s) => Math.max(most, (row[item]! - means[s]!) * inverseDeviations[s]!),
      -Infinity,
    );
  const others = Array.from(also.items)
    .filter((item) => !known.has(item))
    .map((item) => ({ item, score: largest(item) }))
    .toSorted((a, b) => b.score - a.score || a.item - b.item)
    .slice(0, MAX_CANDIDATES - kept.length)
    .map(({ item }) => item);
  also.items.forEach((item, i) => {
    nominatedBy.set(item, (nominatedBy.get(item) ?? 0) | also.nominatedBy[i]!);
  });
  const items = Int32Array.from([...kept, ...others]).toSorted();
  const nPairs = pairScorers.reduce((n, scorer) => n + scorer.names.length, 0);
  const width = sources.length + nPairs;
  const scores = new Float64Array(items.length * width);
  for (let i = 0; i < items.length; i++) {
    for (let s = 0; s < sources.length; s++) {
      scores[i * width + s] = (rows[s]![items[i]!]! - means[s]!) * inverseDeviations[s]!;
    }
  }
  let column = sources.length;
  for (const scorer of pairScorers) {
    const n = scorer.names.length;
    const pairs = new Float64Array(items.length * n);
    scorer.scorePairs(history, items, pairs);
    for (let i = 0; i < items.length; i++) {
      for (let c = 0; c < n; c++) scores[i * width + column + c] = pairs[i * n + c]!;
    }
    column += n;
  }
  return { items, nominatedBy: Uint32Array.from(items, (item) => nominatedBy.get(item)!), scores };
}

const NOTHING = new Int32Array(0);

/** Mean and standard deviation of a row over the artists not heard; 0 where the row says nothing. */
export function unheardMoments(row: Float64Array, heard: Int32Array): { mean: number; deviation: number } {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < row.length; i++) {
    const v = row[i]!;
    sum += v;
    squares += v * v;
  }
  for (const item of heard) {
    sum -= row[item]!;
    squares -= row[item]! ** 2;
  }
  const n = Math.max(1, row.length - heard.length);
  const mean = sum / n;
  const variance = squares / n - mean * mean;
  // Cancellation leaves a little noise in the variance of a constant row: that is a deviation of 0.
  return { mean, deviation: variance > 1e-14 * (squares / n) ? Math.sqrt(variance) : 0 };
}
