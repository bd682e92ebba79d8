import { transposeCsr, type Csr } from '../math/csr.ts';
import { topK } from '../math/top-k.ts';
import type { History } from './history.ts';

/** Leaves nobody out. */
export const NOBODY = -1;

/**
 * User-based nearest neighbours: the cosine of idf-weighted histories, each listener keeping the nearest
 * `neighbours`; an artist's score is Σ_v similarity_v^exponent · weight_v over the neighbours v who heard it.
 *
 * An artist's idf is ln(nUsers / listeners); sharing a rare artist says more than sharing a famous one.
 *
 * @param weights - Shape (nUsers, nArtists): interaction weights.
 * @returns Writes the scores of a history, shape (nArtists,); `except` is the row that may not be a neighbour, that of the
 *   listener whose history it is, or {@link NOBODY}.
 * @see Herlocker et al. (1999), "An Algorithmic Framework for Performing Collaborative Filtering".
 */
export function createUserKnnScorer(
  weights: Csr,
  options: { readonly neighbours: number; readonly exponent: number },
): (history: History, out: Float64Array, except: number) => void {
  const { nRows: nUsers, indptr, indices, values } = weights;
  const byItem = transposeCsr(weights);
  const idf = new Float64Array(weights.nCols);
  for (let i = 0; i < weights.nCols; i++) {
    const listeners = byItem.indptr[i + 1]! - byItem.indptr[i]!;
    idf[i] = listeners > 0 ? Math.log(nUsers / listeners) : 0;
  }
  const inverseNorm = (items: Int32Array, rowWeights: Float64Array): number => {
    let sum = 0;
    for (let e = 0; e < items.length; e++) sum += (rowWeights[e]! * idf[items[e]!]!) ** 2;
    return sum > 0 ? 1 / Math.sqrt(sum) : 0;
  };
  const inverseNorms = Float64Array.from({ length: nUsers }, (_, u) =>
    inverseNorm(indices.subarray(indptr[u], indptr[u + 1]), values.subarray(indptr[u], indptr[u + 1])),
  );
  const similarity = new Float64Array(nUsers);
  return (history, out, except) => {
    similarity.fill(0);
    for (let h = 0; h < history.items.length; h++) {
      const item = history.items[h]!;
      const weight = history.weights[h]! * idf[item]! * idf[item]!;
      for (let f = byItem.indptr[item]!; f < byItem.indptr[item + 1]!; f++) {
        similarity[byItem.indices[f]!]! += weight * byItem.values[f]!;
      }
    }
    if (except !== NOBODY) similarity[except] = 0;
    const own = inverseNorm(history.items, history.weights);
    for (let v = 0; v < nUsers; v++) {
      if (similarity[v] !== 0) similarity[v]! *= own * inverseNorms[v]!;
    }
    out.fill(0);
    for (const v of topK(similarity, options.neighbours)) {
      if (similarity[v]! <= 0) break;
      const s = similarity[v]! ** options.exponent;
      for (let e = indptr[v]!; e < indptr[v + 1]!; e++) out[indices[e]!]! += s * values[e]!;
    }
  };
}
