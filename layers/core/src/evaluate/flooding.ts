import type { Dataset } from '../data/dataset.ts';
import { datasetWithPlays } from '../data/split.ts';
import { withListener } from '../data/with-listener.ts';
import { columnLengths, mapCsr, type Csr } from '../math/csr.ts';
import { hash2, hashString } from '../math/rng.ts';
import { topK } from '../math/top-k.ts';
import type { TrainParameters } from '../options.ts';
import type { ParallelMap, Progress } from '../ports.ts';
import { createRecordScorer } from '../rank/score-records.ts';
import { trainModel, type TrainedModel } from '../train-model.ts';

/** Keeps this use of a seed apart. */
const FLOODING = 7;
const FACTOR = 1000;
const ARTISTS = 50;
const PLAYS = 1_000_000;
/** Of a list; what is compared. */
const LENGTH = 20;

/**
 * What one listener does to a data set: `plays` multiplies what an existing one plays, `listener` adds one with a million
 * plays of each of fifty artists, `ordinary` adds one with the artists and plays of another, which is what any day does.
 */
export type FloodingKind = 'plays' | 'listener' | 'ordinary';

export interface FloodingCase {
  readonly kind: FloodingKind;
  /** Whose plays or which artists. */
  readonly of: string;
  /** Who did it: no list of theirs is compared. */
  readonly userId: string;
  readonly dataset: Dataset;
}

/**
 * The cases of one seed: plays × 1,000 of a listener who plays much (drawn from the tenth that plays most) and of any; one more
 * listener of 50 artists drawn from all that somebody heard, and of the 50 most heard; one more ordinary listener.
 *
 * Everything drawn follows from seeded hashes of ids.
 */
export function floodingCases(dataset: Dataset, seed: number): readonly FloodingCase[] {
  const { users, artists, plays } = dataset;
  const keySeed = hash2(seed, FLOODING);
  const byHash = (ids: readonly string[], indices: Int32Array): Int32Array => {
    const keys = new Map(Array.from(indices, (i) => [i, hashString(keySeed, ids[i]!)]));
    return indices.toSorted((a, b) => keys.get(a)! - keys.get(b)! || a - b);
  };
  const everybody = Int32Array.from(users.ids.keys());
  const totals = Float64Array.from(everybody, (user) =>
    plays.values.subarray(plays.indptr[user], plays.indptr[user + 1]).reduce((sum, x) => sum + x, 0),
  );
  const heavy = everybody.toSorted((a, b) => totals[b]! - totals[a]! || a - b);
  const listeners = columnLengths(plays);
  const heard = Int32Array.from(artists.ids.keys()).filter((artist) => listeners[artist]! > 0);
  const byListeners = heard.toSorted((a, b) => listeners[b]! - listeners[a]! || a - b);
  const anybody = byHash(users.ids, everybody)[0]!;
  const mostPlaying = byHash(users.ids, heavy.slice(0, Math.ceil(heavy.length / 10)))[0]!;
  const id = String(Math.max(...users.ids.map(Number)) + 1);
  const added = (row: Int32Array): Dataset =>
    withListener(dataset, { id, artists: row, plays: new Float64Array(row.length).fill(PLAYS) });
  return [
    { user: mostPlaying, of: 'a heavy listener' },
    { user: anybody, of: 'any listener' },
  ]
    .map(({ user, of }): FloodingCase => ({
      kind: 'plays',
      of,
      userId: users.ids[user]!,
      dataset: datasetWithPlays(
        dataset,
        mapCsr(plays, (value, row) => (row === user ? FACTOR * value : value)),
      ),
    }))
    .concat([
      {
        kind: 'listener',
        of: 'any artists',
        userId: id,
        dataset: added(byHash(artists.ids, heard).slice(0, ARTISTS)),
      },
      {
        kind: 'listener',
        of: 'the most heard artists',
        userId: id,
        dataset: added(byListeners.slice(0, ARTISTS)),
      },
      {
        kind: 'ordinary',
        of: 'any listener',
        userId: id,
        dataset: withListener(dataset, { id, ...rowOf(plays, anybody) }),
      },
    ]);
}

function rowOf(plays: Csr, user: number): { readonly artists: Int32Array; readonly plays: Float64Array } {
  const [from, to] = [plays.indptr[user], plays.indptr[user + 1]];
  return { artists: plays.indices.slice(from, to), plays: plays.values.slice(from, to) };
}

/** What a change did to the lists of listeners who had nothing to do with it. */
export interface FloodingResult {
  readonly kind: FloodingKind;
  readonly of: string;
  /** Listeners compared. */
  readonly listeners: number;
  /** Share of them whose first 20 are other artists, in whatever order. */
  readonly sets: number;
  /** Share of the places that other artists took: the mean over listeners of 1 − |before ∩ after| / |before|. */
  readonly places: number;
  /** Places that the flooded artists (those of {@link FloodingCase.userId}) gained, over all places before; negative where they lost. */
  readonly gained: number;
}

/**
 * Trains before and after each case and compares everybody else's first 20.
 *
 * @param cases - Of {@link floodingCases} of `dataset`.
 */
export async function measureFlooding(
  dataset: Dataset,
  cases: readonly FloodingCase[],
  io: {
    readonly parameters: TrainParameters;
    readonly parallel: ParallelMap;
    readonly progress: Progress;
  },
): Promise<readonly FloodingResult[]> {
  const listsOf = async (changed: Dataset): Promise<ReadonlyMap<string, Int32Array>> =>
    firstOf(await trainModel(changed, io.parameters, { ...io, foldIn: false }), changed.users.ids);
  const before = await listsOf(dataset);
  const results: FloodingResult[] = [];
  for (const { kind, of, userId, dataset: changed } of cases) {
    const user = changed.users.indexOf(userId)!;
    const flooded = rowOf(changed.plays, user).artists;
    results.push({ kind, of, ...compareLists(before, await listsOf(changed), { userId, flooded }) });
  }
  return results;
}

/**
 * Compares lists of the same catalogue.
 *
 * @param before - By user id: artist indices. Listeners who have no list after are not compared, nor is `userId`.
 */
export function compareLists(
  before: ReadonlyMap<string, Int32Array>,
  after: ReadonlyMap<string, Int32Array>,
  { userId, flooded }: { readonly userId: string; readonly flooded: Int32Array },
): Omit<FloodingResult, 'kind' | 'of'> {
  const isFlooded = new Set(flooded);
  let listeners = 0;
  let changed = 0;
  let lost = 0;
  let gained = 0;
  let places = 0;
  for (const [id, was] of before) {
    const is = after.get(id);
    if (id === userId || is === undefined) continue;
    const now = new Set(is);
    const kept = was.filter((artist) => now.has(artist)).length;
    listeners++;
    if (kept < was.length || is.length !== was.length) changed++;
    lost += was.length === 0 ? 0 : 1 - kept / was.length;
    places += was.length;
    gained += count(is, isFlooded) - count(was, isFlooded);
  }
  return {
    listeners,
    sets: changed / Math.max(1, listeners),
    places: lost / Math.max(1, listeners),
    gained: gained / Math.max(1, places),
  };
}

function count(artists: Int32Array, among: ReadonlySet<number>): number {
  return artists.reduce((sum, artist) => sum + (among.has(artist) ? 1 : 0), 0);
}

/** Everybody's list as serving would rank it, cut. */
function firstOf(
  { stage, ranker }: TrainedModel,
  userIds: readonly string[],
): ReadonlyMap<string, Int32Array> {
  const score = createRecordScorer(stage, ranker);
  return new Map(
    userIds.map((id, user) => {
      const { record, logits } = score(user);
      return [id, topK(logits, LENGTH).map((i) => record.items[i]!)];
    }),
  );
}
