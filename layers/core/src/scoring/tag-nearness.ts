import { transposeCsr, type Csr } from '../math/csr.ts';
import type { History } from './history.ts';

export type TagMetric = 'cosine' | 'euclidean';

/** What an artist heard weighs in a listener's vector: 1, ln(1 + plays), or its interaction weight. */
export const TAG_WEIGHTS = ['binary', 'log-plays', 'play-rank'] as const;
export type TagWeights = (typeof TAG_WEIGHTS)[number];

/**
 * Nearest artists to the listener in the space of an artist embedding.
 *
 * A listener is the weighted sum of the vectors of the artists heard, so `cosine` compares directions only;
 * `euclidean` is the negative distance, as scikit-learn's `NearestNeighbors` would order it.
 *
 * @param embedding - Shape (nArtists, nDimensions).
 * @param options - `weights`: what an artist heard weighs in the sum; 1 where plays are unknown.
 * @returns Writes the scores of a history, shape (nArtists,): 0 for a listener, or an artist, with an all-zero vector
 *   (cosine).
 */
export function createTagScorer(
  embedding: Csr,
  options: { readonly metric: TagMetric; readonly weights: TagWeights },
): (history: History, out: Float64Array) => void {
  const { nRows: nArtists, nCols: nDimensions } = embedding;
  // By dimension: a listener's vector has few dimensions, and each touches few artists.
  const byDimension = transposeCsr(embedding);
  const squaredNorms = new Float64Array(nArtists);
  for (let i = 0; i < nArtists; i++) {
    let sum = 0;
    for (let e = embedding.indptr[i]!; e < embedding.indptr[i + 1]!; e++) sum += embedding.values[e]! ** 2;
    squaredNorms[i] = sum;
  }
  const inverseNorms = squaredNorms.map((s) => (s > 0 ? 1 / Math.sqrt(s) : 0));
  const profile = new Float64Array(nDimensions);

  return (history, out) => {
    const { items } = history;
    const weights = historyWeights(history, options.weights);
    profile.fill(0);
    for (let h = 0; h < items.length; h++) {
      const item = items[h]!;
      const weight = weights === null ? 1 : weights[h]!;
      for (let e = embedding.indptr[item]!; e < embedding.indptr[item + 1]!; e++) {
        profile[embedding.indices[e]!]! += weight * embedding.values[e]!;
      }
    }
    let squared = 0;
    for (let d = 0; d < nDimensions; d++) squared += profile[d]! ** 2;
    out.fill(0);
    if (squared === 0 && options.metric === 'cosine') return;
    const { indptr, indices, values } = byDimension;
    for (let d = 0; d < nDimensions; d++) {
      const p = profile[d]!;
      if (p === 0) continue;
      for (let e = indptr[d]!; e < indptr[d + 1]!; e++) out[indices[e]!]! += p * values[e]!;
    }
    if (options.metric === 'cosine') {
      const inverse = 1 / Math.sqrt(squared);
      for (let i = 0; i < nArtists; i++) out[i]! *= inverse * inverseNorms[i]!;
    } else {
      for (let i = 0; i < nArtists; i++) {
        out[i] = -Math.sqrt(Math.max(0, squared - 2 * out[i]! + squaredNorms[i]!));
      }
    }
  };
}

/** Shape (n,), or `null` where all weigh the same. */
function historyWeights({ plays, weights }: History, kind: TagWeights): Float64Array | null {
  switch (kind) {
    case 'binary':
      return null;
    case 'log-plays':
      return plays === null ? null : plays.map((value) => Math.log1p(value));
    case 'play-rank':
      return weights;
    default:
      return kind satisfies never;
  }
}

/**
 * The embedding with its context (freshness and popularity) at a weight of its own against the tags.
 *
 * @param tables - `sublinearTags`: shape (nArtists, nTerms), in place of the embedding's own terms; `embedding`: shape
 *   (nArtists, nTerms + context).
 */
export function profileEmbedding(
  { sublinearTags, embedding }: { readonly sublinearTags: Csr; readonly embedding: Csr },
  contextWeight: number,
): Csr {
  const nTerms = sublinearTags.nCols;
  const indptr = new Int32Array(embedding.nRows + 1);
  const indices: number[] = [];
  const values: number[] = [];
  for (let r = 0; r < embedding.nRows; r++) {
    for (let e = sublinearTags.indptr[r]!; e < sublinearTags.indptr[r + 1]!; e++) {
      indices.push(sublinearTags.indices[e]!);
      values.push(sublinearTags.values[e]!);
    }
    for (let e = embedding.indptr[r]!; e < embedding.indptr[r + 1]!; e++) {
      if (embedding.indices[e]! < nTerms) continue;
      indices.push(embedding.indices[e]!);
      values.push(contextWeight * embedding.values[e]!);
    }
    indptr[r + 1] = indices.length;
  }
  return {
    nRows: embedding.nRows,
    nCols: embedding.nCols,
    indptr,
    indices: Int32Array.from(indices),
    values: Float64Array.from(values),
  };
}
