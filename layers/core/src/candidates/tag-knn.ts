import { EncoreError } from '../errors.ts';
import { transposeCsr, type Csr } from '../math/csr.ts';
import type { CandidateSource } from './source.ts';

export type TagMetric = 'cosine' | 'euclidean';

/**
 * Nearest artists to the listener in the space of an artist embedding.
 *
 * A listener is the weighted sum of the vectors of the artists heard, so `cosine` compares directions only;
 * `euclidean` is the negative distance, as scikit-learn's `NearestNeighbors` would order it.
 *
 * @param embedding - Shape (nArtists, nDimensions).
 * @param history - Shape (nUsers, nArtists): the weight of each heard artist in the sum; 1 gives the plain sum.
 * @returns A source whose scores are 0 for a listener, or an artist, with an all-zero vector (cosine).
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when the artists of the two matrices differ in number.
 */
export function fitTagKnn(
  embedding: Csr,
  history: Csr,
  options: { readonly name: string; readonly k: number; readonly metric: TagMetric },
): CandidateSource {
  if (embedding.nRows !== history.nCols) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `embedding has ${embedding.nRows} artists, history has ${history.nCols}`,
    );
  }
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

  const scoreUser = (user: number, out: Float64Array): void => {
    profile.fill(0);
    for (let h = history.indptr[user]!; h < history.indptr[user + 1]!; h++) {
      const item = history.indices[h]!;
      const weight = history.values[h]!;
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
  return { name: options.name, k: options.k, scoreUser };
}
