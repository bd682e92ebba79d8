import type { Csr } from '../math/csr.ts';
import type { Dataset, TagAssignments } from './dataset.ts';
import { vocabularyInOrder } from './vocabulary.ts';

/**
 * The data set as it would be without some of its listeners: their plays, tags and friendships are gone and nobody's
 * numbers but the listeners' change. Artists whom only they heard stay in the catalogue.
 *
 * @param absent - Indices in `users`.
 */
export function withoutUsers(dataset: Dataset, absent: ReadonlySet<number>): Dataset {
  const { users, plays, tagAssignments, friends, hidden } = dataset;
  const kept = Int32Array.from(users.ids.keys()).filter((user) => !absent.has(user));
  const moved = new Int32Array(users.size).fill(-1);
  kept.forEach((user, to) => {
    moved[user] = to;
  });
  return {
    ...dataset,
    users: vocabularyInOrder(Array.from(kept, (user) => users.ids[user]!)),
    plays: takeRows(plays, kept),
    tagAssignments: tagAssignments === null ? null : takeTags(tagAssignments, moved),
    friends: friends === null ? null : takeColumns(takeRows(friends, kept), moved, kept.length),
    ...(hidden === undefined || hidden === null ? {} : { hidden: takeRows(hidden, kept) }),
  };
}

function takeRows(matrix: Csr, rows: Int32Array): Csr {
  const indptr = new Int32Array(rows.length + 1);
  rows.forEach((row, r) => {
    indptr[r + 1] = indptr[r]! + matrix.indptr[row + 1]! - matrix.indptr[row]!;
  });
  const indices = new Int32Array(indptr[rows.length]!);
  const values = new Float64Array(indices.length);
  rows.forEach((row, r) => {
    indices.set(matrix.indices.subarray(matrix.indptr[row], matrix.indptr[row + 1]), indptr[r]);
    values.set(matrix.values.subarray(matrix.indptr[row], matrix.indptr[row + 1]), indptr[r]);
  });
  return { nRows: rows.length, nCols: matrix.nCols, indptr, indices, values };
}

/** Columns at their new numbers, ascending as before; those at -1 are dropped. */
function takeColumns(matrix: Csr, moved: Int32Array, nCols: number): Csr {
  const indptr = new Int32Array(matrix.nRows + 1);
  const entries: number[] = [];
  for (let r = 0; r < matrix.nRows; r++) {
    for (let e = matrix.indptr[r]!; e < matrix.indptr[r + 1]!; e++) {
      if (moved[matrix.indices[e]!]! >= 0) entries.push(e);
    }
    indptr[r + 1] = entries.length;
  }
  return {
    nRows: matrix.nRows,
    nCols,
    indptr,
    indices: Int32Array.from(entries, (e) => moved[matrix.indices[e]!]!),
    values: Float64Array.from(entries, (e) => matrix.values[e]!),
  };
}

/** A tag of somebody without plays was nobody's before and stays; one of an absent listener goes. */
function takeTags(tags: TagAssignments, moved: Int32Array): TagAssignments {
  const kept = Int32Array.from(tags.user.keys()).filter(
    (a) => tags.user[a]! < 0 || moved[tags.user[a]!]! >= 0,
  );
  return {
    user: Int32Array.from(kept, (a) => (tags.user[a]! < 0 ? -1 : moved[tags.user[a]!]!)),
    artist: Int32Array.from(kept, (a) => tags.artist[a]!),
    tag: Int32Array.from(kept, (a) => tags.tag[a]!),
    time: Float64Array.from(kept, (a) => tags.time[a]!),
  };
}
