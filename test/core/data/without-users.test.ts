import { describe, expect, it } from 'vitest';
import { withoutUsers } from '../../../layers/core/src/data/without-users.ts';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { loadSample } from '../sample.ts';

const dataset = await loadSample();
const absent = new Set([0, 7, 8, dataset.users.size - 1]);
const rest = withoutUsers(dataset, absent);

interface Known {
  readonly plays: readonly string[];
  readonly friends: readonly string[];
  readonly tags: readonly string[];
}

function strangers({ tagAssignments }: Dataset): number {
  return tagAssignments!.user.reduce((count, user) => count + (user < 0 ? 1 : 0), 0);
}

/** What is known of each listener, by ids. */
function byId({ users, artists, plays, friends, tagAssignments }: Dataset): Map<string, Known> {
  return new Map(
    users.ids.map((id, u) => {
      const cells = (matrix: typeof plays, names: readonly string[]): readonly string[] =>
        Array.from(matrix.indices.subarray(matrix.indptr[u], matrix.indptr[u + 1]), (c, e) => {
          return `${names[c]} ${matrix.values[matrix.indptr[u]! + e]}`;
        }).toSorted();
      const tags = Array.from(tagAssignments!.user.keys())
        .filter((a) => tagAssignments!.user[a] === u)
        .map(
          (a) =>
            `${artists.ids[tagAssignments!.artist[a]!]} ${tagAssignments!.tag[a]} ${tagAssignments!.time[a]}`,
        );
      return [id, { plays: cells(plays, artists.ids), friends: cells(friends!, users.ids), tags }];
    }),
  );
}

describe('withoutUsers', () => {
  it('leaves no trace of the absent and all else as it was', () => {
    const gone = [...absent].map((user) => dataset.users.ids[user]!);
    const expected = byId(dataset);
    for (const id of gone) expected.delete(id);
    for (const [id, known] of expected) {
      const friends = known.friends.filter((friend) => !gone.includes(friend.split(' ')[0]!));
      expected.set(id, { ...known, friends });
    }
    expect(byId(rest)).toEqual(expected);
    expect(rest.artists).toBe(dataset.artists);
    expect(rest.plays.nCols).toBe(dataset.artists.size);
    expect(rest.friends!.nCols).toBe(dataset.users.size - absent.size);
  });

  it('keeps tags of people without plays, which are nobody in both', () => {
    const { tagAssignments } = dataset;
    const anonymous: Dataset = {
      ...dataset,
      tagAssignments: {
        ...tagAssignments!,
        user: tagAssignments!.user.map((user, a) => (a % 5 === 0 ? -1 : user)),
      },
    };
    expect(strangers(anonymous)).toBeGreaterThan(0);
    expect(strangers(withoutUsers(anonymous, absent))).toBe(strangers(anonymous));
  });

  it('gives the same data set where nobody is absent, and does without friends and tags', () => {
    expect(byId(withoutUsers(dataset, new Set()))).toEqual(byId(dataset));
    const bare = withoutUsers({ ...dataset, friends: null, tagAssignments: null }, absent);
    expect([bare.friends, bare.tagAssignments]).toEqual([null, null]);
  });
});
