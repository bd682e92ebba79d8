import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { openInMemory, readDataset, readSplitFile } from '../../../layers/core/src/data/hetrec.ts';
import { assertValid, type Finding } from '../../../layers/core/src/data/report.ts';
import aggregates from '../../fixtures/sample/aggregates.json' with { type: 'json' };
import realAggregates from '../../fixtures/sample/hetrec2011-aggregates.json' with { type: 'json' };
import { NOW_MS, SOUND_FILES, soundFiles, utf8 } from './hetrec-files.ts';

type Changes = Readonly<Record<string, string | Uint8Array | null>>;

function read(changes: Changes = {}) {
  return readDataset(openInMemory(soundFiles(changes)), { nowMs: NOW_MS });
}

async function readSound(changes: Changes = {}): Promise<Dataset> {
  return assertValid(await read(changes));
}

function plain(dataset: Dataset) {
  const { users, artists, tags, ...rest } = dataset;
  return { ...rest, users: users.ids, artists: artists.ids, tags: tags.ids };
}

/** Orders rows by their first difference, as numbers. */
function byNumbers(a: readonly unknown[], b: readonly unknown[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : Number(a[at]) - Number(b[at]);
}

/** The data set as rows of external ids, in ascending order. */
function tables(dataset: Dataset) {
  const { users, artists, tags, plays, tagAssignments, friends } = dataset;
  const playRows: number[][] = [];
  for (let u = 0; u < plays.nRows; u++) {
    for (let e = plays.indptr[u]!; e < plays.indptr[u + 1]!; e++) {
      playRows.push([Number(users.ids[u]), Number(artists.ids[plays.indices[e]!]), plays.values[e]!]);
    }
  }
  const friendRows: number[][] = [];
  for (let u = 0; u < (friends?.nRows ?? 0); u++) {
    for (let e = friends!.indptr[u]!; e < friends!.indptr[u + 1]!; e++) {
      friendRows.push([Number(users.ids[u]), Number(users.ids[friends!.indices[e]!])]);
    }
  }
  const taggedRows = Array.from(tagAssignments?.user ?? [], (user, i) => {
    const { artist, tag, time } = tagAssignments!;
    return [
      user < 0 ? -1 : Number(users.ids[user]),
      Number(artists.ids[artist[i]!]),
      Number(tags.ids[tag[i]!]),
      Number.isNaN(time[i]) ? -1 : time[i]!,
    ];
  });
  return {
    artists: artists.ids
      .map((id, i) => [Number(id), dataset.artistNames[i]!, dataset.artistUrls[i]!])
      .toSorted(byNumbers),
    tags: tags.ids.map((id, i) => [Number(id), dataset.tagNames[i]!]).toSorted(byNumbers),
    plays: playRows.toSorted(byNumbers),
    tagged: taggedRows.toSorted(byNumbers),
    friends: friendRows.toSorted(byNumbers),
  };
}

function digest(rows: readonly (readonly unknown[])[]): string {
  return createHash('sha256')
    .update(rows.map((row) => `${row.join('\t')}\n`).join(''))
    .digest('hex');
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

describe('readDataset', () => {
  it('reads the rows that the files hold', async () => {
    const { dataset, report } = await read();
    expect(report.errors).toEqual([]);
    expect(report.warnings).toEqual([]);
    expect(tables(dataset!)).toEqual({
      artists: [
        [1, 'Málo', 'https://example.org/1'],
        [2, 'Revin', ''],
        [5, 'Osta', 'https://example.org/5'],
      ],
      tags: [
        [3, 'rock'],
        [4, 'pop'],
      ],
      plays: [
        [10, 1, 7],
        [10, 2, 3],
        [11, 2, 1],
        [11, 5, 4],
      ],
      tagged: [
        [10, 1, 3, 1238536800000],
        [11, 1, 4, 1238536800000],
      ],
      friends: [
        [10, 11],
        [11, 10],
      ],
    });
    expect(report.counts).toEqual({
      rows: 13,
      users: 2,
      artists: 3,
      listenedArtists: 3,
      plays: 4,
      totalPlays: 15,
      tags: 2,
      tagAssignments: 2,
      friends: 2,
      friendsAdded: 0,
    });
  });

  it('reads CRLF, files without header and a byte order mark to the same data set', async () => {
    const expected = plain(await readSound());
    const crlf: Record<string, string> = {};
    const bare: Record<string, string> = {};
    const marked: Record<string, string> = {};
    for (const [name, text] of Object.entries(SOUND_FILES)) {
      crlf[name] = text.replaceAll('\n', '\r\n');
      bare[name] = `${lines(text).slice(1).join('\n')}\n`;
      marked[name] = `\uFEFF${text}`;
    }
    for (const changes of [crlf, bare, marked]) {
      const { dataset, report } = await read(changes);
      expect(report.warnings).toEqual([]);
      expect(plain(dataset!)).toEqual(expected);
    }
  });

  it('gives the same data set for every order of rows', async () => {
    const stranger = `${SOUND_FILES['user_taggedartists-timestamps.dat']}99\t1\t3\t1238536800001\n98\t1\t3\t1238536800002\n`;
    const base = { ...SOUND_FILES, 'user_taggedartists-timestamps.dat': stranger };
    const expected = plain(await readSound(base));
    const shuffles = fc.tuple(
      ...Object.values(base).map((text) => {
        const [header, ...rows] = lines(text);
        return fc
          .shuffledSubarray(rows, { minLength: rows.length })
          .map((order) => [header, ...order].join('\n'));
      }),
    );
    await fc.assert(
      fc.asyncProperty(shuffles, async (texts) => {
        const changes = Object.fromEntries(Object.keys(base).map((name, i) => [name, texts[i]!]));
        expect(plain(await readSound(changes))).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('reads tags as ISO-8859-1 in all bytes, those from 80 to 9f too', async () => {
    const bytes = Uint8Array.from([...utf8('3\tespa'), 0xf1, ...utf8('ol\n4\t'), 0x80, 0x9f, 0xff, 10]);
    const dataset = await readSound({ 'tags.dat': bytes });
    expect(tables(dataset).tags).toEqual([
      [3, 'español'],
      [4, '\u0080\u009fÿ'],
    ]);
  });

  it('takes 007 and 7 for one id', async () => {
    const dataset = await readSound({ 'user_artists.dat': '010\t01\t7\n10\t2\t3\n11\t2\t1\n' });
    expect(dataset.users.ids.toSorted()).toEqual(['10', '11']);
  });

  it('reads dates as midnight UTC, leap days and centuries included', async () => {
    const dates =
      '10\t1\t3\t29\t2\t2004\n10\t1\t4\t1\t3\t2005\n11\t2\t3\t31\t12\t2010\n11\t2\t4\t28\t2\t2100\n';
    const files = soundFiles({ 'user_taggedartists-timestamps.dat': null, 'user_taggedartists.dat': dates });
    const { dataset } = await readDataset(openInMemory(files), { nowMs: Date.UTC(2101, 0, 1) });
    expect(tables(dataset!).tagged.map((row) => row[3])).toEqual([
      Date.UTC(2004, 1, 29),
      Date.UTC(2005, 2, 1),
      Date.UTC(2010, 11, 31),
      Date.UTC(2100, 1, 28),
    ]);
  });

  it('reads every possible date like the platform does, and refuses the impossible ones', async () => {
    const part = fc.tuple(fc.integer({ min: 2001, max: 2030 }), fc.nat(14), fc.nat(33));
    await fc.assert(
      fc.asyncProperty(part, async ([year, month, day]) => {
        const rows = `10\t1\t3\t${day}\t${month}\t${year}\n`;
        const dataset = await readSound({
          'user_taggedartists-timestamps.dat': null,
          'user_taggedartists.dat': rows,
        });
        const date = new Date(Date.UTC(year, month - 1, day));
        const possible = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
        const allowed = possible && year >= 2002 && date.getTime() <= NOW_MS;
        expect(dataset.tagAssignments!.time[0]).toBe(allowed ? date.getTime() : Number.NaN);
      }),
    );
  });

  it('prefers the tag file with timestamps where both are there', async () => {
    const dataset = await readSound({ 'user_taggedartists.dat': '10\t1\t3\t1\t1\t2007\n' });
    expect(tables(dataset).tagged).toHaveLength(2);
  });

  it('makes friendship mutual', async () => {
    const { dataset, report } = await read({ 'user_friends.dat': '10\t11\n' });
    expect(tables(dataset!).friends).toEqual([
      [10, 11],
      [11, 10],
    ]);
    expect(report.counts).toMatchObject({ friends: 2, friendsAdded: 1 });
  });

  it('refuses a present that is not a time', async () => {
    const reading = readDataset(openInMemory(soundFiles()), { nowMs: Number.NaN });
    await expect(reading).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('passes on what the port rejects with', async () => {
    const reading = readDataset(() => Promise.reject(new Error('disk on fire')), { nowMs: NOW_MS });
    await expect(reading).rejects.toThrow('disk on fire');
  });

  it('never lets a number out that is not finite, whatever the files hold', async () => {
    const text = fc.oneof(
      fc.stringMatching(/^([0-9-]{0,3}[\t\n]){0,12}$/),
      fc.stringMatching(/^(1[01]\t[125]\t[0-9]{1,3}\n){2,6}$/),
    );
    await fc.assert(
      fc.asyncProperty(text, text, async (plays, friends) => {
        const { dataset, report } = await read({ 'user_artists.dat': plays, 'user_friends.dat': friends });
        expect(dataset === null).toBe(report.errors.length > 0);
        if (dataset === null) return;
        expect(dataset.plays.values.every((value) => Number.isSafeInteger(value) && value >= 1)).toBe(true);
        expect(dataset.users.size).toBe(
          new Set(
            lines(plays)
              .filter((l) => !/\t0+$/.test(l))
              .map((l) => Number(l.split('\t')[0])),
          ).size,
        );
      }),
    );
  });
});

interface Case {
  readonly name: string;
  readonly changes: Changes;
  readonly expected: Partial<Finding>;
}

const PLAYS = 'user_artists.dat';
const TIMES = 'user_taggedartists-timestamps.dat';
const DATES = 'user_taggedartists.dat';
const header = 'userID\tartistID\tweight\n';
const sound = SOUND_FILES[PLAYS];

const errorCases: Case[] = [
  {
    name: 'a missing artists.dat',
    changes: { 'artists.dat': null },
    expected: { code: 'missing-file', file: 'artists.dat', line: null },
  },
  {
    name: 'a missing user_artists.dat',
    changes: { [PLAYS]: null },
    expected: { code: 'missing-file', file: PLAYS, line: null },
  },
  {
    name: 'columns in another order',
    changes: { [PLAYS]: 'artistID\tuserID\tweight\n1\t10\t7\n' },
    expected: { code: 'wrong-header', file: PLAYS, line: 1, found: 'artistID, userID, weight' },
  },
  {
    name: 'the header of another file',
    changes: { 'tags.dat': header },
    expected: { code: 'wrong-header', file: 'tags.dat', line: 1 },
  },
  {
    name: 'a header with a column too many',
    changes: { 'user_friends.dat': 'userID\tfriendID\tsince\n' },
    expected: { code: 'wrong-header', file: 'user_friends.dat', line: 1 },
  },
  {
    name: 'a header of artists that lacks a column',
    changes: { 'artists.dat': 'id\tname\turl\n1\ta\tb\n' },
    expected: { code: 'wrong-header', file: 'artists.dat' },
  },
  {
    name: 'a row too short',
    changes: { [PLAYS]: `${sound}11\t5\n` },
    expected: { code: 'wrong-column-count', file: PLAYS, line: 6, found: '2 columns: 11, 5' },
  },
  {
    name: 'a row too long',
    changes: { [TIMES]: `${SOUND_FILES[TIMES]}10\t1\t3\t1\t4\t2009\n` },
    expected: { code: 'wrong-column-count', file: TIMES, line: 4 },
  },
  {
    name: 'plays in words',
    changes: { [PLAYS]: `${sound}10\t5\tmany\n` },
    expected: { code: 'not-a-number', file: PLAYS, line: 6, field: 'weight', found: '"many"' },
  },
  {
    name: 'plays left out',
    changes: { [PLAYS]: `${sound}10\t5\t\n` },
    expected: { code: 'not-a-number', file: PLAYS, line: 6, field: 'weight', found: '""' },
  },
  {
    name: 'plays called NaN',
    changes: { [PLAYS]: `${sound}10\t5\tNaN\n` },
    expected: { code: 'not-a-number', field: 'weight' },
  },
  {
    name: 'plays in scientific notation',
    changes: { [PLAYS]: `${sound}10\t5\t1e3\n` },
    expected: { code: 'not-a-number', field: 'weight' },
  },
  {
    name: 'a user id in words',
    changes: { [PLAYS]: `${sound}ten\t5\t1\n` },
    expected: { code: 'not-a-number', line: 6, field: 'userID' },
  },
  {
    name: 'an artist id in words',
    changes: { 'artists.dat': `${SOUND_FILES['artists.dat']}x\ta\t\t\n` },
    expected: { code: 'not-a-number', file: 'artists.dat', line: 5, field: 'id' },
  },
  {
    name: 'a tag id in words',
    changes: { 'tags.dat': `${SOUND_FILES['tags.dat']}x\ta\n` },
    expected: { code: 'not-a-number', file: 'tags.dat', line: 4, field: 'tagID' },
  },
  {
    name: 'a time in words',
    changes: { [TIMES]: `${SOUND_FILES[TIMES]}10\t2\t3\tyesterday\n` },
    expected: { code: 'not-a-number', file: TIMES, line: 4, field: 'timestamp' },
  },
  {
    name: 'a month in words',
    changes: { [TIMES]: null, [DATES]: '10\t1\t3\t1\tMay\t2009\n' },
    expected: { code: 'not-a-number', file: DATES, line: 1, field: 'month' },
  },
  {
    name: 'a friend in words',
    changes: { 'user_friends.dat': '10\tbob\n' },
    expected: { code: 'not-a-number', file: 'user_friends.dat', line: 1, field: 'friendID' },
  },
  {
    name: 'a negative id',
    changes: { [PLAYS]: `${sound}-10\t5\t1\n` },
    expected: { code: 'number-out-of-range', line: 6, field: 'userID', found: '"-10"' },
  },
  {
    name: 'plays beyond the exact integers',
    changes: { [PLAYS]: `${sound}10\t5\t9007199254740992\n` },
    expected: { code: 'number-out-of-range', line: 6, field: 'weight' },
  },
  {
    name: 'an id beyond the exact integers',
    changes: { [PLAYS]: `${sound}99999999999999999999\t5\t1\n` },
    expected: { code: 'number-out-of-range', line: 6, field: 'userID' },
  },
  {
    name: 'a time beyond the exact integers',
    changes: { [TIMES]: `10\t1\t3\t-9007199254740992\n` },
    expected: { code: 'number-out-of-range', line: 1, field: 'timestamp' },
  },
  {
    name: 'negative plays',
    changes: { [PLAYS]: `${sound}10\t5\t-3\n11\t1\t-2.5\n` },
    expected: { code: 'negative-plays', file: PLAYS, line: 6, field: 'weight', found: '-3', count: 2 },
  },
  {
    name: 'fractional plays',
    changes: { [PLAYS]: `${sound}10\t5\t3.5\n11\t1\t.5\n` },
    expected: { code: 'fractional-plays', file: PLAYS, line: 6, field: 'weight', found: '3.5', count: 2 },
  },
  {
    name: 'a pair with two play counts',
    changes: { [PLAYS]: `${sound}10\t1\t8\n` },
    expected: {
      code: 'conflicting-plays',
      file: PLAYS,
      line: 6,
      field: 'weight',
      found: '8, but 7 on line 2',
    },
  },
  {
    name: 'a pair with and without plays',
    changes: { [PLAYS]: `${sound}10\t1\t0\n` },
    expected: { code: 'conflicting-plays', line: 6 },
  },
  {
    name: 'plays of an artist outside the catalogue',
    changes: { [PLAYS]: `${sound}10\t77\t8\n11\t77\t1\n` },
    expected: {
      code: 'unknown-artist-in-plays',
      file: PLAYS,
      line: 6,
      field: 'artistID',
      found: '77',
      count: 2,
      distinct: 1,
    },
  },
  {
    name: 'two artists of one id',
    changes: { 'artists.dat': `${SOUND_FILES['artists.dat']}1\tOther\t\t\n` },
    expected: { code: 'conflicting-artist', file: 'artists.dat', line: 5, field: 'id' },
  },
  {
    name: 'two artists of one id that differ in the picture',
    changes: { 'artists.dat': `${SOUND_FILES['artists.dat']}2\tRevin\t\tx.jpg\n` },
    expected: { code: 'conflicting-artist', line: 5 },
  },
  {
    name: 'two tags of one id',
    changes: { 'tags.dat': `${SOUND_FILES['tags.dat']}3\tmetal\n` },
    expected: {
      code: 'conflicting-tag',
      file: 'tags.dat',
      line: 4,
      field: 'tagID',
      found: '3 again, as metal instead of rock',
    },
  },
  {
    name: 'no plays',
    changes: { [PLAYS]: header },
    expected: { code: 'empty-data-set', file: PLAYS, line: null },
  },
  {
    name: 'an empty file of plays',
    changes: { [PLAYS]: '' },
    expected: { code: 'empty-data-set', file: PLAYS },
  },
  {
    name: 'nothing but zero plays',
    changes: { [PLAYS]: '10\t1\t0\n' },
    expected: { code: 'empty-data-set', file: PLAYS },
  },
  {
    name: 'no artists',
    changes: { 'artists.dat': '' },
    expected: { code: 'empty-data-set', file: 'artists.dat' },
  },
  {
    name: 'one user only',
    changes: { [PLAYS]: '10\t1\t7\n10\t2\t3\n11\t2\t0\n' },
    expected: { code: 'too-few-users', file: PLAYS, field: 'userID', found: 'user 10 only' },
  },
  {
    name: 'one artist only',
    changes: { [PLAYS]: '10\t2\t7\n11\t2\t3\n' },
    expected: { code: 'too-few-artists', file: PLAYS, field: 'artistID', found: 'artist 2 only' },
  },
];

describe('validation errors', () => {
  it.each(errorCases)('refuses $name, and says just that', async ({ changes, expected }) => {
    const { dataset, report } = await read(changes);
    expect(dataset).toBeNull();
    expect(report.errors).toHaveLength(1);
    expect(report.errors[0]).toMatchObject({ severity: 'error', ...expected });
  });

  it('does not report what only follows from a missing catalogue', async () => {
    const { report } = await read({ 'artists.dat': null });
    expect(report.errors.map(({ code }) => code)).toEqual(['missing-file']);
    expect(report.warnings).toEqual([]);
  });

  it('does not report a single user where rows of others were refused', async () => {
    const { report } = await read({ [PLAYS]: '10\t1\t7\n10\t2\t3\n11\t2\tx\n' });
    expect(report.errors.map(({ code }) => code)).toEqual(['not-a-number']);
  });

  it('reports missing plays beside errors of other files', async () => {
    const { report } = await read({ [PLAYS]: '', 'user_friends.dat': '1\n' });
    expect(report.errors.map(({ code }) => code)).toEqual(['wrong-column-count', 'empty-data-set']);
  });

  it('reports errors of several files at once', async () => {
    const { report } = await read({ [PLAYS]: `${sound}10\t77\tx\n`, 'user_friends.dat': '1\n' });
    const found = report.errors.map(({ code, file }) => `${file} ${code}`);
    expect(found.toSorted()).toEqual([`${PLAYS} not-a-number`, 'user_friends.dat wrong-column-count']);
  });
});

const tagged = SOUND_FILES[TIMES];

const warningCases: Case[] = [
  {
    name: 'tags of unknown artists',
    changes: { [TIMES]: `${tagged}10\t77\t3\t1\n11\t77\t3\t1\n10\t78\t4\t1\n` },
    expected: {
      code: 'unknown-artist-in-tags',
      file: TIMES,
      line: 4,
      field: 'artistID',
      found: '77',
      count: 3,
      distinct: 2,
    },
  },
  {
    name: 'unknown tags',
    changes: { [TIMES]: `${tagged}10\t1\t9\t1238536800000\n` },
    expected: { code: 'unknown-tag', file: TIMES, line: 4, field: 'tagID', found: '9', count: 1 },
  },
  {
    name: 'an exact duplicate of plays',
    changes: { [PLAYS]: `${sound}10\t1\t7\n` },
    expected: { code: 'exact-duplicate', file: PLAYS, line: 6, found: 'the pair of line 2 again' },
  },
  {
    name: 'an exact duplicate of an artist',
    changes: { 'artists.dat': `${SOUND_FILES['artists.dat']}2\tRevin\t\t\n` },
    expected: { code: 'exact-duplicate', file: 'artists.dat', line: 5 },
  },
  {
    name: 'an exact duplicate of a tag',
    changes: { 'tags.dat': `${SOUND_FILES['tags.dat']}3\trock\n` },
    expected: { code: 'exact-duplicate', file: 'tags.dat', line: 4 },
  },
  {
    name: 'an exact duplicate of an assignment',
    changes: { [TIMES]: `${tagged}10\t1\t3\t1238536800000\n` },
    expected: { code: 'exact-duplicate', file: TIMES, line: 4, found: 'the assignment of line 2 again' },
  },
  {
    name: 'an exact duplicate of a friendship',
    changes: { 'user_friends.dat': '10\t11\n11\t10\n10\t11\n' },
    expected: { code: 'exact-duplicate', file: 'user_friends.dat', line: 3 },
  },
  {
    name: 'zero plays',
    changes: { [PLAYS]: `${sound}10\t5\t0\n12\t5\t0\n` },
    expected: { code: 'zero-plays', file: PLAYS, line: 6, field: 'weight', count: 2 },
  },
  {
    name: 'a user who is their own friend',
    changes: { 'user_friends.dat': '10\t11\n11\t10\n10\t10\n' },
    expected: { code: 'self-friend', file: 'user_friends.dat', line: 3 },
  },
  {
    name: 'friends without plays',
    changes: { 'user_friends.dat': '10\t11\n11\t10\n10\t99\n' },
    expected: { code: 'unknown-user-in-friends', line: 3, field: 'friendID', found: '99' },
  },
  {
    name: 'blank lines',
    changes: { [PLAYS]: `${header}\n${sound.slice(header.length)}\n\n` },
    expected: { code: 'blank-line', file: PLAYS, line: 2, count: 3 },
  },
];

describe('validation warnings', () => {
  it.each(warningCases)('survives $name, counted, with the same data set', async ({ changes, expected }) => {
    const { dataset, report } = await read(changes);
    expect(report.warnings).toHaveLength(1);
    expect(report.warnings[0]).toMatchObject({ severity: 'warning', ...expected });
    expect(plain(dataset!)).toEqual(plain(await readSound()));
  });

  it('keeps a tagger without plays for the artist only', async () => {
    const { dataset, report } = await read({ [TIMES]: `${tagged}99\t1\t3\t1238536800000\n` });
    expect(report.warnings).toMatchObject([
      { code: 'unknown-user-in-tags', line: 4, field: 'userID', found: '99' },
    ]);
    expect(tables(dataset!).tagged).toContainEqual([-1, 1, 3, 1238536800000]);
  });

  it('tells two taggers without plays apart', async () => {
    const { dataset, report } = await read({ [TIMES]: '99\t1\t3\t1238536800000\n98\t1\t3\t1238536800000\n' });
    expect(report.warnings.map(({ code }) => code)).toEqual(['unknown-user-in-tags']);
    expect(tables(dataset!).tagged).toHaveLength(2);
  });

  it('keeps an assignment whose time is refused, without its time', async () => {
    const late = NOW_MS + 1;
    const rows = `10\t1\t3\t${Date.UTC(2002, 0, 1)}\n10\t2\t3\t${Date.UTC(2002, 0, 1) - 1}\n11\t1\t3\t${NOW_MS}\n11\t2\t3\t${late}\n11\t5\t3\t${late}\n`;
    const { dataset, report } = await read({ [TIMES]: rows });
    expect(report.warnings).toMatchObject([
      {
        code: 'tag-time-refused',
        file: TIMES,
        line: 2,
        field: 'timestamp',
        found: '1009843199999 (2001-12-31)',
        count: 3,
        distinct: 2,
      },
    ]);
    expect(tables(dataset!).tagged.map((row) => row[3])).toEqual([Date.UTC(2002, 0, 1), -1, NOW_MS, -1, -1]);
  });

  it('does not count the time of a row that is dropped anyway', async () => {
    const { report } = await read({ [TIMES]: `${tagged}10\t77\t3\t5\n` });
    expect(report.warnings.map(({ code }) => code)).toEqual(['unknown-artist-in-tags']);
  });

  it.each([
    ['an earlier and a later one', [1238536800000, 1238536800001], 1238536800001],
    ['a later and an earlier one', [1238536800001, 1238536800000], 1238536800001],
    ['a refused and a valid one', [5, 1238536800000], 1238536800000],
    ['a valid and a refused one', [1238536800000, 5], 1238536800000],
  ])('takes the latest valid time of %s of the same assignment', async (_, times, kept) => {
    const { dataset, report } = await read({ [TIMES]: times.map((time) => `10\t1\t3\t${time}\n`).join('') });
    expect(tables(dataset!).tagged).toEqual([[10, 1, 3, kept]]);
    expect(report.warnings).toContainEqual(
      expect.objectContaining({ code: 'repeated-tag-assignment', line: 2 }),
    );
  });

  it.each([
    ['tags.dat', { 'tags.dat': null }, 'tags.dat'],
    ['either tag file', { [TIMES]: null }, `${TIMES} or ${DATES}`],
    ['a usable assignment', { [TIMES]: '10\t77\t3\t1238536800000\n' }, TIMES],
  ])('switches tags off without %s', async (_, changes, file) => {
    const { dataset, report } = await read(changes);
    expect(dataset!.tagAssignments).toBeNull();
    expect(report.warnings).toContainEqual(expect.objectContaining({ code: 'no-tags', file, line: null }));
  });

  it.each([
    ['user_friends.dat', { 'user_friends.dat': null }],
    ['a usable pair', { 'user_friends.dat': '10\t10\n' }],
  ])('switches friends off without %s', async (_, changes) => {
    const { dataset, report } = await read(changes);
    expect(dataset!.friends).toBeNull();
    expect(report.warnings).toContainEqual(
      expect.objectContaining({ code: 'no-friends', file: 'user_friends.dat', line: null }),
    );
  });

  it('replaces bytes that are not UTF-8 in a name, but takes a replacement character that the file holds', async () => {
    const bytes = Uint8Array.from([
      ...utf8('1\tM\uFFFDlo\t\t\n2\tRev'),
      0xe9,
      ...utf8('n\t\t\n5\tOsta\t\t\n'),
    ]);
    const { dataset, report } = await read({ 'artists.dat': bytes });
    expect(report.warnings).toMatchObject([{ code: 'invalid-utf8', file: 'artists.dat', line: 2, count: 1 }]);
    expect(tables(dataset!).artists.map((row) => row[1])).toEqual(['M\uFFFDlo', 'Rev\uFFFDn', 'Osta']);
  });

  it('counts every occurrence and keeps the first twenty', async () => {
    const rows = Array.from({ length: 50 }, (_, i) => `10\t${100 + i}\t3\t1238536800000\n`).join('');
    const { report } = await read({ [TIMES]: tagged + rows });
    const [finding] = report.warnings;
    expect(finding).toMatchObject({ count: 50, distinct: 50 });
    expect(finding!.examples.map(({ line }) => line)).toEqual(Array.from({ length: 20 }, (_, i) => 4 + i));
  });
});

describe('readSplitFile', () => {
  it('reads a part in the shape of its data set', async () => {
    const dataset = await readSound();
    const open = openInMemory({ 'train.tsv': utf8(`${header}11\t5\t4\n10\t2\t3\n`) });
    const { plays, report } = await readSplitFile(open, 'train.tsv', dataset);
    expect(report.counts).toMatchObject({ rows: 2, users: 2, plays: 2, totalPlays: 7 });
    expect(tables({ ...dataset, plays: plays! }).plays).toEqual([
      [10, 2, 3],
      [11, 5, 4],
    ]);
  });

  it.each([
    [
      'an unknown user',
      '12\t5\t4\n',
      { code: 'unknown-user-in-plays', line: 1, field: 'userID', found: '12' },
    ],
    ['an unknown artist', '10\t6\t4\n', { code: 'unknown-artist-in-plays', line: 1, found: '6' }],
    ['an empty file', '', { code: 'empty-data-set' }],
  ])('refuses %s', async (_, text, expected) => {
    const open = openInMemory({ 'train.tsv': utf8(text) });
    const { plays, report } = await readSplitFile(open, 'train.tsv', await readSound());
    expect(plays).toBeNull();
    expect(report.errors).toMatchObject([{ file: 'train.tsv', ...expected }]);
  });

  it('refuses a file that is not there', async () => {
    const { report } = await readSplitFile(openInMemory({}), 'train.tsv', await readSound());
    expect(report.errors).toMatchObject([{ code: 'missing-file', file: 'train.tsv' }]);
  });
});

const folder = process.env['ENCORE_DATA'];
const real = folder?.replace(/[/\\]+$/, '').endsWith('hetrec2011-lastfm-2k') === true ? folder : undefined;

describe.each([
  {
    name: 'the sample',
    at: new URL('../../fixtures/sample/', import.meta.url).pathname,
    expected: aggregates,
  },
  { name: 'the published data set', at: real, expected: realAggregates },
])('$name', ({ at, expected }) => {
  it.skipIf(at === undefined).each([
    ['timestamps', [DATES], expected.sha256.taggedTimes],
    ['dates', [TIMES], expected.sha256.taggedDates],
  ])('is read to what Python reads, tagged with %s', async (_, hidden, tagDigest) => {
    const { dataset, report } = await readDataset(
      async (name) => {
        if (hidden.includes(name)) return undefined;
        const bytes = await readFile(`${at}/${name}`).catch(() => undefined);
        return bytes === undefined ? undefined : [bytes];
      },
      { nowMs: NOW_MS },
    );
    expect(report.errors).toEqual([]);
    expect(report.counts).toMatchObject({ ...expected.counts, friendsAdded: 0 });
    const byCode = new Map(report.warnings.map((finding) => [finding.code, finding]));
    expect(byCode.get('unknown-artist-in-tags')?.count ?? 0).toBe(expected.unknownTagged.assignments);
    expect(byCode.get('unknown-artist-in-tags')?.distinct ?? 0).toBe(expected.unknownTagged.artists);
    expect(byCode.get('tag-time-refused')?.count ?? 0).toBe(expected.refusedTimes.assignments);
    expect(byCode.get('tag-time-refused')?.distinct ?? 0).toBe(expected.refusedTimes.times);
    const rows = tables(dataset!);
    expect({
      artists: digest(rows.artists),
      tags: digest(rows.tags),
      plays: digest(rows.plays),
      tagged: digest(rows.tagged),
      friends: digest(rows.friends),
    }).toEqual({
      artists: expected.sha256.artists,
      tags: expected.sha256.tags,
      plays: expected.sha256.plays,
      tagged: tagDigest,
      friends: expected.sha256.friends,
    });
  });
});
