import { describe, expect, it } from 'vitest';
import { HETREC_FILES } from '../../../layers/core/src/data/hetrec.ts';
import { split811, splitHoldout } from '../../../layers/core/src/data/split.ts';
import { splitFiles, type SplitFiles } from '../../../layers/core/src/data/split-files.ts';
import type { Csr } from '../../../layers/core/src/math/csr.ts';
import { readTiny, tinyFiles } from '../tiny.ts';

// Bytes of no UTF-8, CRLF and superfluous zeros: none of it may get lost.
const files: Record<string, Uint8Array> = {
  ...tinyFiles(),
  [HETREC_FILES.tags]: latin1(`${text(tinyFiles()[HETREC_FILES.tags]!)}999\tpost-\xe9\xff\r\n`),
};
files[HETREC_FILES.plays] = latin1(
  text(files[HETREC_FILES.plays]!)
    .replace('\n', '\r\n')
    .replace(/\n(\d)/, '\n00$1'),
);
const dataset = await readTiny(files);
const { users, artists } = dataset;
const { train, test } = splitHoldout(dataset, { seed: 3 });
const parts = { train: train.plays, test, masked: null };

function latin1(content: string): Uint8Array {
  return Buffer.from(content, 'latin1');
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function rows(bytes: Uint8Array): readonly (readonly string[])[] {
  return text(bytes)
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.split('\t'));
}

function pairs(matrix: Csr): readonly string[] {
  return Array.from({ length: matrix.nRows }, (_, u) =>
    Array.from(
      matrix.indices.subarray(matrix.indptr[u], matrix.indptr[u + 1]),
      (artist, e) => `${users.ids[u]} ${artists.ids[artist]} ${matrix.values[matrix.indptr[u]! + e]}`,
    ),
  )
    .flat()
    .toSorted();
}

function listed(bytes: Uint8Array): readonly string[] {
  return rows(bytes)
    .slice(1)
    .map(([user, artist, weight]) => `${user} ${artist} ${weight}`)
    .toSorted();
}

/** What an artist or tag is called by everything but its id. */
function names(split: SplitFiles, file: string): ReadonlyMap<string, string> {
  return new Map(rows(split.train[file]!).map(([id, ...rest]) => [id!, rest.join(' ')]));
}

/** Rows by names; listeners, who have none, by what they play. */
function content(split: SplitFiles): Readonly<Record<string, readonly string[]>> {
  const artistNames = names(split, HETREC_FILES.artists);
  const tagNames = names(split, HETREC_FILES.tags);
  const plays = Map.groupBy(rows(split.train[HETREC_FILES.plays]!).slice(1), ([user]) =>
    String(Number(user)),
  );
  const listener = (id: string): string =>
    (plays.get(String(Number(id))) ?? [])
      .map(([, artist, weight]) => `${artistNames.get(artist!)} ${weight}`)
      .toSorted()
      .join(',');
  const tagging = (file: string): readonly string[] =>
    rows(split.train[file]!)
      .slice(1)
      .map(
        ([user, artist, tag, ...time]) =>
          `${listener(user!)} ${artistNames.get(artist!)} ${tagNames.get(tag!)} ${time.join(' ')}`,
      )
      .toSorted();
  return {
    artists: [...artistNames.values()].toSorted(),
    tags: [...tagNames.values()].toSorted(),
    listeners: [...plays.keys()].map(listener).toSorted(),
    times: tagging(HETREC_FILES.taggedTimes),
    dates: tagging(HETREC_FILES.taggedDates),
    friends: rows(split.train[HETREC_FILES.friends]!)
      .slice(1)
      .map(([a, b]) => `${listener(a!)} | ${listener(b!)}`)
      .toSorted(),
    test: rows(split.test)
      .slice(1)
      .map(([user, artist, weight]) => `${listener(user!)} ${artistNames.get(artist!)} ${weight}`)
      .toSorted(),
  };
}

describe('splitFiles', () => {
  it('is read back as the training part itself', async () => {
    const read = await readTiny(splitFiles(files, dataset, parts, { permute: null }).train);
    expect(read.users.ids).toEqual(users.ids);
    expect(read.artists.ids).toEqual(artists.ids);
    for (const name of ['plays', 'tagAssignments', 'friends', 'tagNames', 'artistNames'] as const) {
      expect(read[name]).toEqual(train[name]);
    }
    expect(read.tagAssignments!.user.length).toBeLessThan(dataset.tagAssignments!.user.length);
  });

  it('takes rows away and leaves every other byte, and lists what it took', () => {
    const split = splitFiles(files, dataset, parts, { permute: null });
    for (const name of [HETREC_FILES.artists, HETREC_FILES.tags, HETREC_FILES.friends]) {
      expect(split.train[name]).toEqual(new Uint8Array(files[name]!));
    }
    for (const name of [HETREC_FILES.plays, HETREC_FILES.taggedTimes, HETREC_FILES.taggedDates]) {
      const before = text(files[name]!).split('\n');
      const after = text(split.train[name]!).split('\n');
      const left = new Set(after);
      expect(before.filter((row) => left.has(row))).toEqual(after);
      expect(after.length).toBeLessThan(before.length);
    }
    expect(text(split.train[HETREC_FILES.plays]!)).toMatch(/^userID\tartistID\tweight\r\n00\d/);
    expect(listed(split.test)).toEqual(pairs(test));
    expect(split.masked).toBeNull();
  });

  it('keeps masked pairs and their tags from training, and lists them apart', async () => {
    const { train: part, valid, test: last } = split811(dataset, { seed: 3 });
    const split = splitFiles(
      files,
      dataset,
      { train: part.plays, test: last, masked: valid },
      { permute: null },
    );
    const read = await readTiny(split.train);
    expect(read.plays).toEqual(part.plays);
    expect(read.tagAssignments).toEqual(part.tagAssignments);
    expect(listed(split.masked!)).toEqual(pairs(valid));
    expect(listed(split.test)).toEqual(pairs(last));
  });

  it('refuses plays that the data set does not have: they are of another one', () => {
    const other = {
      ...train.plays,
      values: train.plays.values.map((value, e) => (e === 5 ? value + 1 : value)),
    };
    expect(() => splitFiles(files, dataset, { ...parts, train: other }, { permute: null })).toThrow(
      expect.objectContaining({
        code: 'INVALID_DATA_SET',
        message: expect.stringContaining('user_artists.dat'),
      }),
    );
  });
});

describe('splitFiles, permuted', () => {
  const plain = splitFiles(files, dataset, parts, { permute: null });
  const permuted = splitFiles(files, dataset, parts, { permute: 9 });

  it('says the same of everybody under other ids, in all files alike', () => {
    expect(content(permuted)).toEqual(content(plain));
  });

  it('gives the ids of others and another order of rows, by the seed alone', () => {
    for (const file of [HETREC_FILES.artists, HETREC_FILES.tags]) {
      const [was, is] = [names(plain, file), names(permuted, file)];
      expect([...is.keys()].toSorted()).toEqual([...was.keys()].toSorted());
      expect([...is.keys()]).not.toEqual([...was.keys()]);
      const same = [...is].filter(([id, name]) => was.get(id) === name).length;
      // One in expectation.
      expect(same).toBeLessThan(8);
    }
    expect(splitFiles(files, dataset, parts, { permute: 9 })).toEqual(permuted);
    expect(splitFiles(files, dataset, parts, { permute: 10 })).not.toEqual(permuted);
  });

  it('keeps the headers in front', () => {
    for (const [name, bytes] of Object.entries(permuted.train)) {
      expect(rows(bytes)[0]).toEqual(rows(files[name]!)[0]);
    }
  });
});
