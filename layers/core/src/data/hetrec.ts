import { EncoreError } from '../errors.ts';
import { csrFromCoordinates, mapCsr, type Csr } from '../math/csr.ts';
import type { Dataset, TagAssignments } from './dataset.ts';
import { orderRows } from './order-rows.ts';
import {
  createFindingCollector,
  type DataErrorCode,
  type DataReport,
  type DataWarningCode,
  type FindingCollector,
  type FindingKind,
} from './report.ts';
import { integerField, latin1Fields, scanRows, type Chunks, type Row } from './scan-rows.ts';
import { createVocabulary, type Vocabulary } from './vocabulary.ts';

/** Opens a file of a data set by its name; `undefined` where there is none. */
export type OpenFile = (name: string) => Promise<Chunks | undefined>;

/** The files of a data set under their published names. Of the two tag files the first is preferred. */
export const HETREC_FILES = {
  artists: 'artists.dat',
  plays: 'user_artists.dat',
  tags: 'tags.dat',
  taggedTimes: 'user_taggedartists-timestamps.dat',
  taggedDates: 'user_taggedartists.dat',
  friends: 'user_friends.dat',
} as const;

/** Opens files that are already in memory. */
export function openInMemory(files: Readonly<Record<string, Uint8Array>>): OpenFile {
  return (name) => Promise.resolve(Object.hasOwn(files, name) ? [files[name]!] : undefined);
}

interface Table {
  readonly file: string;
  readonly columns: readonly string[];
}

const ARTISTS: Table = { file: HETREC_FILES.artists, columns: ['id', 'name', 'url', 'pictureURL'] };
const PLAYS_COLUMNS = ['userID', 'artistID', 'weight'] as const;
const TAGS: Table = { file: HETREC_FILES.tags, columns: ['tagID', 'tagValue'] };
const TAGGED_TIMES: Table = {
  file: HETREC_FILES.taggedTimes,
  columns: ['userID', 'artistID', 'tagID', 'timestamp'],
};
const TAGGED_DATES: Table = {
  file: HETREC_FILES.taggedDates,
  columns: ['userID', 'artistID', 'tagID', 'day', 'month', 'year'],
};
const FRIENDS: Table = { file: HETREC_FILES.friends, columns: ['userID', 'friendID'] };

/** Last.fm began in 2002: nothing can have been tagged earlier. */
const EARLIEST_TAG_MS = Date.UTC(2002, 0, 1);
const DAY_MS = 86_400_000;
const ID_RANGE = `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;
const PLAYS_RANGE = `a whole number of plays from 0 to ${Number.MAX_SAFE_INTEGER}`;

/**
 * Reads and validates a HetRec 2011 data set in one pass over each file.
 *
 * Files as published: tab-separated, CRLF or LF, with or without a header line; `tags.dat` in ISO-8859-1, the
 * others in UTF-8; either tag file, the one with timestamps being preferred (a day/month/year becomes midnight
 * UTC). The result does not depend on the order of rows. Ids are canonical integers: `007` and `7` are one.
 *
 * Dropped, and counted as warnings: plays of 0, exact duplicates, tag assignments of artists outside the
 * catalogue or of unknown tags, friends without plays. Of an assignment repeated at another time the latest
 * counts. A tag time before 2002 or after `nowMs` is refused: the assignment stays, its time is `NaN`.
 *
 * @param open - The data set's files. A rejection of the port or of its chunks is passed on as it is.
 * @param options - `nowMs`: epoch milliseconds of the present, for tag times.
 * @returns The data set, `null` if and only if `report.errors` is not empty.
 * @throws {@link EncoreError} `INVALID_OPTION` when `nowMs` is not finite.
 * @see Cantador, Brusilovsky, Kuflik: HetRec 2011, the data set's `readme.txt`.
 */
export async function readDataset(
  open: OpenFile,
  options: { readonly nowMs: number },
): Promise<{ readonly dataset: Dataset | null; readonly report: DataReport }> {
  const { nowMs } = options;
  if (!Number.isFinite(nowMs)) {
    throw new EncoreError('INVALID_OPTION', `nowMs must be epoch milliseconds, found ${nowMs}`, { nowMs });
  }
  const findings = createFindingCollector();
  const context: ReadContext = { open, findings, rows: 0 };

  const catalogue = await readArtists(context);
  const rows = await readPlays(context, HETREC_FILES.plays, catalogue?.index ?? null);
  const listening = rows === null ? null : buildPlays(rows, catalogue?.artists.size ?? 0);
  // Without a catalogue no play is known, and nobody would be a user.
  const userIndex = catalogue === null || listening === null ? null : numberIndex(listening.users);
  const tagging = await readTagging(context, catalogue?.index ?? null, userIndex, nowMs);
  const friends = await readFriends(context, userIndex);
  checkSizes(findings, catalogue, rows, listening);

  const { errors, warnings } = findings.findings();
  const plays = listening?.plays;
  const report: DataReport = {
    errors,
    warnings,
    counts: {
      rows: context.rows,
      users: listening?.users.size ?? 0,
      artists: catalogue?.artists.size ?? 0,
      listenedArtists: plays === undefined ? 0 : new Set(plays.indices).size,
      plays: plays?.values.length ?? 0,
      totalPlays: plays?.values.reduce((sum, value) => sum + value, 0) ?? 0,
      tags: tagging.tags.size,
      tagAssignments: tagging.assignments?.tag.length ?? 0,
      friends: friends?.matrix.values.length ?? 0,
      friendsAdded: friends?.nAdded ?? 0,
    },
  };
  if (errors.length > 0 || catalogue === null || listening === null) return { dataset: null, report };
  return {
    dataset: {
      users: listening.users,
      artists: catalogue.artists,
      tags: tagging.tags,
      artistNames: catalogue.names,
      artistUrls: catalogue.urls,
      tagNames: tagging.tagNames,
      plays: listening.plays,
      tagAssignments: tagging.assignments,
      friends: friends?.matrix ?? null,
    },
    report,
  };
}

/**
 * Reads one part of a published split: a file of `userID`, `artistID`, `weight` in the ids of a data set.
 *
 * The same rules hold as for `user_artists.dat`, and every user must be one of the data set's.
 *
 * @returns Shape (nUsers, nArtists) of `dataset`, or `null` with errors in `report`, whose counts are of this file.
 */
export async function readSplitFile(
  open: OpenFile,
  file: string,
  dataset: Dataset,
): Promise<{ readonly plays: Csr | null; readonly report: DataReport }> {
  const findings = createFindingCollector();
  const context: ReadContext = { open, findings, rows: 0 };
  const { users, artists } = dataset;
  const rows = await readPlays(context, file, numberIndex(artists), numberIndex(users));
  let plays: Csr | null = null;
  if (rows !== null) {
    const user = rows.user.map((u) => users.indexOf(String(rows.userIds[u]))!);
    plays = csrFromCoordinates(users.size, artists.size, user, rows.artist, rows.plays);
    if (plays.values.length === 0 && findings.errorsIn(file) === 0) {
      findings.add(
        error('empty-data-set', { file }, null, 'at least one row with plays'),
        null,
        () => 'none',
      );
    }
  }
  const { errors, warnings } = findings.findings();
  const report: DataReport = {
    errors,
    warnings,
    counts: {
      rows: context.rows,
      users: plays === null ? 0 : new Set(rows!.user).size,
      artists: artists.size,
      listenedArtists: plays === null ? 0 : new Set(plays.indices).size,
      plays: plays?.values.length ?? 0,
      totalPlays: plays?.values.reduce((sum, value) => sum + value, 0) ?? 0,
      tags: 0,
      tagAssignments: 0,
      friends: 0,
      friendsAdded: 0,
    },
  };
  return { plays: errors.length > 0 ? null : plays, report };
}

interface ReadContext {
  readonly open: OpenFile;
  readonly findings: FindingCollector;
  rows: number;
}

/** Numeric id → index. */
type NumberIndex = ReadonlyMap<number, number>;

function numberIndex(vocabulary: Vocabulary): NumberIndex {
  const index = new Map<number, number>();
  vocabulary.ids.forEach((id, i) => index.set(Number(id), i));
  return index;
}

// Artists

interface Catalogue {
  readonly artists: Vocabulary;
  readonly names: readonly string[];
  readonly urls: readonly string[];
  readonly index: NumberIndex;
}

/** `null` where there is nothing to check other files against. */
async function readArtists(context: ReadContext): Promise<Catalogue | null> {
  const { open, findings } = context;
  const { file } = ARTISTS;
  const chunks = await open(file);
  if (chunks === undefined) {
    findings.add(error('missing-file', ARTISTS, null, 'a file that is there'), null, () => 'no such file');
    return null;
  }
  const conflict = error('conflicting-artist', ARTISTS, 'id', 'one row for each artist');
  const duplicate = warning('exact-duplicate', ARTISTS, null, 'one row for each artist, the others dropped');
  const badText = warning('invalid-utf8', ARTISTS, null, 'UTF-8, what is not was replaced by U+FFFD');
  const readId = idReader(ARTISTS, findings);
  const decode = utf8Reader();
  const texts = new Map<number, string>();
  const read = await readTable(context, chunks, ARTISTS, (row) => {
    const id = readId(row, 0);
    const text = decode(row, 1, 3);
    if (!decode.valid()) findings.add(badText, row.line, () => text);
    if (Number.isNaN(id)) return;
    const known = texts.get(id);
    if (known === undefined) texts.set(id, text);
    else if (known === text) findings.add(duplicate, row.line, () => String(id));
    else findings.add(conflict, row.line, () => `${id} again, with other content`);
  });
  if (!read) return null;
  if (texts.size === 0) {
    if (findings.errorsIn(file) === 0) {
      findings.add(error('empty-data-set', ARTISTS, null, 'at least two artists'), null, () => 'no rows');
    }
    return null;
  }
  const artists = createVocabulary(Array.from(texts.keys(), String));
  const names: string[] = [];
  const urls: string[] = [];
  for (const id of artists.ids) {
    const [name, url] = texts.get(Number(id))!.split('\t');
    names.push(name!);
    urls.push(url!);
  }
  return { artists, names, urls, index: numberIndex(artists) };
}

// Plays

/** Distinct (user, artist) pairs with plays >= 1. */
interface PlayRows {
  /** Shape (n,): index in `userIds`. */
  readonly user: Int32Array;
  /** Shape (n,): index of the artist. */
  readonly artist: Int32Array;
  readonly plays: Float64Array;
  readonly userIds: readonly number[];
}

/**
 * @param artistIndex - `null` skips the check against the catalogue and keeps no row.
 * @param userIndex - Where given, every user must be in it.
 * @returns `null` where there is no such file or its columns are unknown.
 */
async function readPlays(
  context: ReadContext,
  file: string,
  artistIndex: NumberIndex | null,
  userIndex: NumberIndex | null = null,
): Promise<PlayRows | null> {
  const { open, findings } = context;
  const table: Table = { file, columns: PLAYS_COLUMNS };
  const chunks = await open(file);
  if (chunks === undefined) {
    findings.add(error('missing-file', table, null, 'a file that is there'), null, () => 'no such file');
    return null;
  }
  const unknownArtist = error('unknown-artist-in-plays', table, 'artistID', 'an id of artists.dat');
  const unknownUser = error('unknown-user-in-plays', table, 'userID', 'a user of the data set');
  const zero = warning('zero-plays', table, 'weight', 'plays of 1 or more, the row was dropped');
  const readId = idReader(table, findings);
  const readCount = playsReader(table, findings);
  const users = new Map<number, number>();
  const rows = growingColumns();
  const read = await readTable(context, chunks, table, (row) => {
    const userId = readId(row, 0);
    const artistId = readId(row, 1);
    const plays = readCount(row, 2);
    // NaN in any of them fails this comparison.
    if (!(userId + artistId + plays >= 0)) return;
    const artist = artistIndex === null ? undefined : artistIndex.get(artistId);
    if (artist === undefined) {
      if (artistIndex !== null) findings.add(unknownArtist, row.line, () => String(artistId), artistId);
      return;
    }
    if (userIndex !== null && !userIndex.has(userId)) {
      findings.add(unknownUser, row.line, () => String(userId), userId);
      return;
    }
    if (plays === 0) findings.add(zero, row.line, () => '0');
    let user = users.get(userId);
    if (user === undefined) {
      user = users.size;
      users.set(userId, user);
    }
    rows.add(user, artist, 0, plays, row.line);
  });
  if (!read) return null;
  const userIds = [...users.keys()];
  const kept = distinctPlays(table, findings, rows.take(), userIds, artistIndex?.size ?? 0);
  return { ...kept, userIds };
}

function distinctPlays(
  table: Table,
  findings: FindingCollector,
  rows: RawRows,
  userIds: readonly number[],
  nArtists: number,
): Omit<PlayRows, 'userIds'> {
  const { a: user, b: artist, value: plays, line } = rows;
  const conflict = error('conflicting-plays', table, 'weight', 'one play count for each user and artist');
  const duplicate = warning(
    'exact-duplicate',
    table,
    null,
    'one row for each user and artist, the others dropped',
  );
  const order = orderRows([user, artist], [userIds.length, nArtists]);
  const kept = new Int32Array(order.length);
  let nKept = 0;
  let first = -1;
  for (const row of order) {
    if (first >= 0 && user[row] === user[first] && artist[row] === artist[first]) {
      const original = first;
      if (plays[row] === plays[first]) {
        findings.add(duplicate, line[row]!, () => `the pair of line ${line[original]} again`);
      } else {
        findings.add(
          conflict,
          line[row]!,
          () => `${plays[row]}, but ${plays[original]} on line ${line[original]}`,
        );
      }
      continue;
    }
    first = row;
    if (plays[row]! > 0) kept[nKept++] = row;
  }
  const out = {
    user: new Int32Array(nKept),
    artist: new Int32Array(nKept),
    plays: new Float64Array(nKept),
  };
  for (let i = 0; i < nKept; i++) {
    out.user[i] = user[kept[i]!]!;
    out.artist[i] = artist[kept[i]!]!;
    out.plays[i] = plays[kept[i]!]!;
  }
  return out;
}

interface Listening {
  readonly users: Vocabulary;
  readonly plays: Csr;
}

function buildPlays(rows: PlayRows, nArtists: number): Listening {
  const listeners = new Set(rows.user);
  const users = createVocabulary(Array.from(listeners, (u) => String(rows.userIds[u])));
  const place = new Int32Array(rows.userIds.length);
  for (const u of listeners) place[u] = users.indexOf(String(rows.userIds[u]))!;
  const user = rows.user.map((u) => place[u]!);
  return { users, plays: csrFromCoordinates(users.size, nArtists, user, rows.artist, rows.plays) };
}

function checkSizes(
  findings: FindingCollector,
  catalogue: Catalogue | null,
  rows: PlayRows | null,
  listening: Listening | null,
): void {
  // Whatever kept rows out has been reported: these would only be consequences of it.
  if (catalogue === null || rows === null || listening === null) return;
  if (findings.errorsIn(HETREC_FILES.plays) > 0) return;
  const table = { file: HETREC_FILES.plays };
  if (rows.user.length === 0) {
    findings.add(error('empty-data-set', table, null, 'at least one row with plays'), null, () => 'none');
    return;
  }
  if (listening.users.size < 2) {
    const kind = error('too-few-users', table, 'userID', 'plays of at least two users');
    findings.add(kind, null, () => `user ${listening.users.ids[0]} only`);
  }
  if (new Set(rows.artist).size < 2) {
    const kind = error('too-few-artists', table, 'artistID', 'plays of at least two artists');
    findings.add(kind, null, () => `artist ${catalogue.artists.ids[rows.artist[0]!]} only`);
  }
}

// Tags

interface Tagging {
  readonly tags: Vocabulary;
  readonly tagNames: readonly string[];
  readonly assignments: TagAssignments | null;
}

async function readTagging(
  context: ReadContext,
  artistIndex: NumberIndex | null,
  userIndex: NumberIndex | null,
  nowMs: number,
): Promise<Tagging> {
  const { open, findings } = context;
  const names = await readTags(context);
  if (names === null) findings.add(noTags(TAGS.file), null, () => 'no such file');
  const tags = createVocabulary(Array.from(names?.keys() ?? [], String));
  const tagNames = tags.ids.map((id) => names!.get(Number(id))!);

  const times = await open(TAGGED_TIMES.file);
  const chunks = times ?? (await open(TAGGED_DATES.file));
  const table = times === undefined ? TAGGED_DATES : TAGGED_TIMES;
  if (chunks === undefined) {
    const file = `${TAGGED_TIMES.file} or ${TAGGED_DATES.file}`;
    findings.add(noTags(file), null, () => 'no such file');
    return { tags, tagNames, assignments: null };
  }
  const index: TaggingIndex = {
    user: userIndex,
    artist: artistIndex,
    tag: names === null ? null : numberIndex(tags),
  };
  const assignments = await readAssignments(context, chunks, table, { index, nowMs });
  if (assignments === null) return { tags, tagNames, assignments: null };
  if (assignments.tag.length === 0 && names !== null && artistIndex !== null) {
    findings.add(noTags(table.file), null, () => 'no usable row');
  }
  return { tags, tagNames, assignments: assignments.tag.length === 0 ? null : assignments };
}

function noTags(file: string): FindingKind {
  return warning('no-tags', { file }, null, 'tags of artists, tag features are off');
}

/** Tag values by tag id; `null` where there is no such file. */
async function readTags(context: ReadContext): Promise<ReadonlyMap<number, string> | null> {
  const { open, findings } = context;
  const chunks = await open(TAGS.file);
  if (chunks === undefined) return null;
  const conflict = error('conflicting-tag', TAGS, 'tagID', 'one row for each tag');
  const duplicate = warning('exact-duplicate', TAGS, null, 'one row for each tag, the others dropped');
  const readId = idReader(TAGS, findings);
  const names = new Map<number, string>();
  await readTable(context, chunks, TAGS, (row) => {
    const id = readId(row, 0);
    if (Number.isNaN(id)) return;
    const name = latin1Fields(row, 1);
    const known = names.get(id);
    if (known === undefined) names.set(id, name);
    else if (known === name) findings.add(duplicate, row.line, () => `${id}, ${name}`);
    else findings.add(conflict, row.line, () => `${id} again, as ${name} instead of ${known}`);
  });
  return names;
}

/** Where `null`, that column is not checked and no row is kept. */
interface TaggingIndex {
  readonly user: NumberIndex | null;
  readonly artist: NumberIndex | null;
  readonly tag: NumberIndex | null;
}

async function readAssignments(
  context: ReadContext,
  chunks: Chunks,
  table: Table,
  options: { readonly index: TaggingIndex; readonly nowMs: number },
): Promise<TagAssignments | null> {
  const { findings } = context;
  const { index, nowMs } = options;
  const nUsers = index.user?.size ?? 0;
  const unknownArtist = warning(
    'unknown-artist-in-tags',
    table,
    'artistID',
    'an id of artists.dat, the row was dropped',
  );
  const unknownTag = warning('unknown-tag', table, 'tagID', 'an id of tags.dat, the row was dropped');
  const unknownUser = warning(
    'unknown-user-in-tags',
    table,
    'userID',
    'a user with plays, the row counts for the artist only',
  );
  const readId = idReader(table, findings);
  const readTime = table === TAGGED_TIMES ? timeReader(findings, nowMs) : dateReader(findings, nowMs);
  /** Taggers without plays, numbered behind the users while duplicates are looked for. */
  const strangers = new Map<number, number>();
  const rows = growingColumns();
  const read = await readTable(context, chunks, table, (row) => {
    const userId = readId(row, 0);
    const artistId = readId(row, 1);
    const tagId = readId(row, 2);
    const artist = index.artist?.get(artistId);
    const tag = index.tag?.get(tagId);
    let keep = userId + artistId + tagId >= 0;
    if (artist === undefined && index.artist !== null && artistId >= 0) {
      findings.add(unknownArtist, row.line, () => String(artistId), artistId);
      keep = false;
    }
    if (tag === undefined && index.tag !== null && tagId >= 0) {
      findings.add(unknownTag, row.line, () => String(tagId), tagId);
      keep = false;
    }
    const time = readTime(row, keep);
    if (!keep || artist === undefined || tag === undefined) return;
    let user = index.user?.get(userId);
    if (user === undefined) {
      if (index.user !== null) findings.add(unknownUser, row.line, () => String(userId), userId);
      user = strangers.get(userId);
      if (user === undefined) {
        user = nUsers + strangers.size;
        strangers.set(userId, user);
      }
    }
    rows.add(user, artist, tag, time, row.line);
  });
  if (!read) return null;
  const sizes = [index.artist?.size ?? 0, nUsers + strangers.size, index.tag?.size ?? 0];
  return distinctAssignments(table, findings, rows.take(), { nUsers, strangers, sizes });
}

/** One row for each assignment, by artist, user and tag: whatever the order in the file, the order here is one. */
function distinctAssignments(
  table: Table,
  findings: FindingCollector,
  rows: RawRows,
  options: {
    readonly nUsers: number;
    readonly strangers: ReadonlyMap<number, number>;
    readonly sizes: readonly number[];
  },
): TagAssignments {
  const { nUsers, strangers, sizes } = options;
  const { b: artist, c: tag, value: time, line } = rows;
  const duplicate = warning(
    'exact-duplicate',
    table,
    null,
    'one row for each assignment, the others dropped',
  );
  const repeated = warning(
    'repeated-tag-assignment',
    table,
    null,
    'one row for each user, artist and tag, the latest time counts',
  );
  // Strangers come in the order of their first row; numbering them by id makes the order of rows irrelevant.
  const place = new Int32Array(nUsers + strangers.size);
  for (let u = 0; u < nUsers; u++) place[u] = u;
  const byId = [...strangers.keys()].toSorted((x, y) => x - y);
  byId.forEach((id, i) => {
    place[strangers.get(id)!] = nUsers + i;
  });
  const user = rows.a.map((u) => place[u]!);

  const order = orderRows([artist, user, tag], sizes);
  const kept = new Int32Array(order.length);
  let nKept = 0;
  for (const row of order) {
    const first = nKept > 0 ? kept[nKept - 1]! : -1;
    const same =
      first >= 0 && artist[row] === artist[first] && user[row] === user[first] && tag[row] === tag[first];
    if (!same) {
      kept[nKept++] = row;
      continue;
    }
    const exact = Object.is(time[row], time[first]);
    findings.add(
      exact ? duplicate : repeated,
      line[row]!,
      () => `the assignment of line ${line[first]} again`,
    );
    // A refused time (NaN) never replaces a valid one, a valid one always replaces it.
    if (time[row]! > time[first]! || Number.isNaN(time[first])) time[first] = time[row]!;
  }
  const out = {
    user: new Int32Array(nKept),
    artist: new Int32Array(nKept),
    tag: new Int32Array(nKept),
    time: new Float64Array(nKept),
  };
  for (let i = 0; i < nKept; i++) {
    const row = kept[i]!;
    out.user[i] = user[row]! < nUsers ? user[row]! : -1;
    out.artist[i] = artist[row]!;
    out.tag[i] = tag[row]!;
    out.time[i] = time[row]!;
  }
  return out;
}

// Friends

async function readFriends(
  context: ReadContext,
  userIndex: NumberIndex | null,
): Promise<{ readonly matrix: Csr; readonly nAdded: number } | null> {
  const { open, findings } = context;
  const off = warning('no-friends', FRIENDS, null, 'friends among the users, friend features are off');
  const chunks = await open(FRIENDS.file);
  if (chunks === undefined) {
    findings.add(off, null, () => 'no such file');
    return null;
  }
  const rule = 'a user with plays, the row was dropped';
  const strangers = FRIENDS.columns.map((field) => warning('unknown-user-in-friends', FRIENDS, field, rule));
  const self = warning('self-friend', FRIENDS, 'friendID', 'another user, the row was dropped');
  const duplicate = warning('exact-duplicate', FRIENDS, null, 'one row for each pair, the others dropped');
  const readId = idReader(FRIENDS, findings);
  const rows = growingColumns();
  const read = await readTable(context, chunks, FRIENDS, (row) => {
    const userId = readId(row, 0);
    const friendId = readId(row, 1);
    if (userIndex === null || !(userId + friendId >= 0)) return;
    const user = userIndex.get(userId);
    const friend = userIndex.get(friendId);
    if (user === undefined) findings.add(strangers[0]!, row.line, () => String(userId), userId);
    if (friend === undefined) findings.add(strangers[1]!, row.line, () => String(friendId), friendId);
    if (user === undefined || friend === undefined) return;
    if (user === friend) findings.add(self, row.line, () => String(userId));
    else rows.add(user, friend, 0, 1, row.line);
  });
  if (!read || userIndex === null) return null;
  const { a: user, b: friend, value, line } = rows.take();
  const nUsers = userIndex.size;
  const order = orderRows([user, friend], [nUsers, nUsers]);
  let nDistinct = 0;
  let first = -1;
  for (const row of order) {
    if (first >= 0 && user[row] === user[first] && friend[row] === friend[first]) {
      const original = first;
      findings.add(duplicate, line[row]!, () => `the pair of line ${line[original]} again`);
    } else {
      first = row;
      nDistinct++;
    }
  }
  if (nDistinct === 0) {
    findings.add(off, null, () => 'no usable row');
    return null;
  }
  const both = csrFromCoordinates(
    nUsers,
    nUsers,
    concatenate(user, friend),
    concatenate(friend, user),
    new Float64Array(2 * value.length).fill(1),
  );
  return { matrix: mapCsr(both, () => 1), nAdded: both.values.length - nDistinct };
}

function concatenate(a: Int32Array, b: Int32Array): Int32Array {
  const out = new Int32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

// Rows and fields

/**
 * Visits the data rows of a file: header checked, blank lines and rows of another width set aside.
 *
 * @returns Whether the columns are known; `false` after a wrong header, behind which nothing is read.
 */
async function readTable(
  context: ReadContext,
  chunks: Chunks,
  table: Table,
  visit: (row: Row) => void,
): Promise<boolean> {
  const { findings } = context;
  const names = table.columns.join(', ');
  const nColumns = table.columns.length;
  const badHeader = error(
    'wrong-header',
    table,
    null,
    `the header ${names}, or none and a first row of numbers`,
  );
  const badWidth = error('wrong-column-count', table, null, `${nColumns} tab-separated columns: ${names}`);
  const blank = warning('blank-line', table, null, 'no blank lines, skipped');
  let atStart = true;
  let known = true;
  await scanRows(chunks, (row) => {
    if (row.nFields === 0) {
      findings.add(blank, row.line, () => 'a blank line');
      return true;
    }
    if (atStart) {
      atStart = false;
      if (Number.isNaN(integerField(row, 0))) {
        known = row.nFields === nColumns && table.columns.every((name, c) => latin1Fields(row, c) === name);
        if (!known) findings.add(badHeader, row.line, () => rowText(row));
        return known;
      }
    }
    context.rows++;
    if (row.nFields === nColumns) visit(row);
    else findings.add(badWidth, row.line, () => `${row.nFields} columns: ${rowText(row)}`);
    return true;
  });
  return known;
}

function rowText(row: Row): string {
  const fields: string[] = [];
  for (let f = 0; f < Math.min(row.nFields, row.starts.length); f++) fields.push(latin1Fields(row, f));
  return fields.join(', ');
}

function quoted(row: Row, field: number): string {
  return `"${latin1Fields(row, field)}"`;
}

/** Reads a whole number in [0, 2^53); `NaN` where something else stands there, which is then on the report. */
function idReader(table: Table, findings: FindingCollector): (row: Row, field: number) => number {
  const refuse = numberRefusal(table, findings, ID_RANGE);
  return (row, field) => {
    const value = integerField(row, field);
    if (value >= 0 && value < Infinity) return value;
    return refuse(row, field, value);
  };
}

function playsReader(table: Table, findings: FindingCollector): (row: Row, field: number) => number {
  const negative = error('negative-plays', table, 'weight', PLAYS_RANGE);
  const fractional = error('fractional-plays', table, 'weight', PLAYS_RANGE);
  const refuse = numberRefusal(table, findings, PLAYS_RANGE);
  return (row, field) => {
    const value = integerField(row, field);
    if (value >= 0 && value < Infinity) return value;
    const text = latin1Fields(row, field);
    if (/^-\d*\.?\d+$/.test(text)) findings.add(negative, row.line, () => text);
    else if (/^\d*\.\d+$/.test(text)) findings.add(fractional, row.line, () => text);
    else return refuse(row, field, value);
    return Number.NaN;
  };
}

function numberRefusal(
  table: Table,
  findings: FindingCollector,
  allowed: string,
): (row: Row, field: number, value: number) => number {
  const text = table.columns.map((name) => error('not-a-number', table, name, allowed));
  const range = table.columns.map((name) => error('number-out-of-range', table, name, allowed));
  return (row, field, value) => {
    findings.add((Number.isNaN(value) ? text : range)[field]!, row.line, () => quoted(row, field));
    return Number.NaN;
  };
}

/**
 * Reads the time of an assignment in epoch milliseconds; `NaN` where it is refused. What is not a number is an
 * error in any row, what is no possible time a warning in rows that are kept.
 */
type ReadTime = (row: Row, kept: boolean) => number;

function timeReader(findings: FindingCollector, nowMs: number): ReadTime {
  const refuse = numberRefusal(TAGGED_TIMES, findings, `a whole number within ±${Number.MAX_SAFE_INTEGER}`);
  const refused = refusedTime(TAGGED_TIMES, 'timestamp', nowMs);
  return (row, kept) => {
    const time = integerField(row, 3);
    if (!Number.isFinite(time)) return refuse(row, 3, time);
    if (time >= EARLIEST_TAG_MS && time <= nowMs) return time;
    if (kept) findings.add(refused, row.line, () => `${time}${dateNote(time)}`, time);
    return Number.NaN;
  };
}

function dateReader(findings: FindingCollector, nowMs: number): ReadTime {
  const readPart = idReader(TAGGED_DATES, findings);
  const refused = refusedTime(TAGGED_DATES, 'year', nowMs);
  return (row, kept) => {
    const day = readPart(row, 3);
    const month = readPart(row, 4);
    const year = readPart(row, 5);
    if (Number.isNaN(day + month + year)) return Number.NaN;
    const time = utcMidnight(year, month, day);
    if (time >= EARLIEST_TAG_MS && time <= nowMs) return time;
    if (kept) {
      findings.add(refused, row.line, () => `${day}/${month}/${year}`, year * 10_000 + month * 100 + day);
    }
    return Number.NaN;
  };
}

function refusedTime(table: Table, field: string, nowMs: number): FindingKind {
  const allowed = `a time from 2002 to now${dateNote(nowMs)}, the assignment counts without its time`;
  return warning('tag-time-refused', table, field, allowed);
}

function dateNote(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? ` (${new Date(ms).toISOString().slice(0, 10)})` : '';
}

/** Epoch milliseconds of a day's midnight, UTC; `NaN` for a day that no calendar has. */
function utcMidnight(year: number, month: number, day: number): number {
  if (month < 1 || month > 12 || day < 1 || day > 31 || year > 9999) return Number.NaN;
  // Days from civil: years begin in March, so that leap days come last.
  const y = month > 2 ? year : year - 1;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const last =
    month === 2 ? (leap ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  if (day > last) return Number.NaN;
  return (era * 146_097 + dayOfEra - 719_468) * DAY_MS;
}

/** Decodes fields [first, last] as UTF-8; `valid` says whether the last call met nothing else. */
interface Utf8Reader {
  (row: Row, first: number, last: number): string;
  valid(): boolean;
}

function utf8Reader(): Utf8Reader {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
  let valid = true;
  const read = (row: Row, first: number, last: number): string => {
    const bytes = row.bytes.subarray(row.starts[first], row.ends[last]);
    const text = decoder.decode(bytes);
    valid = true;
    if (text.includes('\uFFFD')) {
      // A replacement character may also stand in the file itself.
      try {
        strict.decode(bytes);
      } catch {
        valid = false;
      }
    }
    return text;
  };
  return Object.assign(read, { valid: () => valid });
}

/** Rows in the file's order. */
interface RawRows {
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly c: Int32Array;
  readonly value: Float64Array;
  /** 1-based lines. */
  readonly line: Int32Array;
}

function growingColumns(): {
  add(a: number, b: number, c: number, value: number, line: number): void;
  take(): RawRows;
} {
  let capacity = 4096;
  let n = 0;
  let a = new Int32Array(capacity);
  let b = new Int32Array(capacity);
  let c = new Int32Array(capacity);
  let line = new Int32Array(capacity);
  let value = new Float64Array(capacity);
  const grow = (): void => {
    capacity *= 2;
    a = larger(a, capacity);
    b = larger(b, capacity);
    c = larger(c, capacity);
    line = larger(line, capacity);
    const values = new Float64Array(capacity);
    values.set(value);
    value = values;
  };
  return {
    add(newA, newB, newC, newValue, newLine) {
      if (n === capacity) grow();
      a[n] = newA;
      b[n] = newB;
      c[n] = newC;
      value[n] = newValue;
      line[n++] = newLine;
    },
    take: () => ({
      a: a.subarray(0, n),
      b: b.subarray(0, n),
      c: c.subarray(0, n),
      value: value.subarray(0, n),
      line: line.subarray(0, n),
    }),
  };
}

function larger(array: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const out = new Int32Array(capacity);
  out.set(array);
  return out;
}

function error(
  code: DataErrorCode,
  table: { readonly file: string },
  field: string | null,
  allowed: string,
): FindingKind {
  return { code, severity: 'error', file: table.file, field, allowed };
}

function warning(
  code: DataWarningCode,
  table: { readonly file: string },
  field: string | null,
  allowed: string,
): FindingKind {
  return { code, severity: 'warning', file: table.file, field, allowed };
}
