import { EncoreError } from '../errors.ts';
import { filterCsr, type Csr } from '../math/csr.ts';
import { hash2, hashString } from '../math/rng.ts';
import type { Dataset, TagAssignments } from './dataset.ts';

/** A data set without the pairs that are held out, and those pairs. */
export interface Holdout {
  readonly train: Dataset;
  /** Shape (nUsers, nArtists): the plays held out. */
  readonly test: Csr;
}

/** The ids that rows and columns of plays stand for. */
export interface PlayIds {
  /** Shape (nUsers,). */
  readonly userIds: readonly string[];
  /** Shape (nArtists,). */
  readonly artistIds: readonly string[];
}

/** Keep the uses of one seed apart. */
const HOLDOUT = 1;
const FOLDS = 2;

/**
 * Holds out a random part of every listener's artists (protocol H).
 *
 * Of n artists, round(n · fraction), at least one and never all; which ones follows from a seeded hash of user id and
 * artist id, so neither the order of rows nor other users matter. Train loses the tag assignments of held-out pairs
 * as well ({@link withoutPairs}); vocabularies stay.
 *
 * @param options - `fraction` in (0, 1), 0.2 by default; users with fewer than `minArtists` artists (at least 2, by
 *   default 5) have nothing held out.
 * @throws {@link EncoreError} `INVALID_OPTION` when an option is outside its range.
 */
export function splitHoldout(
  dataset: Dataset,
  options: { readonly seed: number; readonly fraction?: number; readonly minArtists?: number },
): Holdout {
  const { seed, fraction = 0.2, minArtists = 5 } = options;
  if (!(fraction > 0 && fraction < 1)) {
    throw new EncoreError('INVALID_OPTION', `fraction must lie between 0 and 1, found ${fraction}`, {
      fraction,
    });
  }
  if (!(minArtists >= 2)) {
    throw new EncoreError('INVALID_OPTION', `minArtists must be at least 2, found ${minArtists}`, {
      minArtists,
    });
  }
  const { plays } = dataset;
  const places = placesWithinUsers(plays, playIds(dataset), hash2(seed, HOLDOUT));
  const test = selectEntries(plays, (entry, n) => {
    if (n < minArtists) return false;
    return places[entry]! < Math.min(Math.max(Math.round(n * fraction), 1), n - 1);
  });
  return { train: withoutPairs(dataset, test), test };
}

/**
 * Splits every listener's artists 80:10:10 at random, in the counts of RecBole: of n artists, floor(n / 10) each for test
 * and valid, or one where that is none and train keeps one.
 *
 * @returns `train` has neither valid nor test pairs, nor their tag assignments.
 * @see RecBole, `Dataset.split_by_ratio` with ratios [0.8, 0.1, 0.1] grouped by user.
 */
export function split811(
  dataset: Dataset,
  options: { readonly seed: number },
): { readonly train: Dataset; readonly valid: Csr; readonly test: Csr } {
  const { plays } = dataset;
  const places = placesWithinUsers(plays, playIds(dataset), hash2(options.seed, HOLDOUT));
  const test = selectEntries(plays, (entry, n) => places[entry]! < tenth(n, 2));
  const valid = selectEntries(plays, (entry, n) => {
    const place = places[entry]! - tenth(n, 2);
    return place >= 0 && place < tenth(n, 3);
  });
  return { train: withoutPairs(withoutPairs(dataset, test), valid), valid, test };
}

/** A tenth of n, rounded down; of fewer than ten, one if there are at least `least`. */
function tenth(n: number, least: number): number {
  if (n >= 10) return Math.floor(n / 10);
  return n >= least ? 1 : 0;
}

/**
 * Takes a published split: train has just the plays given, less the tag assignments of test pairs.
 *
 * @param train - Shape (nUsers, nArtists) of `dataset`.
 * @param test - The same shape.
 * @throws {@link EncoreError} `INVALID_DATA_SET` when a pair is in both parts.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when a shape differs.
 */
export function splitFromPlays(dataset: Dataset, train: Csr, test: Csr): Holdout {
  const { users, artists } = dataset;
  const rest = datasetWithPlays(withoutPairs(dataset, test), train);
  for (let u = 0; u < train.nRows; u++) {
    for (let e = train.indptr[u]!; e < train.indptr[u + 1]!; e++) {
      if (!hasCell(test, u, train.indices[e]!)) continue;
      const user = users.ids[u]!;
      const artist = artists.ids[train.indices[e]!]!;
      throw new EncoreError(
        'INVALID_DATA_SET',
        `user ${user} and artist ${artist} are in both train and test`,
        {
          user,
          artist,
        },
      );
    }
  }
  return { train: rest, test };
}

/**
 * The same data set with other plays; vocabularies, tags and friends stay.
 *
 * @param plays - Shape (nUsers, nArtists) of `dataset`.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when the shape differs.
 */
export function datasetWithPlays(dataset: Dataset, plays: Csr): Dataset {
  assertShape(dataset, plays);
  return { ...dataset, plays };
}

/**
 * Takes pairs out of a data set: their plays, and the tags that the same user gave the same artist. (Over a fifth of real
 * play pairs are also tagged by the user: tags left behind would tell what was held out.)
 *
 * @param heldOut - Shape (nUsers, nArtists) of `dataset`; its values do not matter.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when the shape differs.
 */
export function withoutPairs(dataset: Dataset, heldOut: Csr): Dataset {
  assertShape(dataset, heldOut);
  const { plays, tagAssignments } = dataset;
  return {
    ...dataset,
    plays: filterCsr(plays, (user, artist) => !hasCell(heldOut, user, artist)),
    tagAssignments: tagAssignments === null ? null : tagsWithout(tagAssignments, heldOut),
  };
}

function tagsWithout(tags: TagAssignments, heldOut: Csr): TagAssignments {
  const n = tags.user.length;
  const user = new Int32Array(n);
  const artist = new Int32Array(n);
  const tag = new Int32Array(n);
  const time = new Float64Array(n);
  let nKept = 0;
  for (let i = 0; i < n; i++) {
    if (tags.user[i]! >= 0 && hasCell(heldOut, tags.user[i]!, tags.artist[i]!)) continue;
    user[nKept] = tags.user[i]!;
    artist[nKept] = tags.artist[i]!;
    tag[nKept] = tags.tag[i]!;
    time[nKept++] = tags.time[i]!;
  }
  return {
    user: user.slice(0, nKept),
    artist: artist.slice(0, nKept),
    tag: tag.slice(0, nKept),
    time: time.slice(0, nKept),
  };
}

/**
 * Deals every user's artists evenly into folds: a user's counts in two folds differ by at most 1. The order of dealing
 * follows from a seeded hash of user id and artist id, the first fold from one of the user id.
 *
 * @param plays - Shape (nUsers, nArtists).
 * @param nFolds - From 1 to 256.
 * @returns Shape (nnz,): the fold of each entry of `plays`, in [0, nFolds).
 * @throws {@link EncoreError} `INVALID_OPTION` when `nFolds` is outside its range.
 */
export function assignFolds(plays: Csr, ids: PlayIds, nFolds: number, seed: number): Uint8Array {
  if (!Number.isInteger(nFolds) || nFolds < 1 || nFolds > 256) {
    throw new EncoreError('INVALID_OPTION', `nFolds must be a whole number from 1 to 256, found ${nFolds}`, {
      nFolds,
    });
  }
  const keySeed = hash2(seed, FOLDS);
  const places = placesWithinUsers(plays, ids, keySeed);
  const folds = new Uint8Array(places.length);
  for (let u = 0; u < plays.nRows; u++) {
    const first = hashString(keySeed, ids.userIds[u]!) % nFolds;
    for (let e = plays.indptr[u]!; e < plays.indptr[u + 1]!; e++) folds[e] = (first + places[e]!) % nFolds;
  }
  return folds;
}

function playIds(dataset: Dataset): PlayIds {
  return { userIds: dataset.users.ids, artistIds: dataset.artists.ids };
}

/** Shape (nnz,): the place, from 0, of each entry among its user's in the order of a seeded hash of the two ids. */
function placesWithinUsers(plays: Csr, ids: PlayIds, seed: number): Int32Array {
  const places = new Int32Array(plays.indices.length);
  for (let u = 0; u < plays.nRows; u++) {
    const userSeed = hashString(seed, ids.userIds[u]!);
    const keyed: { readonly entry: number; readonly id: string; readonly key: number }[] = [];
    for (let e = plays.indptr[u]!; e < plays.indptr[u + 1]!; e++) {
      const id = ids.artistIds[plays.indices[e]!]!;
      keyed.push({ entry: e, id, key: hashString(userSeed, id) });
    }
    keyed.sort((a, b) => a.key - b.key || (a.id < b.id ? -1 : 1));
    keyed.forEach(({ entry }, place) => {
      places[entry] = place;
    });
  }
  return places;
}

/** The entries for which `keep(entry, length of its row)` holds; shape unchanged. */
function selectEntries(matrix: Csr, keep: (entry: number, nInRow: number) => boolean): Csr {
  const indptr = new Int32Array(matrix.nRows + 1);
  const entries: number[] = [];
  for (let r = 0; r < matrix.nRows; r++) {
    const start = matrix.indptr[r]!;
    const end = matrix.indptr[r + 1]!;
    for (let e = start; e < end; e++) if (keep(e, end - start)) entries.push(e);
    indptr[r + 1] = entries.length;
  }
  return {
    ...matrix,
    indptr,
    indices: Int32Array.from(entries, (e) => matrix.indices[e]!),
    values: Float64Array.from(entries, (e) => matrix.values[e]!),
  };
}

function hasCell(matrix: Csr, row: number, column: number): boolean {
  let low = matrix.indptr[row]!;
  let high = matrix.indptr[row + 1]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (matrix.indices[middle]! < column) low = middle + 1;
    else high = middle;
  }
  return low < matrix.indptr[row + 1]! && matrix.indices[low] === column;
}

function assertShape(dataset: Dataset, plays: Csr): void {
  const { users, artists } = dataset;
  if (plays.nRows === users.size && plays.nCols === artists.size) return;
  throw new EncoreError(
    'SHAPE_MISMATCH',
    `plays must have the data set's shape (${users.size}, ${artists.size}), found (${plays.nRows}, ${plays.nCols})`,
  );
}
