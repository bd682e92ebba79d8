import type { Dataset } from '../data/dataset.ts';
import type { Vocabulary } from '../data/vocabulary.ts';
import { withEntries, withUsers } from '../data/with-users.ts';
import { csrFromCoordinates, type Csr } from '../math/csr.ts';
import type { ListenerEvent } from '../ports.ts';
import { utcDay } from './event-partition.ts';
import { firstReceived } from './first-received.ts';

/** How much one listener can say in a day (UTC, of `at`); what exceeds it is left out, in the order of `at`. */
export interface EventCaps {
  /** Plays of one artist. */
  readonly playsPerArtist: number;
  /** Plays of all artists. */
  readonly plays: number;
  /** Distinct artists played or liked. */
  readonly artists: number;
}

/**
 * A day of three-minute songs has 480: nobody hears 2,000, or 500 artists; a hundred plays of one artist are five hours. Beyond
 * that it is a machine's, or somebody's who wants an artist to rise.
 */
export const EVENT_CAPS: EventCaps = { playsPerArtist: 100, plays: 2_000, artists: 500 };

/** What became of the events. `read` is the sum of the others down to `ineffective`. */
export interface EventCounts {
  readonly read: number;
  /** Plays, likes and dislikes that the data set now has, also where a cap left only part of their plays. */
  readonly merged: number;
  /** Ids of a listener that had been received before. */
  readonly duplicates: number;
  /** Of which the caps left nothing. */
  readonly capped: number;
  /** Of artists that are not in the catalogue. */
  readonly unknownArtist: number;
  /** Of listeners of whom there is nothing to recommend from: neither in the data set nor with an artist played or liked. */
  readonly withoutListening: number;
  /** Clicks and skips, which change no data set. */
  readonly ineffective: number;
  /** Plays that were left out by the caps, those of `capped` included. */
  readonly playsCapped: number;
  /** Plays that were added. */
  readonly playsAdded: number;
  readonly newListeners: number;
  /** Pairs of a listener and an artist that may not be recommended. */
  readonly hiddenPairs: number;
}

/** One listener's events of one artist, added up. */
interface Pair {
  plays: number;
  liked: boolean;
  /** Whether the last thing said of the artist is that it is disliked. */
  disliked: boolean;
}

interface Day {
  readonly playsOf: Map<number, number>;
  plays: number;
}

/**
 * The data set as it would be with what listeners did since.
 *
 * Of events with the same listener and id the one received first counts. In the order of `at`: plays add to the listener's
 * plays of the artist, within the caps. A liked artist has at least one play. A disliked one is `hidden` from the
 * listener unless it was played or liked later, or heard before: heard artists are not recommended anyway. Clicks and skips say
 * too little to train on. Artists outside the catalogue are skipped; a listener who is not in the data set is added once an
 * artist was played or liked. Tags, their times and friends stay.
 *
 * @param events - In any order; the result does not depend on it.
 * @returns `dataset` itself where nothing changes.
 */
export function mergeEvents(
  dataset: Dataset,
  events: readonly ListenerEvent[],
  options: { readonly caps?: EventCaps } = {},
): { readonly dataset: Dataset; readonly counts: EventCounts } {
  const { caps = EVENT_CAPS } = options;
  const distinct = firstReceived(events).toSorted((a, b) => a.at - b.at);
  const counts = {
    read: events.length,
    merged: 0,
    duplicates: events.length - distinct.length,
    capped: 0,
    unknownArtist: 0,
    withoutListening: 0,
    ineffective: 0,
    playsCapped: 0,
    playsAdded: 0,
    newListeners: 0,
    hiddenPairs: 0,
  };
  const listeners = new Map<string, Map<number, Pair>>();
  const mergedOf = new Map<string, number>();
  /** By listener and day. */
  const days = new Map<string, Day>();
  for (const event of distinct) {
    const { userId, type } = event;
    const artist = dataset.artists.indexOf(event.artistId);
    if (artist === undefined) {
      counts.unknownArtist++;
      continue;
    }
    if (type === 'click' || type === 'skip') {
      counts.ineffective++;
      continue;
    }
    const pairs = listeners.get(userId) ?? new Map<number, Pair>();
    const pair = pairs.get(artist) ?? { plays: 0, liked: false, disliked: false };
    if (type === 'dislike') {
      pair.disliked = true;
    } else {
      const wanted = type === 'play' ? event.plays : 0;
      const granted = grant(dayOf(days, event), artist, { wanted, caps });
      counts.playsCapped += wanted - (granted ?? 0);
      if (granted === null || (type === 'play' && granted === 0)) {
        counts.capped++;
        continue;
      }
      pair.plays += granted;
      pair.liked ||= type === 'like';
      pair.disliked = false;
    }
    pairs.set(artist, pair);
    listeners.set(userId, pairs);
    mergedOf.set(userId, (mergedOf.get(userId) ?? 0) + 1);
    counts.merged++;
  }
  for (const [userId, pairs] of listeners) {
    if (dataset.users.indexOf(userId) !== undefined) continue;
    if (Array.from(pairs.values()).some(({ plays, liked }) => plays > 0 || liked)) {
      counts.newListeners++;
      continue;
    }
    listeners.delete(userId);
    counts.withoutListening += mergedOf.get(userId)!;
    counts.merged -= mergedOf.get(userId)!;
  }
  if (listeners.size === 0) return { dataset, counts };

  const newcomers = Array.from(listeners.keys()).filter((id) => dataset.users.indexOf(id) === undefined);
  const larger = withUsers(dataset, newcomers);
  const { plays, added } = addPlays(larger, listeners);
  const hidden = hiddenPairs(plays, larger.users, listeners);
  counts.playsAdded = added;
  counts.hiddenPairs = hidden?.indices.length ?? 0;
  return { dataset: { ...larger, plays, hidden }, counts };
}

function dayOf(days: Map<string, Day>, { userId, at }: ListenerEvent): Day {
  const key = `${utcDay(at)}\t${userId}`;
  let day = days.get(key);
  if (day === undefined) {
    day = { playsOf: new Map(), plays: 0 };
    days.set(key, day);
  }
  return day;
}

/** How many of the plays wanted the day has room for, taking it; `null` where the artist itself is one too many. */
function grant(
  day: Day,
  artist: number,
  { wanted, caps }: { readonly wanted: number; readonly caps: EventCaps },
): number | null {
  const before = day.playsOf.get(artist);
  if (before === undefined && day.playsOf.size >= caps.artists) return null;
  const granted = Math.min(wanted, caps.playsPerArtist - (before ?? 0), caps.plays - day.plays);
  if (wanted > 0 && granted === 0) return 0;
  day.playsOf.set(artist, (before ?? 0) + granted);
  day.plays += granted;
  return granted;
}

function addPlays(
  { plays, users }: Dataset,
  listeners: ReadonlyMap<string, ReadonlyMap<number, Pair>>,
): { readonly plays: Csr; readonly added: number } {
  const rows: number[] = [];
  const cols: number[] = [];
  const values: number[] = [];
  let added = 0;
  for (const [userId, pairs] of listeners) {
    const user = users.indexOf(userId)!;
    const heard = new Set(rowIndices(plays, user));
    for (const [artist, pair] of pairs) {
      // A like says that the artist is known: one play where there is none.
      const value = pair.plays === 0 && pair.liked && !heard.has(artist) ? 1 : pair.plays;
      if (value === 0) continue;
      rows.push(user);
      cols.push(artist);
      values.push(value);
      added += value;
    }
  }
  return { plays: withEntries(plays, { rows, cols, values }), added };
}

/** Shape (nUsers, nArtists): ones where an artist is disliked and not heard; `null` where there are none. */
function hiddenPairs(
  plays: Csr,
  users: Vocabulary,
  listeners: ReadonlyMap<string, ReadonlyMap<number, Pair>>,
): Csr | null {
  const rows: number[] = [];
  const cols: number[] = [];
  for (const [userId, pairs] of listeners) {
    const user = users.indexOf(userId)!;
    const heard = new Set(rowIndices(plays, user));
    for (const [artist, { disliked }] of pairs) {
      if (!disliked || heard.has(artist)) continue;
      rows.push(user);
      cols.push(artist);
    }
  }
  if (rows.length === 0) return null;
  return csrFromCoordinates(
    users.size,
    plays.nCols,
    Int32Array.from(rows),
    Int32Array.from(cols),
    new Float64Array(rows.length).fill(1),
  );
}

function rowIndices(matrix: Csr, row: number): Int32Array {
  return matrix.indices.subarray(matrix.indptr[row], matrix.indptr[row + 1]);
}
