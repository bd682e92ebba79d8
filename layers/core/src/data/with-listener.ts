import { csrFromCoordinates, type Csr } from '../math/csr.ts';
import type { Dataset } from './dataset.ts';
import { createVocabulary } from './vocabulary.ts';

/** Somebody who was not there, with nothing but plays. */
export interface AddedListener {
  /** Not one of the data set's users. */
  readonly id: string;
  /** Shape (n,): artist indices, distinct, in any order. */
  readonly artists: Int32Array;
  /** Shape (n,): integers >= 1. */
  readonly plays: Float64Array;
}

/** The data set as it would be read with the rows of one more listener, who has no tags and no friends. */
export function withListener(dataset: Dataset, { id, artists, plays: added }: AddedListener): Dataset {
  const { plays, tagAssignments, friends } = dataset;
  const users = createVocabulary([...dataset.users.ids, id]);
  const moved = Int32Array.from(dataset.users.ids, (known) => users.indexOf(known)!);
  const own = users.indexOf(id)!;
  return {
    ...dataset,
    users,
    plays: csrFromCoordinates(
      users.size,
      plays.nCols,
      Int32Array.from([...rowsOf(plays, moved), ...Array.from(artists, () => own)]),
      Int32Array.from([...plays.indices, ...artists]),
      Float64Array.from([...plays.values, ...added]),
    ),
    tagAssignments:
      tagAssignments === null
        ? null
        : { ...tagAssignments, user: tagAssignments.user.map((user) => (user < 0 ? user : moved[user]!)) },
    friends:
      friends === null
        ? null
        : csrFromCoordinates(
            users.size,
            users.size,
            rowsOf(friends, moved),
            friends.indices.map((friend) => moved[friend]!),
            friends.values,
          ),
  };
}

/** Shape (nnz,): the new number of each entry's row. */
function rowsOf(matrix: Csr, moved: Int32Array): Int32Array {
  const rows = new Int32Array(matrix.indices.length);
  for (let r = 0; r < matrix.nRows; r++) rows.fill(moved[r]!, matrix.indptr[r], matrix.indptr[r + 1]);
  return rows;
}
