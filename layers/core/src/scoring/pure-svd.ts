import type { History } from './history.ts';
import { scoreColumns } from './score-columns.ts';

/** What PureSVD projects on; see `factors/pure-svd.ts` for the model. */
export interface PureSvdTables {
  /** Singular vectors. */
  readonly factors: number;
  /** Shape (nArtists × factors,), row-major: V. */
  readonly columns: Float64Array | Float32Array;
}

/** A row on the leading taste directions: xV, shape (factors,). */
export function projectRow(
  { factors, columns }: PureSvdTables,
  { items, weights }: Pick<History, 'items' | 'weights'>,
): Float64Array {
  const row = new Float64Array(factors);
  for (let h = 0; h < items.length; h++) {
    const at = items[h]! * factors;
    for (let f = 0; f < factors; f++) row[f]! += weights[h]! * columns[at + f]!;
  }
  return row;
}

/** @returns Writes the scores of a history, x V Vᵀ, shape (nArtists,); all 0 for an empty one. */
export function createPureSvdScorer(
  tables: PureSvdTables,
): (history: Pick<History, 'items' | 'weights'>, out: Float64Array) => void {
  return (history, out) => scoreColumns(projectRow(tables, history), tables.columns, out);
}
