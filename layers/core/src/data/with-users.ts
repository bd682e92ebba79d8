import { csrFromCoordinates, rowEntries, type Csr } from '../math/csr.ts';
import type { Dataset } from './dataset.ts';
import { createVocabulary } from './vocabulary.ts';

/**
 * The data set with further listeners, of whom nothing is known: their numbers are those that the files would have given them.
 *
 * @param ids - Distinct, none of them one of the data set's users.
 * @returns `dataset` itself where there are none.
 */
export function withUsers(dataset: Dataset, ids: readonly string[]): Dataset {
  if (ids.length === 0) return dataset;
  const { plays, tagAssignments, friends, hidden } = dataset;
  const users = createVocabulary([...dataset.users.ids, ...ids]);
  const moved = Int32Array.from(dataset.users.ids, (known) => users.indexOf(known)!);
  const moveRows = (matrix: Csr): Csr =>
    csrFromCoordinates(
      users.size,
      matrix.nCols,
      rowEntries(matrix).map((row) => moved[row]!),
      matrix.indices,
      matrix.values,
    );
  return {
    ...dataset,
    users,
    plays: moveRows(plays),
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
            rowEntries(friends).map((row) => moved[row]!),
            friends.indices.map((friend) => moved[friend]!),
            friends.values,
          ),
    ...(hidden === undefined || hidden === null ? {} : { hidden: moveRows(hidden) }),
  };
}

/** The matrix with further entries; what is there already grows by what is added. */
export function withEntries(
  matrix: Csr,
  added: {
    readonly rows: ArrayLike<number>;
    readonly cols: ArrayLike<number>;
    readonly values: ArrayLike<number>;
  },
): Csr {
  const n = matrix.indices.length;
  const rows = new Int32Array(n + added.rows.length);
  const cols = new Int32Array(rows.length);
  const values = new Float64Array(rows.length);
  rows.set(rowEntries(matrix));
  rows.set(added.rows, n);
  cols.set(matrix.indices);
  cols.set(added.cols, n);
  values.set(matrix.values);
  values.set(added.values, n);
  return csrFromCoordinates(matrix.nRows, matrix.nCols, rows, cols, values);
}
