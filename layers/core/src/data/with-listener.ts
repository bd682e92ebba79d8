import type { Dataset } from './dataset.ts';
import { withEntries, withUsers } from './with-users.ts';

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
  const larger = withUsers(dataset, [id]);
  const rows = new Int32Array(artists.length).fill(larger.users.indexOf(id)!);
  return { ...larger, plays: withEntries(larger.plays, { rows, cols: artists, values: added }) };
}
