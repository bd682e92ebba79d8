import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { createVocabulary } from '../../../layers/core/src/data/vocabulary.ts';
import { topTags } from '../../../layers/core/src/features/top-tags.ts';
import { loadSample } from '../sample.ts';

/** Assignments [artist, tag, how often] over three artists. */
function tagged(
  tagNames: readonly string[],
  assignments: readonly (readonly [number, number, number])[],
): Pick<Dataset, 'artists' | 'tagNames' | 'tagAssignments'> {
  const rows = assignments.flatMap(([artist, tag, times]) =>
    Array.from({ length: times }, () => ({ artist, tag })),
  );
  return {
    artists: createVocabulary(['1', '2', '3']),
    tagNames,
    tagAssignments: {
      user: new Int32Array(rows.length).fill(-1),
      artist: Int32Array.from(rows, ({ artist }) => artist),
      tag: Int32Array.from(rows, ({ tag }) => tag),
      time: new Float64Array(rows.length),
    },
  };
}

/** As [tag, count] of each artist. */
function listed({
  names,
  starts,
  tags,
  counts,
}: ReturnType<typeof topTags>): (readonly [string, number])[][] {
  return Array.from({ length: starts.length - 1 }, (_, artist) =>
    Array.from({ length: starts[artist + 1]! - starts[artist]! }, (__, i) => {
      const e = starts[artist]! + i;
      return [names[tags[e]!]!, counts[e]!] as const;
    }),
  );
}

describe('topTags', () => {
  it('counts assignments, most first, equal counts by name, and keeps no more than asked for', () => {
    const dataset = tagged(
      ['rock', 'jazz', 'ambient', 'dub'],
      [
        [0, 0, 2],
        [0, 1, 5],
        [0, 2, 2],
        [0, 3, 1],
        [2, 3, 1],
      ],
    );
    expect(listed(topTags(dataset, 3))).toEqual([
      [
        ['jazz', 5],
        ['ambient', 2],
        ['rock', 2],
      ],
      [],
      [['dub', 1]],
    ]);
  });

  it('takes spellings that differ in case and blanks around together, and passes over blank ones', () => {
    const dataset = tagged(
      ['Post-Punk ', 'post-punk', '  ', 'post punk'],
      [
        [1, 0, 2],
        [1, 1, 1],
        [1, 2, 9],
        [1, 3, 1],
      ],
    );
    expect(listed(topTags(dataset))).toEqual([
      [],
      [
        ['post-punk', 3],
        ['post punk', 1],
      ],
      [],
    ]);
  });

  it('names tags by how many artists keep them, and none that is kept by nobody', () => {
    const dataset = tagged(
      ['a', 'b', 'c'],
      [
        [0, 0, 3],
        [0, 2, 1],
        [1, 2, 2],
        [1, 1, 1],
      ],
    );
    expect(topTags(dataset).names).toEqual(['c', 'a', 'b']);
    expect(topTags(dataset, 1).names).toEqual(['a', 'c']);
  });

  it('is empty where there are no tags', () => {
    const { artists } = tagged([], []);
    const none = topTags({ artists, tagNames: [], tagAssignments: null });
    expect(none).toEqual({
      names: [],
      starts: new Int32Array(4),
      tags: new Int32Array(0),
      counts: new Int32Array(0),
    });
    expect(listed(topTags(tagged([' '], [[0, 0, 1]])))).toEqual([[], [], []]);
  });

  describe('of the sample', () => {
    let sample: Dataset;
    beforeAll(async () => {
      sample = await loadSample();
    });

    it('counts as often as counting one artist at a time does', () => {
      const { artist: artists, tag: tags } = sample.tagAssignments!;
      const rows = listed(topTags(sample));
      expect(rows.some((row) => row.length > 3)).toBe(true);
      for (const artist of [0, 17, 101]) {
        const counted = new Map<string, number>();
        artists.forEach((other, a) => {
          if (other !== artist) return;
          const name = sample.tagNames[tags[a]!]!.trim().toLowerCase();
          counted.set(name, (counted.get(name) ?? 0) + 1);
        });
        const expected = [...counted].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, 20);
        expect(rows[artist]).toEqual(expected);
      }
    });
  });
});
