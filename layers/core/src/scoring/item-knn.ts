import { transposeCsr, type Csr } from '../math/csr.ts';
import { createLru } from '../math/lru.ts';
import { topK } from '../math/top-k.ts';
import type { History } from './history.ts';

/**
 * Item-based nearest neighbours: sim(i, j) = x_i · x_j / (|x_i| |x_j| + shrink), over the columns of the
 * interaction weights, each artist keeping its nearest `neighbours`, ties by lower index.
 *
 * A listener's score of an artist is the sum over the artists heard of their similarity to it, where it is among
 * their neighbours.
 *
 * @param weights - Shape (nUsers, nArtists), positive.
 * @param options - `remember`: of how many artists the neighbours, found when an artist is heard, are kept for the next listener,
 *   at 12 bytes for each neighbour; all of them for scoring a whole audience. The least lately heard go first.
 * @returns Writes the scores of a history, shape (nArtists,).
 * @see Deshpande and Karypis (2004), "Item-Based Top-N Recommendation Algorithms"; shrinkage as in Koren (2008).
 */
export function createItemKnnScorer(
  weights: Csr,
  options: { readonly neighbours: number; readonly shrink: number; readonly remember: number },
): (history: History, out: Float64Array) => void {
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
  const known = createLru<Neighbours>(options.remember);

  const findNeighbours = (i: number): Neighbours => {
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
    // Ascending, so that of equal similarities the lower index is taken.
    const near = touched.subarray(0, nTouched).toSorted();
    const found = Float64Array.from(near, (j) =>
      j === i ? NaN : dots[j]! / (norms[i]! * norms[j]! + options.shrink),
    );
    for (const j of near) dots[j] = 0;
    const best = topK(found, options.neighbours);
    return {
      items: best.map((n) => near[n]!),
      similarities: Float64Array.from(best, (n) => found[n]!),
    };
  };

  return ({ items: heard }, out) => {
    out.fill(0);
    for (const i of heard) {
      const near = known(i, findNeighbours);
      for (let n = 0; n < near.items.length; n++) out[near.items[n]!]! += near.similarities[n]!;
    }
  };
}

/** An artist's nearest, nearest first. */
interface Neighbours {
  readonly items: Int32Array;
  readonly similarities: Float64Array;
}
