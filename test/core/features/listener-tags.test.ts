import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { vocabularyInOrder } from '../../../layers/core/src/data/vocabulary.ts';
import { listenerTags, taggedArtists } from '../../../layers/core/src/features/listener-tags.ts';
import type { Csr } from '../../../layers/core/src/math/csr.ts';
import { taggedDataset } from './tagged-dataset.ts';

/** A data set of nothing but (listener, artist, tag) assignments; listener -1 has no plays. */
function given(
  nUsers: number,
  assignments: readonly (readonly [user: number, artist: number, tag: number])[],
): Dataset {
  return {
    ...taggedDataset([['rock'], ['folk'], ['jazz']]),
    users: vocabularyInOrder(Array.from({ length: nUsers }, (_, u) => `user ${u}`)),
    tagAssignments: {
      user: Int32Array.from(assignments, ([user]) => user),
      artist: Int32Array.from(assignments, ([, artist]) => artist),
      tag: Int32Array.from(assignments, ([, , tag]) => tag),
      time: new Float64Array(assignments.length).fill(NaN),
    },
  };
}

function rows({ nRows, nCols, indptr, indices, values }: Csr): number[][] {
  return Array.from({ length: nRows }, (_, r) => {
    const row = Array.from({ length: nCols }, () => 0);
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) row[indices[e]!] = values[e]!;
    return row;
  });
}

/** Six listeners: the first five give tag 0, all six tag 1, four tag 2; the first gives tag 0 three times. */
const SIX = given(6, [
  [0, 0, 0],
  [0, 1, 0],
  [0, 2, 0],
  [0, 0, 1],
  ...[1, 2, 3, 4].map((user) => [user, 0, 0] as const),
  ...[1, 2, 3, 4, 5].map((user) => [user, 1, 1] as const),
  ...[0, 1, 2, 3].map((user) => [user, 2, 2] as const),
  [-1, 2, 2],
]);

describe('taggedArtists', () => {
  it('counts the tags of every pair, whatever the tags, and leaves out who has no plays', () => {
    const found = rows(
      taggedArtists(
        given(3, [
          [0, 1, 0],
          [0, 1, 2],
          [2, 0, 1],
          [-1, 2, 1],
          [0, 0, 0],
        ]),
      )!,
    );
    expect(found).toEqual([
      [1, 2, 0],
      [0, 0, 0],
      [1, 0, 0],
    ]);
  });

  it('is null without tags', () => {
    expect(taggedArtists({ ...SIX, tagAssignments: null })).toBeNull();
  });
});

describe('listenerTags', () => {
  it('weighs (1 + ln count) · (ln((1 + n) / (1 + listeners)) + 1), rows of length 1: values by hand', () => {
    const idf = { zero: Math.log(7 / 6) + 1, one: 1 };
    const first = [(1 + Math.log(3)) * idf.zero, idf.one];
    const length = Math.hypot(...first);
    const found = rows(listenerTags(SIX)!);
    expect(found[0]![0]).toBeCloseTo(first[0]! / length, 14);
    expect(found[0]![1]).toBeCloseTo(first[1]! / length, 14);
    const second = Math.hypot(idf.zero, idf.one);
    expect(found[4]![0]).toBeCloseTo(idf.zero / second, 14);
    expect(found[4]![1]).toBeCloseTo(idf.one / second, 14);
    expect(found[5]).toEqual([0, 1, 0]);
  });

  it('leaves out a tag of four listeners, a fifth without plays not counted', () => {
    const found = rows(listenerTags(SIX)!);
    expect(found.map((row) => row[2])).toEqual([0, 0, 0, 0, 0, 0]);
    const { user, artist, tag } = SIX.tagAssignments!;
    const all = Array.from(user, (u, a) => [u, artist[a]!, tag[a]!] as const);
    const fifth = rows(listenerTags(given(6, [...all, [4, 0, 2]]))!);
    expect(fifth.map((row) => row[2]! > 0)).toEqual([true, true, true, true, true, false]);
  });

  it('is empty for who gives no tag that five listeners give, without dividing by 0', () => {
    const { indptr, values } = listenerTags(given(2, [[0, 0, 0]]))!;
    expect([...indptr]).toEqual([0, 0, 0]);
    expect(values).toHaveLength(0);
  });

  it('is null without tags', () => {
    expect(listenerTags({ ...SIX, tagAssignments: null })).toBeNull();
  });
});
