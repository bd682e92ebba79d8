import { transposeCsr, type Csr } from '../math/csr.ts';
import type { CandidateSource } from './source.ts';

/**
 * Item-based nearest neighbours: sim(i, j) = x_i · x_j / (|x_i| |x_j| + shrink), over the columns of the
 * interaction weights, each artist keeping its nearest `neighbours`.
 *
 * A listener's score of an artist is the sum over the artists heard of their similarity to it, where it is among
 * their neighbours.
 *
 * @param weights - Shape (nUsers, nArtists).
 * @see Deshpande and Karypis (2004), "Item-Based Top-N Recommendation Algorithms"; shrinkage as in Koren (2008).
 */
export function fitItemKnn(
  weights: Csr,
  options: { readonly k: number; readonly neighbours: number; readonly shrink: number },
): CandidateSource {
  const nItems = weights.nCols;
  const byItem = transposeCsr(weights);
  const norms = new Float64Array(nItems);
  for (let i = 0; i < nItems; i++) {
    let sum = 0;
    for (let e = byItem.indptr[i]!; e < byItem.indptr[i + 1]!; e++) sum += byItem.values[e]! ** 2;
    norms[i] = Math.sqrt(sum);
  }
  const dots = new Float64Array(nItems);
  const touched = new Int32Array(nItems);
  const neighbourItems: Int32Array[] = [];
  const neighbourValues: Float64Array[] = [];
  for (let i = 0; i < nItems; i++) {
    let nTouched = 0;
    for (let e = byItem.indptr[i]!; e < byItem.indptr[i + 1]!; e++) {
      const user = byItem.indices[e]!;
      const value = byItem.values[e]!;
      for (let f = weights.indptr[user]!; f < weights.indptr[user + 1]!; f++) {
        const j = weights.indices[f]!;
        if (dots[j] === 0) touched[nTouched++] = j;
        dots[j]! += value * weights.values[f]!;
      }
    }
    const near = touched.slice(0, nTouched).filter((j) => j !== i);
    for (const j of near) dots[j]! /= norms[i]! * norms[j]! + options.shrink;
    near.sort((a, b) => dots[b]! - dots[a]! || a - b);
    const kept = near.slice(0, options.neighbours);
    neighbourItems.push(kept);
    neighbourValues.push(Float64Array.from(kept, (j) => dots[j]!));
    for (let t = 0; t < nTouched; t++) dots[touched[t]!] = 0;
  }
  return {
    name: 'item-knn',
    k: options.k,
    scoreUser: (user, out) => {
      out.fill(0);
      for (let e = weights.indptr[user]!; e < weights.indptr[user + 1]!; e++) {
        const items = neighbourItems[weights.indices[e]!]!;
        const values = neighbourValues[weights.indices[e]!]!;
        for (let n = 0; n < items.length; n++) out[items[n]!]! += values[n]!;
      }
    },
  };
}
