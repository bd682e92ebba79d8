import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { importCommand } from '../../bin/commands/import.ts';
import { validateCommand } from '../../bin/commands/validate.ts';
import { decodeRecommendationsCsv } from '../../layers/core/src/artifact/recommendations-csv.ts';
import { parseIdMap } from '../../layers/core/src/data/id-map.ts';
import { loadSample, SAMPLE_DIR } from '../core/sample.ts';
import { storedZip } from '../local/stored-zip.ts';
import { encore, endOfEncore } from './encore.ts';

const SENTINEL = 'SENTINEL-of-a-person';

let folder: string;
/** Said by each import, in order. */
let said: readonly string[];
/** The data set that the last import wrote. */
let last: string;

/** Runs a command in this process, which starts faster: what it writes, or its rejection. */
async function run(command: Command, ...args: readonly string[]): Promise<string> {
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    await command
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .parseAsync(args, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return out;
}

const at = (...names: readonly string[]): string => join(folder, ...names);

/** The files that listeners give, by format: each of the same five artists of the sample, and one that it lacks. */
function exportsOf(names: readonly string[]): readonly (readonly [string, string, string | Uint8Array])[] {
  const heard = [...names, 'Nobody In The Sample'];
  const secrets = {
    username: SENTINEL,
    ip_addr: SENTINEL,
    conn_country: SENTINEL,
    platform: SENTINEL,
    user: SENTINEL,
  };
  const top = {
    topartists: {
      artist: heard.map((name) => ({ name, playcount: '40', mbid: SENTINEL })),
      '@attr': secrets,
    },
  };
  const recent = heard.map((name, i) => ({
    artist: { '#text': name.toUpperCase() },
    name: SENTINEL,
    date: { uts: String(1714564800 + i) },
  }));
  const listens = heard.map((artist_name, i) => ({
    listened_at: 1714564800 + i,
    user_name: SENTINEL,
    track_metadata: { artist_name, track_name: SENTINEL },
  }));
  const streams = heard.map((name) => ({
    ...secrets,
    ts: '2024-05-01T12:00:00Z',
    ms_played: 40_000,
    master_metadata_album_artist_name: name,
    master_metadata_track_name: SENTINEL,
  }));
  return [
    ['lastfm-top-artists', 'top.json', JSON.stringify(top)],
    [
      'lastfm-recent-tracks',
      'recent.json',
      JSON.stringify({ recenttracks: { track: recent, '@attr': secrets } }),
    ],
    [
      'listenbrainz',
      'export.zip',
      storedZip({
        'listens/2024/5.jsonl': listens.map((l) => JSON.stringify(l)).join('\n'),
        'user.json': SENTINEL,
      }),
    ],
    ['spotify', 'Streaming_History_Audio_2024_0.json.gz', gzipSync(JSON.stringify(streams))],
    [
      'csv',
      'plays.csv',
      `user,artist,plays\r\n${heard.map((name) => `"Zoë, of CSV","${name}",9\r\n`).join('')}`,
    ],
  ];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encore-import-'));
  const sample = await loadSample();
  const count = new Int32Array(sample.artists.size);
  for (const artist of sample.plays.indices) count[artist]!++;
  const names = [...count.keys()]
    .toSorted((a, b) => count[b]! - count[a]!)
    .slice(0, 5)
    .map((a) => sample.artistNames[a]!);
  const outputs: string[] = [];
  last = SAMPLE_DIR;
  for (const [format, file, content] of exportsOf(names)) {
    await writeFile(at(file), content);
    const user = format === 'csv' ? [] : ['--user', `listener of ${format}`];
    outputs.push(
      await run(importCommand(), at(file), '--format', format, '--into', last, ...user, '--out', at(format)),
    );
    last = at(format);
  }
  said = outputs;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('encore import', () => {
  it('says what it read, matched and added', () => {
    expect(said[0]).toBe(
      [
        'lastfm-top-artists: 6 rows read from 1 file, 6 imported',
        'listener 379, listener of lastfm-top-artists: 240 plays of 6 artists, 5 in the catalogue and 1 new',
        '1 artist added, without tags',
        `${at('lastfm-top-artists')}\n`,
      ].join('\n'),
    );
    // The artist that the first import added is known to all that follow.
    for (const [i, text] of said.slice(1).entries()) {
      expect(text).toContain(`listener ${380 + i}, `);
      expect(text).toContain('of 6 artists, 6 in the catalogue and 0 new');
    }
  });

  it('adds up: all listeners and the one artist are in the last data set, and validate takes it', async () => {
    expect((await readdir(last)).toSorted()).toEqual([
      'artists.dat',
      'id-map.csv',
      'tags.dat',
      'user_artists.dat',
      'user_friends.dat',
      'user_taggedartists-timestamps.dat',
      'user_taggedartists.dat',
    ]);
    const rows = await parseIdMap(await readFile(join(last, 'id-map.csv')));
    expect(rows.map(({ kind, name, id }) => `${kind} ${id} ${name}`)).toEqual([
      'listener 379 listener of lastfm-top-artists',
      'listener 380 listener of lastfm-recent-tracks',
      'listener 381 listener of listenbrainz',
      'listener 382 listener of spotify',
      'listener 383 Zoë, of CSV',
      'artist 1828 Nobody In The Sample',
    ]);
    expect(await run(validateCommand(), '--data', last)).toContain('305 users, 1,501 artists');
  });

  it('writes nothing of a person but the name that was given', async () => {
    for (const format of ['lastfm-top-artists', 'lastfm-recent-tracks', 'listenbrainz', 'spotify', 'csv']) {
      for (const name of await readdir(at(format))) {
        expect(await readFile(at(format, name), 'latin1')).not.toContain(SENTINEL);
      }
    }
    expect(said.join('')).not.toContain(SENTINEL);
  });

  it('leads to a personal list for each of them', async () => {
    await encore('train', '--data', last, '--preset', 'seed', '--out', at('model'));
    const lists = Map.groupBy(
      decodeRecommendationsCsv(await readFile(at('model', 'recommendations.csv'))),
      ({ userId }) => userId,
    );
    for (const id of ['379', '380', '381', '382', '383']) expect(lists.get(id)).toHaveLength(20);
    const list = await encore('recommend', '--user', '383', '--out', at('model'), '--n', '5');
    expect(list).toMatch(/^listener 383, model /);
    expect(list.trimEnd().split('\n')).toHaveLength(6);
  });

  it('keeps the id of a listener who is imported again, and replaces the plays', async () => {
    await writeFile(at('again.csv'), 'Nobody In The Sample,3\n');
    const out = at('again');
    // An empty folder may be there.
    await mkdir(out);
    const text = await encore(
      'import',
      at('again.csv'),
      '--into',
      last,
      '--user',
      'listener of spotify',
      '--out',
      out,
    );
    expect(text).toContain(
      'listener 382, listener of spotify, whose earlier plays are replaced: 3 plays of 1 artist, 1 in',
    );
    const rows = (await readFile(join(out, 'user_artists.dat'), 'utf8')).split('\n');
    expect(rows.filter((row) => row.startsWith('382\t'))).toEqual(['382\t1828\t3']);
    expect(await readFile(join(out, 'id-map.csv'), 'utf8')).toBe(
      await readFile(join(last, 'id-map.csv'), 'utf8'),
    );
  });

  it('refuses what it cannot take, and leaves nothing behind', async () => {
    const before = (await readdir(folder)).toSorted();
    const plays = at('plays.csv');
    const into = ['--into', SAMPLE_DIR, '--out', at('none')];
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['absent.json is missing', [at('absent.json'), ...into, '--user', 'ada']],
      ['a name for them is needed (--user)', [at('top.json'), ...into]],
      [
        'is missing: expected a folder with the HetRec files',
        [plays, '--into', at('absent'), '--out', at('none')],
      ],
      ['Allowed choices are auto, lastfm-top-artists', [plays, ...into, '--format', 'tape']],
      ["missing required argument 'file'", into],
    ];
    for (const [why, args] of cases) await expect(run(importCommand(), ...args)).rejects.toThrow(why);
    expect((await readdir(folder)).toSorted()).toEqual(before);
  });

  it('ends with 1 for data and with 2 for usage', async () => {
    const into = ['--into', SAMPLE_DIR, '--user', 'ada', '--out'];
    const [data, usage] = await Promise.all([
      endOfEncore(['import', at('top.json'), '--format', 'spotify', ...into, at('none')]),
      endOfEncore(['import', at('top.json'), ...into, at('csv')]),
    ]);
    expect(data).toEqual({
      code: 1,
      out: '',
      err: 'error: top.json is lastfm-top-artists: allowed is spotify (INVALID_DATA_SET)\n',
    });
    expect(usage.code).toBe(2);
    expect(usage.err).toContain('has 7 files in it: allowed is a folder that is missing or empty');
  });
});
