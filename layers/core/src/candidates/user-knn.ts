import { transposeCsr, type Csr } from '../math/csr.ts';
import { topK } from '../math/top-k.ts';
import type { CandidateSource } from './source.ts';

/**
 * User-based nearest neighbours: the cosine of idf-weighted histories, each listener keeping the nearest
 * `neighbours`; an artist's score is Σ_v similarity_v^exponent · weight_v over the neighbours v who heard it.
 *
 * An artist's idf is ln(nUsers / listeners); sharing a rare artist says more than sharing a famous one.
 *
 * @param weights - Shape (nUsers, nArtists): interaction weights.
 * @param options - `compared`: other values at the same cells, whose cosine is taken as it is, without idf.
 * @see Herlocker et al. (1999), "An Algorithmic Framework for Performing Collaborative Filtering".
 */
export function fitUserKnn(
  weights: Csr,
  options: {
    readonly k: number;
    readonly neighbours: number;
    readonly exponent: number;
    readonly compared?: Csr | undefined;
  },
): CandidateSource {
  const { nRows: nUsers, indptr, indices, values } = weights;
  const compared = options.compared ?? weights;
  const byItem = transposeCsr(compared);
  const idf = new Float64Array(weights.nCols);
  for (let i = 0; i < weights.nCols; i++) {
    const listeners = byItem.indptr[i + 1]! - byItem.indptr[i]!;
    if (options.compared !== undefined) idf[i] = 1;
    else idf[i] = listeners > 0 ? Math.log(nUsers / listeners) : 0;
  }
  const inverseNorms = new Float64Array(nUsers);
  for (let u = 0; u < nUsers; u++) {
    let sum = 0;
    for (let e = indptr[u]!; e < indptr[u + 1]!; e++) sum += (compared.values[e]! * idf[indices[e]!]!) ** 2;
    inverseNorms[u] = sum > 0 ? 1 / Math.sqrt(sum) : 0;
  }
  const similarity = new Float64Array(nUsers);
  return {
    name: 'user-knn',
    k: options.k,
    scoreUser: (user, out) => {
      similarity.fill(0);
      for (let e = indptr[user]!; e < indptr[user + 1]!; e++) {
        const item = indices[e]!;
        const weight = compared.values[e]! * idf[item]! * idf[item]!;
        for (let f = byItem.indptr[item]!; f < byItem.indptr[item + 1]!; f++) {
          similarity[byItem.indices[f]!]! += weight * byItem.values[f]!;
        }
      }
      similarity[user] = 0;
      for (let v = 0; v < nUsers; v++) {
        if (similarity[v] !== 0) similarity[v]! *= inverseNorms[user]! * inverseNorms[v]!;
      }
      out.fill(0);
      for (const v of topK(similarity, options.neighbours)) {
        if (similarity[v]! <= 0) break;
        const s = similarity[v]! ** options.exponent;
        for (let e = indptr[v]!; e < indptr[v + 1]!; e++) out[indices[e]!]! += s * values[e]!;
      }
    },
  };
}
