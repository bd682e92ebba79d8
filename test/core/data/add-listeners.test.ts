import { describe, expect, it } from 'vitest';
import { addListeners, type ExtendedDataset } from '../../../layers/core/src/data/add-listeners.ts';
import type { IdMapRow } from '../../../layers/core/src/data/id-map.ts';
import { readTiny, tinyFiles } from '../tiny.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** Two artists named Low, of whom 30 has more listeners; a tagger 99 and a friend 120 without plays. */
const FILES = {
  'artists.dat': encode(
    'id\tname\turl\tpictureURL\n10\tLow\t\t\n20\tSigur R\u00f3s\thttps://example.org\t\n30\tLOW\t\t\n',
  ),
  'user_artists.dat': encode('userID\tartistID\tweight\n1\t10\t900\n1\t30\t1\n2\t30\t5\n2\t20\t6\n'),
  'tags.dat': Uint8Array.of(...encode('tagID\ttagValue\n1\t'), 0xe9, 0x0a),
  'user_taggedartists-timestamps.dat': encode(
    'userID\tartistID\ttagID\ttimestamp\n99\t20\t1\t1239667200000\n99\t77\t1\t1239667200000\n',
  ),
  'user_friends.dat': encode('userID\tfriendID\n1\t120\n'),
};

async function added(
  listeners: Readonly<Record<string, Readonly<Record<string, number>>>>,
  files: Readonly<Record<string, Uint8Array>> = FILES,
  idMap: readonly IdMapRow[] = [],
): Promise<ExtendedDataset> {
  const dataset = await readTiny(files);
  const given = Object.entries(listeners).map(([name, plays]) => ({
    name,
    artists: Object.entries(plays).map(([artist, n]) => ({ name: artist, plays: n, lastListenedMs: null })),
  }));
  return addListeners(files, dataset, given, idMap);
}

describe('addListeners', () => {
  it('appends plays and unknown artists under new ids, above those of taggers, friends and tagged artists too', async () => {
    const { files, idMap, listeners, addedArtists } = await added({
      ada: { 'sigur ros': 12, 'Bj\u00f6rk': 3, BJORK: 2 },
    });
    expect(decode(files['user_artists.dat'])).toBe(
      `${decode(FILES['user_artists.dat'])}121\t20\t12\n121\t78\t5\n`,
    );
    expect(decode(files['artists.dat'])).toBe(`${decode(FILES['artists.dat'])}78\tBj\u00f6rk\t\t\n`);
    expect(idMap).toEqual([
      { kind: 'listener', name: 'ada', id: '121' },
      { kind: 'artist', name: 'Bj\u00f6rk', id: '78' },
    ]);
    expect(addedArtists).toEqual([idMap[1]]);
    expect(listeners).toEqual([
      { name: 'ada', id: '121', isReplaced: false, artists: 2, added: 1, plays: 17 },
    ]);
  });

  it('keeps the other files as they are, byte by byte, and gives a data set that can be read', async () => {
    const { files } = await added({ ada: { Low: 1 } });
    for (const name of ['tags.dat', 'user_taggedartists-timestamps.dat', 'user_friends.dat'] as const) {
      expect(files[name]).toEqual(FILES[name]);
    }
    const dataset = await readTiny(files);
    expect(dataset.users.size).toBe(3);
    expect(dataset.users.indexOf('121')).toBeDefined();
  });

  it('takes the artist with most listeners of several that have a name, not the one with most plays, and says so', async () => {
    const { files, ambiguous } = await added({ ada: { 'l\u00f3w': 4 } });
    expect(decode(files['user_artists.dat'])).toContain('121\t30\t4\n');
    expect(ambiguous).toEqual([{ name: 'l\u00f3w', id: '30', choices: 2 }]);
  });

  it('gives a listener of an earlier import the same id, and replaces the plays', async () => {
    const first = await added({ ada: { Low: 4, Faust: 2 }, bob: { Low: 7 } });
    const second = await added({ ada: { Faust: 9 }, eve: { Low: 1 } }, first.files, first.idMap);
    const rows = decode(second.files['user_artists.dat']).trimEnd().split('\n');
    expect(rows.filter((row) => row.startsWith('121\t'))).toEqual(['121\t78\t9']);
    expect(rows.filter((row) => row.startsWith('122\t'))).toEqual(['122\t30\t7']);
    expect(rows.filter((row) => row.startsWith('123\t'))).toEqual(['123\t30\t1']);
    expect(second.listeners.map(({ isReplaced }) => isReplaced)).toEqual([true, false]);
    expect(second.addedArtists).toEqual([]);
    expect(second.idMap).toEqual([...first.idMap, { kind: 'listener', name: 'eve', id: '123' }]);
  });

  it('gives nobody an id that the map knows, though the files have lost it', async () => {
    const idMap: readonly IdMapRow[] = [
      { kind: 'listener', name: 'gone', id: '500' },
      { kind: 'artist', name: 'Gone', id: '600' },
    ];
    const { listeners, addedArtists } = await added({ ada: { Neu: 1 } }, FILES, idMap);
    expect(listeners[0]!.id).toBe('501');
    expect(addedArtists[0]!.id).toBe('601');
  });

  it('writes the line ends that a file has, with a header and without', async () => {
    const crlf = Object.fromEntries(
      Object.entries(FILES).map(([name, bytes]) => [
        name,
        name === 'tags.dat' ? bytes : encode(decode(bytes).split('\n').slice(1).join('\r\n')),
      ]),
    );
    const { files } = await added({ ada: { Neu: 1 } }, crlf);
    expect(decode(files['user_artists.dat']).endsWith('\r\n121\t78\t1\r\n')).toBe(true);
    expect(decode(files['artists.dat']).endsWith('\r\n78\tNeu\t\t\r\n')).toBe(true);
    expect((await readTiny(files)).users.size).toBe(3);
  });

  it('takes names of prototypes for names', async () => {
    const { files, idMap } = await added({
      constructor: Object.fromEntries([
        ['__proto__', 3],
        ['toString', 1],
      ]),
    });
    expect(idMap.map(({ name }) => name)).toEqual(['constructor', '__proto__', 'toString']);
    expect(decode(files['artists.dat'])).toContain('\n78\t__proto__\t\t\n79\ttoString\t\t\n');
  });

  it('refuses where no id is left', async () => {
    const idMap: readonly IdMapRow[] = [{ kind: 'listener', name: 'x', id: String(Number.MAX_SAFE_INTEGER) }];
    await expect(added({ ada: { Low: 1 } }, FILES, idMap)).rejects.toMatchObject({
      code: 'INVALID_DATA_SET',
    });
  });

  it('changes nothing for anybody in a larger data set', async () => {
    const files = tinyFiles();
    const before = await readTiny(files);
    const { files: after } = await added({ ada: { [before.artistNames[0]!]: 4 } }, files);
    expect(decode(after['user_artists.dat']).startsWith(decode(files['user_artists.dat']))).toBe(true);
    expect(after['artists.dat']).toEqual(files['artists.dat']);
  });
});
