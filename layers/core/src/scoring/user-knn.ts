import { columnLengths, mapCsr, transposeCsr, type Csr } from '../math/csr.ts';
import { topK } from '../math/top-k.ts';
import type { History } from './history.ts';
import { createKnnWeigher, knnWeights, type KnnWeighting } from './knn-weights.ts';

/** Leaves nobody out. */
export const NOBODY = -1;

/**
 * User-based nearest neighbours: each listener keeps the nearest `neighbours` by the cosine of their histories; an artist's
 * score is Σ_v similarity_v^exponent · weight_v over the neighbours v who heard it.
 *
 * Histories are compared by interaction weights times idf, ln(nUsers / listeners): sharing a rare artist says more than
 * sharing a famous one. With a `weighting` they are compared by that, a listener being the document, and a history is one more
 * document; where its plays are unknown every artist counts 1. Votes weigh by interaction weights either way.
 *
 * @param tables - `plays` and the interaction `weights` made of them, shape (nUsers, nArtists) each.
 * @returns Writes the scores of a history, shape (nArtists,); `except` is the row that may not be a neighbour, that of the
 *   listener whose history it is, or {@link NOBODY}.
 * @see Herlocker et al. (1999), "An Algorithmic Framework for Performing Collaborative Filtering".
 */
export function createUserKnnScorer(
  tables: { readonly plays: Csr; readonly weights: Csr },
  options: {
    readonly neighbours: number;
    readonly exponent: number;
    readonly weighting: KnnWeighting | null;
  },
): (history: History, out: Float64Array, except: number) => void {
  const { nRows: nUsers, indptr, indices, values } = tables.weights;
  const { rows, weigh } = comparison(tables, options.weighting);
  const byItem = transposeCsr(rows);
  const inverseNorms = Float64Array.from({ length: nUsers }, (_, u) =>
    inverseNorm(rows.values.subarray(indptr[u], indptr[u + 1])),
  );
  const similarity = new Float64Array(nUsers);
  return (history, out, except) => {
    similarity.fill(0);
    const own = weigh(history);
    for (let h = 0; h < own.length; h++) {
      const item = history.items[h]!;
      for (let f = byItem.indptr[item]!; f < byItem.indptr[item + 1]!; f++) {
        similarity[byItem.indices[f]!]! += own[h]! * byItem.values[f]!;
      }
    }
    if (except !== NOBODY) similarity[except] = 0;
    const ownInverse = inverseNorm(own);
    for (let v = 0; v < nUsers; v++) {
      if (similarity[v] !== 0) similarity[v]! *= ownInverse * inverseNorms[v]!;
    }
    out.fill(0);
    for (const v of topK(similarity, options.neighbours)) {
      if (similarity[v]! <= 0) break;
      const s = similarity[v]! ** options.exponent;
      for (let e = indptr[v]!; e < indptr[v + 1]!; e++) out[indices[e]!]! += s * values[e]!;
    }
  };
}

/** What listeners are compared by: every row, and a history in the same way. */
interface Comparison {
  /** Shape (nUsers, nArtists). */
  readonly rows: Csr;
  /** Shape (n,). */
  readonly weigh: (history: History) => Float64Array;
}

function comparison(
  { plays, weights }: { readonly plays: Csr; readonly weights: Csr },
  weighting: KnnWeighting | null,
): Comparison {
  if (weighting === null) {
    const idf = Float64Array.from(columnLengths(weights), (listeners) =>
      listeners > 0 ? Math.log(weights.nRows / listeners) : 0,
    );
    return {
      rows: mapCsr(weights, (weight, _user, item) => weight * idf[item]!),
      weigh: ({ items, weights: own }) => own.map((weight, h) => weight * idf[items[h]!]!),
    };
  }
  const weigh = createKnnWeigher(plays, weighting);
  return {
    rows: knnWeights(plays, weighting),
    // Cosines do not see the scale, so any equal counts would do.
    weigh: ({ items, plays: own }) => weigh(items, own ?? new Float64Array(items.length).fill(1)),
  };
}

function inverseNorm(row: Float64Array): number {
  let sum = 0;
  for (let e = 0; e < row.length; e++) sum += row[e]! ** 2;
  return sum > 0 ? 1 / Math.sqrt(sum) : 0;
}
