import { EncoreError } from '../errors.ts';
import type { Csr } from '../math/csr.ts';

/** What one listener has heard. */
export interface History {
  /** Shape (n,): artist indices, ascending and distinct. */
  readonly items: Int32Array;
  /** Shape (n,): plays of each, positive; `null` where nobody counted them. */
  readonly plays: Float64Array | null;
  /** Shape (n,): interaction weights, see {@link rankWeights}; 1 each without plays. */
  readonly weights: Float64Array;
}

/**
 * How much each play count says: w = ½ + (rank − ½) / n, the rank of the plays among the listener's own.
 *
 * The rank is 1 for the fewest plays and n for the most, n being the listener's number of artists; equal plays share
 * the mean of their ranks. Weights lie in (½, 3/2) with mean 1: who plays more does not weigh more, and equal plays
 * weigh 1 each, as they do where plays are unknown.
 *
 * @param plays - Shape (n,): one listener's plays.
 * @returns Shape (n,).
 */
export function rankWeights(plays: Float64Array): Float64Array {
  const n = plays.length;
  const weights = new Float64Array(n);
  const order = Int32Array.from(plays.keys()).toSorted((a, b) => plays[a]! - plays[b]!);
  for (let i = 0; i < n;) {
    let end = i + 1;
    while (end < n && plays[order[end]!] === plays[order[i]!]) end++;
    // Ranks i + 1 … end, mean (i + 1 + end) / 2.
    const weight = 0.5 + (i + end) / (2 * n);
    for (; i < end; i++) weights[order[i]!] = weight;
  }
  return weights;
}

/** The same history where an artist heard counts 1, for models that were fitted on that. */
export function unweighted(history: History): History {
  return { ...history, weights: new Float64Array(history.items.length).fill(1) };
}

/** An artist heard, and how often where that is known. */
export interface HeardArtist {
  readonly artist: number;
  readonly plays?: number;
}

/**
 * A history from a list in any order: an artist named twice counts once, with the sum of its plays.
 *
 * Where any artist comes without plays, all plays are left aside: a rank among the others would be made up.
 *
 * @param nArtists - Size of the catalogue.
 * @throws {@link EncoreError} `INVALID_OPTION` when an artist is outside the catalogue, or plays are no positive number.
 */
export function createHistory(nArtists: number, heard: readonly HeardArtist[]): History {
  const totals = new Map<number, number>();
  for (const { artist, plays } of heard) {
    if (!(Number.isInteger(artist) && artist >= 0 && artist < nArtists)) {
      throw new EncoreError(
        'INVALID_OPTION',
        `artist index of a history is ${artist}: allowed is an integer in [0, ${nArtists})`,
        { field: 'artist', found: artist },
      );
    }
    if (plays !== undefined && !(plays > 0 && plays < Infinity)) {
      throw new EncoreError('INVALID_OPTION', `plays of a history are ${plays}: allowed is a number > 0`, {
        field: 'plays',
        found: plays,
      });
    }
    totals.set(artist, (totals.get(artist) ?? 0) + (plays ?? 0));
  }
  const counted = heard.every(({ plays }) => plays !== undefined);
  const items = Int32Array.from(totals.keys()).toSorted();
  const plays = counted ? Float64Array.from(items, (item) => totals.get(item)!) : null;
  return {
    items,
    plays,
    weights: plays === null ? new Float64Array(items.length).fill(1) : rankWeights(plays),
  };
}

/**
 * A listener's row of the training part as a history.
 *
 * @param tables - `plays` and the interaction `weights` made of them, shape (nUsers, nArtists) each.
 */
export function rowHistory(tables: { readonly plays: Csr; readonly weights: Csr }, user: number): History {
  const { indptr, indices, values } = tables.plays;
  const start = indptr[user]!;
  const end = indptr[user + 1]!;
  return {
    items: indices.subarray(start, end),
    plays: values.subarray(start, end),
    weights: tables.weights.values.subarray(start, end),
  };
}

/** The least that an artist played or liked lately weighs: as much as the listener's artists on average. */
const RECENT_WEIGHT = 1;

/**
 * A history with what was heard since: how often is not known, so that it weighs 1 where it did not weigh more. The plays are left
 * aside, as in every history where one artist comes without.
 *
 * @param heard - `items` and `weights` of the history so far.
 * @param recent - Artist indices, distinct.
 */
export function withRecent(heard: Pick<History, 'items' | 'weights'>, recent: Int32Array): History {
  const weights = new Map(Array.from(heard.items, (item, h) => [item, heard.weights[h]!]));
  for (const item of recent) weights.set(item, Math.max(RECENT_WEIGHT, weights.get(item) ?? 0));
  const items = Int32Array.from(weights.keys()).toSorted();
  return { items, plays: null, weights: Float64Array.from(items, (item) => weights.get(item)!) };
}
