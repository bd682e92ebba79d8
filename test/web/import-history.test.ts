import { describe, expect, it } from 'vitest';
import {
  importHistory,
  type History,
  type Outcome,
  type Progress,
} from '../../web/src/views/import/import-history.ts';
import { storedZip } from '../local/stored-zip.ts';
import { bomb, fileOf, gzipped, json, REAL_FORMS, spotifyHistory, zipped } from './import-files.ts';

const NOW_MS = Date.UTC(2026, 10, 24);
const GIGABYTE = 1e9;

function imported(
  files: readonly File[],
  listener: string | null = null,
  options: Parameters<typeof importHistory>[1] = {},
): Promise<Outcome> {
  return importHistory({ files, listener, nowMs: NOW_MS }, options);
}

/** @throws Error where the outcome is no history. */
async function historyOf(outcome: Promise<Outcome>): Promise<History> {
  const found = await outcome;
  if (found.kind !== 'history') throw new Error(json(found));
  return found.history;
}

/** The sentence of a failure. */
async function messageOf(...files: readonly File[]): Promise<string> {
  const outcome = await imported(files);
  if (outcome.kind !== 'failed') throw new Error(json(outcome));
  return outcome.message;
}

const playsOf = ({ artists }: History): Readonly<Record<string, number>> =>
  Object.fromEntries(artists.map(({ name, plays }) => [name, plays]));

/** What a browser answers who reads a folder. */
function notFound(): Promise<never> {
  return Promise.reject(
    new DOMException('A requested file or directory could not be found', 'NotFoundError'),
  );
}

describe('importHistory', () => {
  it.each(REAL_FORMS)('reads $format: artists, plays, and nothing else', async ({ name, content, plays }) => {
    const history = await historyOf(imported([fileOf(name, content)]));
    expect(playsOf(history)).toEqual(plays);
    expect(history.plays).toBe(Object.values(plays).reduce((a, b) => a + b));
    expect(json(history)).not.toContain('SECRET');
  });

  it('reads the same plain, as .gz and as .zip, several at once, and counts overlapping listens once', async () => {
    const text = [...spotifyHistory(100_000)].join('');
    const plain = await historyOf(imported([fileOf('a.json', text)]));
    expect(plain.plays).toBeGreaterThan(100);
    for (const packed of [
      [fileOf('a.json.gz', gzipped(text))],
      [fileOf('a.zip', zipped({ 'a/Streaming_History_Audio_2015_0.json': text, 'a/Userdata.json': '{}' }))],
      [fileOf('a.zip', new Uint8Array(storedZip({ 'endsong_0.json': text, 'ReadMe.pdf': 'x' })))],
      [fileOf('a.json', text), fileOf('b.json.gz', gzipped(text))],
    ]) {
      const history = await historyOf(imported(packed));
      expect(history.artists).toEqual(plain.artists);
    }
  });

  it('keeps the 500 artists with most plays, and says how many there are', async () => {
    const rows = Array.from({ length: 700 }, (_, i) => `Artist ${i},${i + 1}`).join('\n');
    const history = await historyOf(imported([fileOf('a.csv', rows)]));
    expect(history.nArtists).toBe(700);
    expect(history.plays).toBe((700 * 701) / 2);
    expect(history.artists).toHaveLength(500);
    expect(history.artists[0]).toEqual({ name: 'Artist 699', plays: 700 });
    expect(history.artists[499]).toEqual({ name: 'Artist 200', plays: 201 });
  });

  it('says how far it is, up to the last byte, of archives too', async () => {
    const text = [...spotifyHistory(300_000)].join('');
    const plain = fileOf('a.json', text);
    const archive = fileOf('b.zip', zipped({ 'endsong_0.json': text, 'other.bin': text }));
    const seen: Progress[] = [];
    await imported([plain, archive], null, { onProgress: (progress) => seen.push(progress) });
    const total = plain.size + archive.size;
    expect(seen.every((progress) => progress.total === total && progress.read <= total)).toBe(true);
    expect(seen.some(({ read }) => read === plain.size)).toBe(true);
    expect(seen.at(-1)).toEqual({ read: total, total, file: 'b.zip' });
  });

  it('reads an export of 50 MB', async () => {
    const file = fileOf('Streaming_History_Audio_2015-2026.json', ...spotifyHistory(50e6));
    expect(file.size).toBeGreaterThan(50e6);
    const history = await historyOf(imported([file]));
    expect(history.report.format).toBe('spotify');
    expect(history.report.rows).toBeGreaterThan(90_000);
    expect(history.artists).toHaveLength(500);
  });
});

describe('files that name several people', () => {
  const file = fileOf('all.csv', 'user,artist,plays\nada,Low,3\nbob,Can,2\nBob,Can,1\nbob,Low,9\n');

  it('are asked about, and read once more for the one who was chosen', async () => {
    expect(await imported([file])).toEqual({
      kind: 'whose',
      whose: {
        names: [
          { name: 'bob', plays: 11 },
          { name: 'ada', plays: 3 },
          { name: 'Bob', plays: 1 },
        ],
        nListeners: 3,
        unknown: null,
      },
    });
    const history = await historyOf(imported([file], 'bob'));
    expect(history.listener).toBe('bob');
    expect(playsOf(history)).toEqual({ Low: 9, Can: 3 });
    expect(history.report.skipped).toMatchObject([{ reason: 'another-listener', count: 1 }]);
  });

  it('say whom they do not name, and whom they do', async () => {
    expect(await imported([file], 'zoe')).toMatchObject({
      kind: 'whose',
      whose: { names: [{ name: 'bob' }, { name: 'ada' }, { name: 'Bob' }], unknown: 'zoe' },
    });
  });

  it('are asked about without names where they cannot be listed', async () => {
    const rows = ['a', 'b', 'b'].map((user_name, i) =>
      json({ listened_at: 1_714_564_800 + i, user_name, track_metadata: { artist_name: 'Low' } }),
    );
    const dump = fileOf('1.listens', rows.join('\n'));
    expect(await imported([dump])).toEqual({
      kind: 'whose',
      whose: { names: [], nListeners: 0, unknown: null },
    });
    expect(playsOf(await historyOf(imported([dump], 'b')))).toEqual({ Low: 2 });
  });

  it('are read without a question where they name one', async () => {
    const one = fileOf('one.csv', 'user,artist,plays\nada,Low,3\n');
    expect(playsOf(await historyOf(imported([one])))).toEqual({ Low: 3 });
  });
});

describe('hostile and wrong files', () => {
  it('are named in words, each with what is wrong', async () => {
    const big = gzipped([...spotifyHistory(50_000)].join(''));
    const bent = big.with(big.length >> 1, big[big.length >> 1]! ^ 0xff);
    const zip = zipped({ 'endsong_0.json': [...spotifyHistory(50_000)].join('') });
    const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]);
    const cases: readonly (readonly [File, string])[] = [
      [fileOf('empty.csv', ''), 'empty.csv is empty.'],
      [fileOf('blank.json', ' \n'.repeat(100)), 'blank.json is empty.'],
      [fileOf('photo.json', png), 'photo.json is a picture, not listening as JSON or CSV.'],
      [fileOf('photo.json', new Uint8Array([0xff, 0xd8, 0xff, 0xe0])), 'photo.json is a picture'],
      [fileOf('bill.csv', '%PDF-1.4\n'), 'bill.csv is a PDF'],
      [fileOf('nul.csv', 'a\0b'.repeat(9)), 'nul.csv has 1 column'],
      [fileOf('page.html', '<!doctype html><script>alert(1)</script>'), 'page.html has 1 column'],
      [fileOf('cut.json', '[{"topartists":'), 'cut.json: ends within record 1: it was cut short.'],
      [fileOf('odd.json', '{"a":}'), 'odd.json has 1 record, none of which is listening that can be read.'],
      [fileOf('x.json', '{}]'), 'x.json: has a closing bracket too many'],
      [fileOf('quote.csv', 'artist,plays\n"Low,3\n'), 'quote.csv, line 2: the quote that is opened here'],
      [fileOf('cut.gz', big.subarray(0, big.length - 9)), 'cut.gz cannot be unpacked: it is damaged or was'],
      [fileOf('bent.gz', bent), 'bent.gz cannot be unpacked: it is damaged'],
      [fileOf('cut.zip', zip.subarray(0, zip.length >> 1)), 'cut.zip cannot be unpacked: it is damaged'],
      [fileOf('magic.zip', 'PK\x03\x04'), 'magic.zip cannot be unpacked'],
      [fileOf('none.zip', zipped({})), 'none.zip cannot be read: none of its 0 entries is listening'],
      [fileOf('other.zip', zipped({ 'a.txt': 'x' })), 'none of its 1 entries is listening'],
      [
        fileOf('in.zip', zipped({ 'b.zip': zip })),
        'in.zip cannot be read: none of its 1 entries is listening',
      ],
      [fileOf('in.zip', zipped({ 'b.json': zip })), 'in.zip/b.json is an archive in an archive'],
      [fileOf('in.zip', zipped({ 'b.json': png })), 'in.zip/b.json is a picture'],
      [fileOf('twice.gz', gzipped('')), 'twice.gz is empty.'],
      [fileOf('csv.json', json({ error: 6, message: 'User not found' })), 'Last.fm answered with error 6'],
      [fileOf('zero.csv', 'Low,0\n'), 'Nothing to import: 1 rows read; skipped 1: counts 0 plays'],
    ];
    for (const [file, message] of cases) expect(await messageOf(file)).toContain(message);
    // Nothing of it names a format as programs call it.
    expect(await messageOf(fileOf('lastfm-top-artists.json', '<'))).toMatch(
      /^lastfm-top-artists\.json has 1/,
    );
    expect(await messageOf(fileOf('a.json', '{"x":1}'))).not.toContain('lastfm-');
  });

  it('that are locked or packed strangely say so', async () => {
    const archive = zipped({ 'a.csv': 'Low,3\n' });
    const at = Buffer.from(archive).indexOf('PK\x01\x02', 0, 'latin1');
    const locked = archive.with(at + 8, archive[at + 8]! | 1);
    expect(await messageOf(fileOf('l.zip', locked))).toBe(
      'l.zip/a.csv is locked with a password: unpack it and choose the files in it.',
    );
    const strong = archive.with(at + 8, archive[at + 8]! | 0x41);
    expect(await messageOf(fileOf('s.zip', strong))).toContain('s.zip is locked with a password');
    expect(await messageOf(fileOf('m.zip', archive.with(at + 10, 14)))).toBe(
      'm.zip/a.csv is packed in a way that is not read here (method 14): unpack it and choose the files in it.',
    );
  });

  it('that unpack to a gigabyte are stopped by what comes out, long before', async () => {
    const zeros = bomb('a.json', { text: '\0', bytes: GIGABYTE });
    expect(zeros.length).toBeLessThan(2e6);
    expect(await messageOf(fileOf('zeros.zip', zeros))).toContain('zeros.zip/a.json is not a text');
    const rows = bomb('a.csv', { text: 'Low,1\n', bytes: GIGABYTE });
    expect(await messageOf(fileOf('rows.zip', rows))).toBe(
      'rows.zip/a.csv: more than 3,000,000 rows, the most that one import may have: import it in parts.',
    );
    const record = bomb('a.json', { head: '{"a":"', text: 'x', bytes: GIGABYTE });
    expect(await messageOf(fileOf('record.zip', record))).toBe(
      'record.zip/a.json: record 1 is larger than 64 MB, the most that one record may have.',
    );
    const stream = {
      ts: '2024-05-01T12:00:00Z',
      ms_played: 1,
      master_metadata_album_artist_name: 'x'.repeat(600_000),
    };
    const long = bomb('a.json', { head: '[', text: `${json(stream)},`, bytes: GIGABYTE });
    expect(await imported([fileOf('long.zip', long)], null, { limits: { maxBytes: 20_000_000 } })).toEqual({
      kind: 'failed',
      message:
        'long.zip/a.json: with it the files have more than 20 MB unpacked, the most that one import may have.',
    });
  });

  it('that lie about their size are damaged', async () => {
    for (const declared of [10, 2_000_000]) {
      const lie = bomb('a.csv', { text: 'Low,1\n', bytes: 1_000_000, declared });
      expect(await messageOf(fileOf('lie.zip', lie))).toContain('lie.zip/a.csv cannot be unpacked');
    }
  });

  it('that are too many or too large are refused before they are read', async () => {
    const files = Array.from({ length: 1_001 }, (_, i) => fileOf(`${i}.csv`, 'Low,1\n'));
    expect(await messageOf(...files)).toBe('These are 1001 files: at most 1000 are read at once.');
    expect(await imported([fileOf('a.csv', 'Low,1\n')], null, { limits: { maxBytes: 5 } })).toEqual({
      kind: 'failed',
      message: 'The files have 6 B together: at most 5 B are read at once.',
    });
    const entries = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`${i}.csv`, '']));
    expect(await messageOf(fileOf('many.zip', new Uint8Array(storedZip(entries))))).toContain(
      'many.zip cannot be read: it has 10,001 entries, at most 10,000 are allowed',
    );
  });

  it('that cannot be opened may be a folder', async () => {
    const folder = fileOf('Music', '');
    Object.defineProperty(folder, 'slice', { value: () => ({ arrayBuffer: notFound }) });
    expect(await messageOf(folder)).toContain('Music cannot be opened: it may be a folder');
  });

  it('with names of any kind keep the artists that can be', async () => {
    const names = [
      '<img src=x onerror=alert(1)>',
      '\u202egnirts',
      'Lo\0w',
      'x'.repeat(10_000),
      '',
      '__proto__',
      'constructor',
    ];
    const rows = names.map((name, i) => ({
      artist: name,
      name: 'A Track',
      date: { uts: String(1_714_564_800 + i) },
    }));
    const history = await historyOf(imported([fileOf('a.json', json(rows))]));
    expect(history.artists.map(({ name }) => name).toSorted()).toEqual(
      ['<img src=x onerror=alert(1)>', '\u202egnirts', 'Lo w', '__proto__', 'constructor'].toSorted(),
    );
    expect(history.report.skipped).toMatchObject([
      { reason: 'name-too-long', count: 1 },
      { reason: 'no-artist', count: 1 },
    ]);
  });

  it('with hostile names of their own are named harmlessly', async () => {
    const turned = await messageOf(fileOf('a\u202evsc.csv', ''));
    expect(turned).toBe('a\u{fffd}vsc.csv is empty.');
    const long = await messageOf(fileOf(`${'n'.repeat(10_000)}.csv`, ''));
    expect(long).toBe(`${'n'.repeat(50)}…${'n'.repeat(46)}.csv is empty.`);
    const inside = await messageOf(fileOf('z.zip', zipped({ 'a\n\u202e.csv': '' })));
    expect(inside).toBe('z.zip/a?\u{fffd}.csv is empty.');
  });
});
