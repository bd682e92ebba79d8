import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { openInMemory, readDataset } from '../../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../../layers/core/src/data/report.ts';
import {
  assignFolds,
  datasetWithPlays,
  split811,
  splitFromPlays,
  splitHoldout,
  withoutPairs,
} from '../../../layers/core/src/data/split.ts';
import { generateSample } from '../../../layers/core/src/data/synthetic.ts';
import { vocabularyInOrder } from '../../../layers/core/src/data/vocabulary.ts';
import { csrFromCoordinates, rowLength, type Csr } from '../../../layers/core/src/math/csr.ts';
import { NOW_MS } from './hetrec-files.ts';

let sample: Dataset;

beforeAll(async () => {
  const { files } = generateSample({ seed: 1, nUsers: 120, nArtists: 400 });
  sample = assertValid(await readDataset(openInMemory(files), { nowMs: NOW_MS }));
});

function numbered(prefix: string, n: number): string[] {
  return Array.from({ length: n }, (_, i) => `${prefix}${i}`);
}

/** A user for each length given, listening to the first so many artists. */
function listeners(lengths: readonly number[]): Dataset {
  const rows = lengths.flatMap((n, u) => Array.from({ length: n }, () => u));
  const cols = lengths.flatMap((n) => Array.from({ length: n }, (_, a) => a));
  const nArtists = Math.max(1, ...lengths);
  const values = Float64Array.from(rows, (_, i) => i + 1);
  return {
    users: vocabularyInOrder(numbered('u', lengths.length)),
    artists: vocabularyInOrder(numbered('a', nArtists)),
    tags: vocabularyInOrder([]),
    artistNames: numbered('name', nArtists),
    artistUrls: numbered('url', nArtists),
    tagNames: [],
    plays: csrFromCoordinates(lengths.length, nArtists, Int32Array.from(rows), Int32Array.from(cols), values),
    tagAssignments: null,
    friends: null,
  };
}

/** `user artist plays` of each entry, in external ids. */
function entries(dataset: Dataset, plays: Csr): string[] {
  const out: string[] = [];
  for (let u = 0; u < plays.nRows; u++) {
    for (let e = plays.indptr[u]!; e < plays.indptr[u + 1]!; e++) {
      out.push(`${dataset.users.ids[u]} ${dataset.artists.ids[plays.indices[e]!]} ${plays.values[e]}`);
    }
  }
  return out.toSorted();
}

/** `user artist` of each tag assignment by a user. */
function taggedPairs(dataset: Dataset): string[] {
  const { user, artist } = dataset.tagAssignments!;
  return Array.from(user, (u, i) => `${dataset.users.ids[u]} ${dataset.artists.ids[artist[i]!]}`);
}

function lengthsOf(plays: Csr): number[] {
  return Array.from({ length: plays.nRows }, (_, u) => rowLength(plays, u));
}

/** The same data set, indices dealt anew: users and artists in reverse. */
function reversed(dataset: Dataset): Dataset {
  const nUsers = dataset.users.size;
  const nArtists = dataset.artists.size;
  const rows: number[] = [];
  for (let u = 0; u < nUsers; u++) rows.push(...Array.from({ length: rowLength(dataset.plays, u) }, () => u));
  return {
    ...dataset,
    users: vocabularyInOrder(dataset.users.ids.toReversed()),
    artists: vocabularyInOrder(dataset.artists.ids.toReversed()),
    plays: csrFromCoordinates(
      nUsers,
      nArtists,
      Int32Array.from(rows, (u) => nUsers - 1 - u),
      dataset.plays.indices.map((a) => nArtists - 1 - a),
      dataset.plays.values,
    ),
    tagAssignments: null,
    friends: null,
  };
}

describe('splitHoldout', () => {
  it('holds out a fifth, rounded to nearest, at least one, of users with five artists', () => {
    const { test } = splitHoldout(listeners([1, 4, 5, 7, 8, 12, 13, 50]), { seed: 3 });
    expect(lengthsOf(test)).toEqual([0, 0, 1, 1, 2, 2, 3, 10]);
  });

  it('takes other fractions and thresholds, but never all artists of a user', () => {
    const { test } = splitHoldout(listeners([1, 2, 3, 10]), { seed: 3, fraction: 0.95, minArtists: 2 });
    expect(lengthsOf(test)).toEqual([0, 1, 2, 9]);
  });

  it('parts the plays: nothing lost, nothing twice', () => {
    const { train, test } = splitHoldout(sample, { seed: 3 });
    const both = [...entries(sample, train.plays), ...entries(sample, test)].toSorted();
    expect(both).toEqual(entries(sample, sample.plays));
  });

  it('drops the tags of held-out pairs and no others', () => {
    const { train, test } = splitHoldout(sample, { seed: 3 });
    const heldOut = new Set(entries(sample, test).map((entry) => entry.split(' ').slice(0, 2).join(' ')));
    const before = taggedPairs(sample);
    expect(before.some((pair) => heldOut.has(pair))).toBe(true);
    expect(taggedPairs(train)).toEqual(before.filter((pair) => !heldOut.has(pair)));
  });

  it('keeps every vocabulary and the friends', () => {
    const { train } = splitHoldout(sample, { seed: 3 });
    expect(train).toEqual({ ...sample, plays: train.plays, tagAssignments: train.tagAssignments });
  });

  it('depends on ids, not on indices', () => {
    const { test } = splitHoldout(sample, { seed: 3 });
    const other = reversed(sample);
    expect(entries(other, splitHoldout(other, { seed: 3 }).test)).toEqual(entries(sample, test));
  });

  it('holds out other pairs for another seed, each with the chance that the fraction says', () => {
    const many = listeners(Array.from({ length: 400 }, () => 20));
    const counts = new Float64Array(20);
    for (let seed = 0; seed < 10; seed++) {
      for (const artist of splitHoldout(many, { seed }).test.indices) counts[artist]!++;
    }
    // 4,000 draws each with chance 0.2: mean 800, deviation 25.3; five deviations.
    for (const count of counts) expect(Math.abs(count - 800)).toBeLessThan(127);
  });

  it.each([{ fraction: 0 }, { fraction: 1 }, { fraction: Number.NaN }, { minArtists: 1 }])(
    'refuses %j',
    (options) => {
      const split = () => splitHoldout(sample, { seed: 1, ...options });
      expect(split).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    },
  );
});

describe('split811', () => {
  it('deals the counts of RecBole', () => {
    // Of its `_calcu_split_ids(n, [0.8, 0.1, 0.1])`.
    const { train, valid, test } = split811(listeners([1, 2, 3, 9, 10, 19, 20, 29, 50]), { seed: 3 });
    expect(lengthsOf(train.plays)).toEqual([1, 1, 1, 7, 8, 17, 16, 25, 40]);
    expect(lengthsOf(valid)).toEqual([0, 0, 1, 1, 1, 1, 2, 2, 5]);
    expect(lengthsOf(test)).toEqual([0, 1, 1, 1, 1, 1, 2, 2, 5]);
  });

  it('parts the plays, and leaves train no tags of either held-out part', () => {
    const { train, valid, test } = split811(sample, { seed: 3 });
    const parts = [train.plays, valid, test].flatMap((plays) => entries(sample, plays));
    expect(parts.toSorted()).toEqual(entries(sample, sample.plays));
    const heldOut = new Set(
      [...entries(sample, valid), ...entries(sample, test)].map((e) => e.split(' ').slice(0, 2).join(' ')),
    );
    expect(taggedPairs(train)).toEqual(taggedPairs(sample).filter((pair) => !heldOut.has(pair)));
  });
});

describe('splitFromPlays', () => {
  it('takes the plays of train as they are, without the tags of test', () => {
    const { train, test } = splitHoldout(sample, { seed: 3 });
    const split = splitFromPlays(sample, train.plays, test);
    expect(split).toEqual({ train, test });
  });

  it('refuses a pair in both parts, and names it', () => {
    const dataset = listeners([2, 3]);
    const pair = csrFromCoordinates(2, 3, Int32Array.of(1), Int32Array.of(2), Float64Array.of(9));
    expect(() => splitFromPlays(dataset, dataset.plays, pair)).toThrow(
      expect.objectContaining({
        code: 'INVALID_DATA_SET',
        message: 'user u1 and artist a2 are in both train and test',
      }),
    );
  });
});

describe('withoutPairs', () => {
  it('leaves the tags of taggers without plays alone', () => {
    const dataset: Dataset = {
      ...listeners([2, 2]),
      tags: vocabularyInOrder(['t']),
      tagNames: ['t'],
      tagAssignments: {
        user: Int32Array.of(-1, 0, 1),
        artist: Int32Array.of(0, 0, 0),
        tag: Int32Array.of(0, 0, 0),
        time: Float64Array.of(1, 2, Number.NaN),
      },
    };
    const heldOut = csrFromCoordinates(2, 2, Int32Array.of(0), Int32Array.of(0), Float64Array.of(1));
    const rest = withoutPairs(dataset, heldOut);
    expect(rest.tagAssignments).toEqual({
      user: Int32Array.of(-1, 1),
      artist: Int32Array.of(0, 0),
      tag: Int32Array.of(0, 0),
      time: Float64Array.of(1, Number.NaN),
    });
    expect(entries(rest, rest.plays)).toEqual(['u0 a1 2', 'u1 a0 3', 'u1 a1 4']);
  });

  it.each([withoutPairs, datasetWithPlays])('refuses plays of another shape in %o', (take) => {
    expect(() => take(listeners([2, 2]), listeners([2]).plays)).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });
});

function folds(dataset: Dataset, nFolds: number, seed: number): Uint8Array {
  const ids = { userIds: dataset.users.ids, artistIds: dataset.artists.ids };
  return assignFolds(dataset.plays, ids, nFolds, seed);
}

/** `user artist fold` of each entry. */
function namedFolds(dataset: Dataset, seed: number): string[] {
  const dealt = Float64Array.from(folds(dataset, 5, seed));
  return entries(dataset, { ...dataset.plays, values: dealt });
}

describe('assignFolds', () => {
  it('deals every user evenly', () => {
    const lengths = fc.array(fc.nat(30), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 7 }), fc.nat(), (rows, nFolds, seed) => {
        const dataset = listeners(rows);
        const dealt = folds(dataset, nFolds, seed);
        for (let u = 0; u < rows.length; u++) {
          const counts = Array.from({ length: nFolds }, () => 0);
          for (let e = dataset.plays.indptr[u]!; e < dataset.plays.indptr[u + 1]!; e++) counts[dealt[e]!]!++;
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('does not favour a fold where users have fewer artists than there are folds', () => {
    const dealt = folds(listeners(Array.from({ length: 3000 }, () => 1)), 3, 5);
    for (const fold of [0, 1, 2]) {
      // 3,000 draws with chance 1/3: mean 1,000, deviation 25.8; five deviations.
      expect(Math.abs(dealt.filter((f) => f === fold).length - 1000)).toBeLessThan(130);
    }
  });

  it('depends on ids and seed, not on indices', () => {
    expect(namedFolds(reversed(sample), 9)).toEqual(namedFolds(sample, 9));
    expect(namedFolds(sample, 10)).not.toEqual(namedFolds(sample, 9));
  });

  it.each([0, 257, 2.5])('refuses %d folds', (nFolds) => {
    expect(() => folds(sample, nFolds, 1)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
