import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEncoreError } from '../../../layers/core/src/errors.ts';
import { importListens } from '../../../layers/core/src/import/import-listens.ts';
import { formatImportReport, IMPORT_FORMATS } from '../../../layers/core/src/import/import-report.ts';
import { chunked, imported, NOW_MS, playsOf, skippedOf } from './imported.ts';

const topArtist = (name: unknown, playcount: unknown): unknown => ({
  streamable: '0',
  image: [{ size: 'small', '#text': 'https://example.org/s.png' }],
  mbid: '',
  url: 'https://www.last.fm/music/x',
  playcount,
  '@attr': { rank: '1' },
  name,
});
const topPage = (artist: unknown): unknown => ({
  topartists: {
    artist,
    '@attr': { user: 'sentinel-user', totalPages: '2', page: '1', perPage: '50', total: '60' },
  },
});
const scrobble = (artist: string, name: string, uts: number | string): object => ({
  artist: { mbid: '', '#text': artist },
  streamable: '0',
  album: { mbid: '', '#text': 'An Album' },
  name,
  url: 'https://www.last.fm/music/x/_/y',
  date: { uts: String(uts), '#text': '01 May 2024, 12:00' },
});
const listen = (artist: unknown, more: object = {}): unknown => ({
  inserted_at: 1714564800,
  listened_at: 1714564800,
  recording_msid: 'a8f8b9a1-0000-4000-8000-000000000000',
  track_metadata: { artist_name: artist, track_name: 'A Track', additional_info: { submission_client: 'x' } },
  ...more,
});
const of = (user_name: string, artist: string): unknown => listen(artist, { user_name });
const stream = (artist: unknown, more: object = {}): unknown => ({
  ts: '2024-05-01T12:00:00Z',
  platform: 'linux',
  ms_played: 180_000,
  conn_country: 'DE',
  ip_addr: '203.0.113.7',
  master_metadata_track_name: 'A Track',
  master_metadata_album_artist_name: artist,
  episode_name: null,
  episode_show_name: null,
  reason_end: 'trackdone',
  skipped: false,
  incognito_mode: false,
  ...more,
});

describe('top artists of Last.fm', () => {
  it('are read from pages in several files, counts being strings', async () => {
    const result = await imported([
      topPage([topArtist('Sigur Rós', '120'), topArtist('Low', '7')]),
      topPage(topArtist('Can', 3)),
    ]);
    expect(result.report).toMatchObject({
      format: 'lastfm-top-artists',
      files: 2,
      rows: 3,
      imported: 3,
      span: null,
    });
    expect(playsOf(result)).toEqual({ 'Sigur Rós': 120, Low: 7, Can: 3 });
  });

  it('are read from an array of pages and from the artists alone', async () => {
    const artists = [topArtist('Low', '7'), topArtist('Can', '3')];
    for (const file of [[topPage(artists)], [artists], artists]) {
      expect(playsOf(await imported([file]))).toEqual({ Low: 7, Can: 3 });
    }
  });

  it('are totals: of an artist that shifted to the next page the larger count is taken', async () => {
    const result = await imported([topPage([topArtist('Low', '7')]), topPage([topArtist('Low', '8')])]);
    expect(playsOf(result)).toEqual({ Low: 8 });
    expect(skippedOf(result)).toEqual(['repeated: 1 at file-2, 1']);
  });

  it('skip counts that are no plays, each under its reason with the first place', async () => {
    const counts = ['0', '-3', '2.5', 'NaN', '', '1e3', '99999999', null, { a: 1 }, -0, 1.5, 1e300];
    const result = await imported([
      topPage([...counts.map((count) => topArtist('Low', count)), topArtist('Can', ' 3 ')]),
    ]);
    expect(playsOf(result)).toEqual({ Can: 3 });
    expect(skippedOf(result)).toEqual(['no-plays: 2 at file-1, 1', 'bad-plays: 10 at file-1, 2']);
    // NaN is no JSON: the page that has it cannot be read.
    const page = JSON.stringify(topPage([topArtist('Low', 7)])).replace('7', 'NaN');
    await expect(imported([page])).rejects.toThrow(
      'has 1 record, none of which is listening that can be read',
    );
  });

  it('are refused where Last.fm answered with an error, in its words', async () => {
    for (const format of ['auto', 'lastfm-top-artists', 'lastfm-recent-tracks'] as const) {
      await expect(imported([{ error: 6, message: 'User not found' }], { format })).rejects.toMatchObject({
        code: 'INVALID_DATA_SET',
        message: 'Last.fm answered with error 6, "User not found": allowed is an answer with listening',
      });
    }
  });
});

describe('recent tracks of Last.fm', () => {
  it('are counted by artist, in both forms, without what is playing now', async () => {
    const playing = {
      ...scrobble('Low', 'Now', 1),
      '@attr': { nowplaying: 'true' },
      date: undefined,
    };
    const extended = {
      artist: { name: 'Can', url: 'x' },
      name: 'Vitamin C',
      date: { uts: '1714564800' },
      loved: '1',
    };
    const result = await imported([
      {
        recenttracks: {
          track: [playing, scrobble('Low', 'A', 1714564800), scrobble('Low', 'B', 1714651200), extended],
          '@attr': { user: 'x' },
        },
      },
    ]);
    expect(result.report).toMatchObject({
      format: 'lastfm-recent-tracks',
      rows: 4,
      imported: 3,
      undated: 0,
      span: { fromMs: 1714564800_000, toMs: 1714651200_000 },
    });
    expect(result.listeners).toEqual([
      {
        name: 'ada',
        artists: [
          { name: 'Low', plays: 2, lastListenedMs: 1714651200_000 },
          { name: 'Can', plays: 1, lastListenedMs: 1714564800_000 },
        ],
      },
    ]);
    expect(skippedOf(result)).toEqual(['now-playing: 1 at file-1, 1']);
  });

  it('are read from what export tools write', async () => {
    const track = scrobble('Low', 'A', 1714564800);
    const page = { recenttracks: { track } };
    const flat = { artist: 'Low', track: 'A', album: 'X', date: 1714564800_000 };
    const files = [page, [page], [track], [[track]], [flat], { username: 'x', scrobbles: [flat] }];
    for (const file of [...files, `${JSON.stringify(page)}${JSON.stringify(page)}`]) {
      const result = await imported([file]);
      expect(playsOf(result)).toEqual({ Low: 1 });
      expect(result.report.span).toEqual({ fromMs: 1714564800_000, toMs: 1714564800_000 });
    }
  });

  it('count a listen once that pages repeat, but every listen without a time', async () => {
    const dated = scrobble('Low', 'A', 1714564800);
    const undated = { artist: { '#text': 'Can' }, name: 'B' };
    const result = await imported([
      [dated, undated],
      [dated, undated],
    ]);
    expect(playsOf(result)).toEqual({ Can: 2, Low: 1 });
    expect(skippedOf(result)).toEqual(['repeated: 1 at file-2, 1']);
    expect(result.report.undated).toBe(2);
  });

  it('keep listens whose time cannot be, without their time', async () => {
    const times = [0, 86_400, NOW_MS / 1000 + 2 * 86_400, 'x', '1e5'];
    const result = await imported([times.map((uts) => scrobble('Low', 'A', uts))]);
    expect(result.report).toMatchObject({ imported: 5, undated: 5, span: null });
    expect(result.listeners[0]!.artists).toEqual([{ name: 'Low', plays: 5, lastListenedMs: null }]);
  });
});

describe('listens of ListenBrainz', () => {
  it('are read from an array, from lines, from dump lines and from the API', async () => {
    const dump = {
      timestamp: 1714564800,
      user_name: 'x',
      track_metadata: { artist_name: 'Low', track_name: 'B' },
    };
    const files = [
      [listen('Low')],
      `${JSON.stringify(listen('Low'))}\n`,
      `${JSON.stringify(dump)}\r\n${JSON.stringify({ ...dump, timestamp: 1714564801 })}\r\n`,
      { payload: { count: 1, listens: [listen('Low')] } },
    ];
    for (const [i, file] of files.entries()) {
      const result = await imported([file]);
      expect(result.report.format).toBe('listenbrainz');
      expect(playsOf(result)).toEqual({ Low: i === 2 ? 2 : 1 });
    }
  });

  it('skip a broken line and what is playing now, and say where', async () => {
    const lines = [
      listen('Low'),
      listen('Can', { playing_now: true, listened_at: null }),
      listen(7),
      { user: 1 },
    ];
    const result = await imported([
      [...lines.map((line) => JSON.stringify(line)), '{"track_metadata": {"artist_name": "Sw'].join('\n'),
    ]);
    expect(playsOf(result)).toEqual({ Low: 1 });
    expect(skippedOf(result)).toEqual([
      'now-playing: 1 at file-1, 2',
      'no-artist: 1 at file-1, 3',
      'not-a-record: 1 at file-1, 4',
      'malformed: 1 at file-1, 5',
    ]);
  });

  it('are all of the listener where one name is theirs elsewhere, else only those of the same name', async () => {
    expect(playsOf(await imported([[of('rob', 'Low'), of('rob', 'Can')]]))).toEqual({ Low: 1, Can: 1 });
    for (const rows of [
      [of('rob', 'Low'), of('Ada', 'Can'), of('eve', 'Neu!')],
      [of('Ada', 'Can'), of('rob', 'Low'), of('rob', 'Neu!')],
    ]) {
      const result = await imported([rows]);
      expect(playsOf(result)).toEqual({ Can: 1 });
      expect(result.report).toMatchObject({
        rows: 3,
        imported: 1,
        skipped: [{ reason: 'another-listener', count: 2 }],
      });
    }
    await expect(imported([[of('rob', 'Low'), of('eve', 'Can')]])).rejects.toThrow(
      'nothing to import: 2 rows read; skipped 2: is of another listener; a listener needs at least one artist with plays',
    );
  });
});

describe('streams of Spotify', () => {
  it('count from 30 seconds on, without private sessions, podcasts and audiobooks', async () => {
    const podcast = {
      episode_name: 'An Episode',
      episode_show_name: 'A Show',
      master_metadata_track_name: null,
    };
    const result = await imported([
      [
        stream('Low', { ms_played: 30_000 }),
        stream('Low', { ms_played: 29_999 }),
        stream('Can', { incognito_mode: true }),
        stream(null, podcast),
        stream(null, { audiobook_title: 'A Book' }),
        stream(null),
        stream('Low', { ms_played: -1 }),
        stream('Low', { ms_played: '180000' }),
        stream('Low', { ts: '2024-05-02T12:00:00Z', skipped: true }),
      ],
    ]);
    expect(result.report).toMatchObject({ format: 'spotify', rows: 9, imported: 2 });
    expect(playsOf(result)).toEqual({ Low: 2 });
    expect(skippedOf(result)).toEqual([
      'too-short: 1 at file-1, 2',
      'incognito: 1 at file-1, 3',
      'not-music: 2 at file-1, 4',
      'no-artist: 1 at file-1, 6',
      'bad-duration: 2 at file-1, 7',
    ]);
    expect(result.report.span).toEqual({ fromMs: Date.UTC(2024, 4, 1, 12), toMs: Date.UTC(2024, 4, 2, 12) });
  });

  it('are read from the account data, which knows minutes only', async () => {
    const short = { endTime: '2024-05-01 12:00', artistName: 'Low', trackName: 'A', msPlayed: 61_000 };
    const result = await imported([
      [short, { ...short, msPlayed: 60_500 }, short, { ...short, msPlayed: 1000 }],
      [{ endTime: '2024-05-01 12:00', podcastName: 'P', episodeName: 'E', msPlayed: 90_000 }],
    ]);
    expect(playsOf(result)).toEqual({ Low: 2 });
    expect(skippedOf(result)).toEqual([
      'repeated: 1 at file-1, 3',
      'too-short: 1 at file-1, 4',
      'not-music: 1 at file-2, 1',
    ]);
    expect(result.report.span!.fromMs).toBe(Date.UTC(2024, 4, 1, 12));
  });
});

describe('CSV', () => {
  it('is read with and without header, columns in any order, plays of one artist added', async () => {
    for (const text of [
      'ada,"Earth, Wind & Fire",3\r\nada,Low,2\r\nada,Low,5\r\n',
      'user,artist,plays\nada,"Earth, Wind & Fire",3\nada,Low,7',
      '\ufeffPlay Count,Artist Name\n3,"Earth, Wind & Fire"\n7,Low\n',
      'Low,7\n"Earth, Wind & Fire",3\n',
    ]) {
      const result = await imported([text]);
      expect(result.report.format).toBe('csv');
      expect(playsOf(result)).toEqual({ 'Earth, Wind & Fire': 3, Low: 7 });
    }
  });

  it('brings its listeners where none is named, and only the one named where one is', async () => {
    const text = 'user,artist,plays\nada,Low,2\n bob ,Low,5\n,Can,1\n';
    const { listeners, report } = await imported([text], { listener: null });
    expect(listeners.map(({ name, artists }) => [name, artists[0]!.plays])).toEqual([
      ['ada', 2],
      ['bob', 5],
    ]);
    expect(report).toMatchObject({ rows: 3, imported: 2, skipped: [{ reason: 'no-listener', count: 1 }] });
    expect(playsOf(await imported([text], { listener: 'Bob' }))).toEqual({ Low: 5 });
  });

  it('skips rows under their reasons, naming lines', async () => {
    const result = await imported(
      ['a,b,1\nada,Low,7\nada,Low\nada,,3\nada,Low,many\n"ada"x,Low,1\nada,"L\now",0\n'],
      {
        listener: null,
      },
    );
    expect(skippedOf(result)).toEqual([
      'wrong-columns: 1 at file-1, 3',
      'no-artist: 1 at file-1, 4',
      'bad-plays: 1 at file-1, 5',
      'malformed: 1 at file-1, 6',
      'no-plays: 1 at file-1, 7',
    ]);
  });

  it('is refused without columns that can be told apart, and without a listener', async () => {
    await expect(imported(['a;b;1\n'])).rejects.toThrow('file-1 has 1 column separated by commas');
    await expect(imported(['Low,7\n'], { listener: null })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(imported(['<html><body>Not found</body></html>'])).rejects.toMatchObject({
      code: 'INVALID_DATA_SET',
    });
  });
});

describe('importListens', () => {
  it.each<[string, readonly unknown[], object, string]>([
    ['no file', [], {}, 'no file: allowed is listening as lastfm-top-artists'],
    ['an empty file', [''], {}, 'file-1 is empty'],
    ['a file of blanks', [' \n\r\n'], {}, 'file-1 is empty'],
    ['a file of nothing but a byte order mark', ['\ufeff'], {}, 'file-1 is empty'],
    ['an empty list', [[]], {}, 'no row in any file'],
    ['an empty list of a format', [[]], { format: 'spotify' }, 'nothing to import: 0 rows read'],
    ['an empty object', [{}], {}, 'file-1 has 1 record, none of which is listening'],
    [
      'objects of something else',
      [[{ a: 1 }, { b: 2 }]],
      {},
      'file-1 has 2 records, none of which is listening',
    ],
    ['numbers', ['[1,2,3]'], { format: 'spotify' }, 'file-1 has 3 records, none of which is listening'],
    [
      'another format',
      [[stream('Low')]],
      { format: 'listenbrainz' },
      'file-1 is spotify: allowed is listenbrainz',
    ],
    ['two formats', [[stream('Low')], [listen('Low')]], {}, 'file-2 is listenbrainz: allowed is spotify'],
    ['JSON and CSV', [[stream('Low')], 'a,b,1'], {}, 'file-2 is no JSON'],
    [
      'no JSON',
      ['<html>'],
      { format: 'spotify' },
      'file-1 is no JSON: it begins with neither { nor [: allowed is spotify',
    ],
    [
      'a file cut short',
      [JSON.stringify([stream('Low')]).slice(0, -9)],
      {},
      'file-1: ends within record 1: it was cut short',
    ],
    [
      'rows that are all skipped',
      [[stream('Low', { ms_played: 1 })]],
      {},
      'nothing to import: 1 rows read; skipped 1: was played',
    ],
    [
      'too many bytes',
      [[stream('Low')]],
      { limits: { maxBytes: 99 } },
      'file-1: with it the files have more than 99 bytes',
    ],
    ['too many rows', ['a,1\nb,1\nc,1'], { limits: { maxRows: 2 } }, 'file-1: more than 2 rows'],
    [
      'too many artists',
      ['a,1\nb,1\nc,1'],
      { limits: { maxPairs: 2 } },
      'file-1: more than 2 artists of listeners',
    ],
  ])('refuses %s', async (_what, files, options, why) => {
    await expect(imported(files, options)).rejects.toMatchObject({
      code: 'INVALID_DATA_SET',
      message: expect.stringContaining(why),
    });
  });

  it('refuses UTF-16 and binary files, naming what is allowed', async () => {
    for (const bytes of [Uint8Array.of(0xff, 0xfe, 0x7b, 0), Uint8Array.of(0, 1, 2)]) {
      await expect(
        importListens([{ name: 'f', chunks: [bytes] }], {
          format: 'auto',
          listener: 'ada',
          nowMs: NOW_MS,
        }),
      ).rejects.toThrow('allowed is a text in UTF-8');
    }
  });

  it('refuses a listener without a name, and listening without a listener', async () => {
    for (const listener of ['', ' \n', 'x'.repeat(201)]) {
      await expect(imported([[stream('Low')]], { listener })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      });
    }
    await expect(imported([[stream('Low')]], { listener: null })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('spotify has the listening of one listener'),
    });
  });

  it('takes names of prototypes for names, and changes no prototype', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const text = `[${names.map((name, i) => `{"ts":"2024-05-01T12:0${i}:00Z","ms_played":40000,"master_metadata_album_artist_name":"${name}","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`).join(',')}]`;
    const result = await imported([text]);
    expect(result.listeners[0]!.artists.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    expect({}).not.toHaveProperty('polluted');
    // Fields that only a prototype has are none.
    await expect(imported(['[{"__proto__":{"ts":"x","ms_played":40000}}]'])).rejects.toThrow(
      'none of which is listening',
    );
  });

  it('makes one line of a name, and skips one that is no name', async () => {
    const names = ['  Low\t(US)\r\n ', '\u0000\u0007', '', 'x'.repeat(501), 'y'.repeat(1e6), 'Half \ud83d'];
    const result = await imported([names.map((name, i) => stream(name, { ts: `2024-05-01T12:0${i}:00Z` }))]);
    expect(playsOf(result)).toEqual({ 'Low (US)': 1, 'Half \ufffd': 1 });
    expect(skippedOf(result)).toEqual(['no-artist: 2 at file-1, 2', 'name-too-long: 2 at file-1, 4']);
  });

  it('accounts for every row, whatever the rows hold, and never lets anything but whole plays out', async () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('Low', '7', 30_000, -1, 1e308, '2024-05-01T12:00:00Z', true),
    );
    const rows = fc.array(
      fc.dictionary(
        fc.constantFrom(
          'ts',
          'ms_played',
          'master_metadata_album_artist_name',
          'incognito_mode',
          'episode_name',
          'endTime',
          'msPlayed',
          'artistName',
          'artist',
          'name',
          'playcount',
          'date',
          'track_metadata',
          'listened_at',
          '@attr',
          '__proto__',
          'user_name',
        ),
        odd,
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.constantFrom(...IMPORT_FORMATS.filter((name) => name !== 'csv')),
        async (values, format) => {
          const sure = {
            spotify: stream('Sure'),
            listenbrainz: listen('Sure'),
            'lastfm-top-artists': topArtist('Sure', 1),
            'lastfm-recent-tracks': scrobble('Sure', 'A', 1714564800),
          }[format];
          const { listeners, report } = await imported([[sure, ...values]]);
          expect(report.format).toBe(format);
          expect(report.rows).toBe(
            report.imported + report.skipped.reduce((sum, { count }) => sum + count, 0),
          );
          expect(report.rows).toBeGreaterThanOrEqual(values.length + 1);
          for (const { name, plays, lastListenedMs } of listeners[0]!.artists) {
            expect(Number.isSafeInteger(plays) && plays >= 1).toBe(true);
            expect(name.trim()).toBe(name);
            expect(lastListenedMs === null || Number.isFinite(lastListenedMs)).toBe(true);
          }
        },
      ),
    );
  });

  it('answers with listeners or with an EncoreError, however a file is damaged', async () => {
    const good = [
      JSON.stringify([stream('Low'), stream('Can', { ts: '2024-05-02T12:00:00Z' })]),
      JSON.stringify(topPage([topArtist('Low', '7'), topArtist('Can', '3')])),
      `${JSON.stringify(listen('Low'))}\n${JSON.stringify(listen('Can'))}\n`,
      'user,artist,plays\nada,"Low ""x""",7\nada,Can,3\n',
    ].map((text) => new TextEncoder().encode(text));
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
    let nRead = 0;
    let nRefused = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...good), damage, fc.option(fc.nat()), async (bytes, changes, cut) => {
        const damaged = bytes.slice();
        for (const [at, byte] of changes) damaged[at % damaged.length] = byte;
        const file = cut === null ? damaged : damaged.subarray(0, cut % damaged.length);
        const result = await importListens([{ name: 'f', chunks: chunked(file) }], {
          format: 'auto',
          listener: 'ada',
          nowMs: NOW_MS,
        }).catch((error: unknown) => error);
        if (isEncoreError(result)) {
          if (/^INVALID_(?:DATA_SET|OPTION)$/u.test(result.code)) nRefused++;
          return;
        }
        if (result instanceof Error) throw result;
        nRead++;
      }),
      {
        numRuns: 300,
        examples: [
          [good[0]!, [], null],
          [good[0]!, [], 40],
        ],
      },
    );
    expect(nRead + nRefused).toBe(300);
    expect(Math.min(nRead, nRefused)).toBeGreaterThan(0);
  });

  it('counts like a plain loop, in any order of rows', async () => {
    const plays = fc.array(
      fc.tuple(fc.constantFrom('Low', 'Can', 'Neu!', '__proto__'), fc.integer({ min: 1, max: 1000 })),
      { minLength: 1 },
    );
    await fc.assert(
      fc.asyncProperty(plays, async (rows) => {
        const expected = new Map<string, number>();
        for (const [name, count] of rows) expected.set(name, (expected.get(name) ?? 0) + count);
        const text = (of: typeof rows): string => of.map((row) => row.join(',')).join('\n');
        const result = await imported([text(rows)]);
        expect(new Map(result.listeners[0]!.artists.map((a) => [a.name, a.plays]))).toEqual(expected);
        expect(await imported([text(rows.toReversed())])).toMatchObject({ listeners: result.listeners });
      }),
    );
  });

  it('keeps nothing of a row but artist, plays and time', async () => {
    const sentinel = 'SENTINEL';
    const secrets = Object.fromEntries(
      [
        'username',
        'user',
        'platform',
        'conn_country',
        'ip_addr',
        'ip_addr_decrypted',
        'user_agent_decrypted',
        'city',
        'region',
        'device',
        'url',
        'mbid',
        'spotify_track_uri',
        'user_name',
        'master_metadata_track_name',
        'trackName',
        'playcount_by',
        'recording_msid',
        'album',
        'name_of_user',
      ].map((name) => [name, `${sentinel}-${name}`]),
    );
    const files: readonly unknown[][] = [
      [[stream('Low', secrets), stream('Low', { ...secrets, ms_played: sentinel })]],
      [[listen('Low', secrets), { ...secrets, x: sentinel }]],
      [
        {
          topartists: {
            artist: [
              { ...secrets, name: 'Low', playcount: '3' },
              { ...secrets, name: 'Low', playcount: sentinel },
            ],
            '@attr': secrets,
          },
        },
      ],
      [
        {
          recenttracks: {
            track: [{ ...scrobble('Low', sentinel, 1714564800), ...secrets }],
            '@attr': secrets,
          },
        },
      ],
      [`${sentinel},artist,plays\n${sentinel},Low,3\n`],
    ];
    for (const file of files) {
      const result = await imported(file);
      expect(result.report.imported).toBeGreaterThan(0);
      expect(JSON.stringify(result)).not.toContain(sentinel);
      expect(formatImportReport(result.report)).not.toContain(sentinel);
    }
    // JSON.parse quotes what it cannot read; a refusal must not.
    for (const broken of [
      `[{"ip_addr":"${sentinel}" oops}]`,
      `[{"ip_addr":"${sentinel}`,
      `{"ip_addr":"${sentinel}"}`,
    ]) {
      const error: unknown = await imported([broken]).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(Error);
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(sentinel);
    }
  });
});

describe('formatImportReport', () => {
  it('says what was read, what was skipped and why, and the span of time', async () => {
    const { report } = await imported([
      [
        stream('Low'),
        stream('Low', { ms_played: 5 }),
        stream('Can', { ms_played: 5 }),
        stream('Can', { ts: '1970-01-01T00:00:00Z' }),
      ],
    ]);
    expect(formatImportReport(report)).toBe(
      [
        'spotify: 4 rows read from 1 file, 2 imported',
        '  skipped 2: was played for less than 30 seconds (first file-1, record 2)',
        '  listened from 2024-05-01 to 2024-05-01',
        '  1 of the imported rows have no usable time',
      ].join('\n'),
    );
  });
});
