import type { Csr } from '../math/csr.ts';
import { symmetricEigen } from '../math/eigen.ts';
import type { PairScorer } from './source.ts';

/**
 * Tag vectors in the space of their leading components (latent semantic analysis), scaled to length 1.
 *
 * The right singular vectors come from the Gram matrix of the terms, which is small, whatever the number of artists.
 *
 * @param tfIdf - Shape (nArtists, nTerms).
 * @param dimensions - Components kept; the number of terms bounds it.
 * @returns Shape (nArtists × d,), row-major, d = min(dimensions, nTerms); zeros for an artist without tags.
 * @throws {@link EncoreError} `NOT_FINITE` when a weight is not.
 * @see Deerwester et al. (1990), "Indexing by Latent Semantic Analysis".
 */
export function latentTags(
  tfIdf: Csr,
  dimensions: number,
): { readonly d: number; readonly vectors: Float64Array } {
  const { nRows, nCols, indptr, indices, values } = tfIdf;
  const d = Math.min(dimensions, nCols);
  if (d === 0) return { d, vectors: new Float64Array(0) };
  const gram = new Float64Array(nCols * nCols);
  for (let r = 0; r < nRows; r++) {
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) {
      for (let f = indptr[r]!; f <= e; f++) {
        gram[indices[e]! * nCols + indices[f]!]! += values[e]! * values[f]!;
      }
    }
  }
  for (let a = 0; a < nCols; a++) {
    for (let b = 0; b < a; b++) gram[b * nCols + a] = gram[a * nCols + b]!;
  }
  // Eigenvalues come ascending: the last d columns are the leading components.
  const eigenvectors = symmetricEigen(gram, nCols).vectors;
  const components = new Float64Array(nCols * d);
  for (let t = 0; t < nCols; t++) {
    for (let c = 0; c < d; c++) components[t * d + c] = eigenvectors[t * nCols + (nCols - 1 - c)]!;
  }
  const vectors = new Float64Array(nRows * d);
  for (let r = 0; r < nRows; r++) {
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) {
      const t = indices[e]! * d;
      for (let c = 0; c < d; c++) vectors[r * d + c]! += values[e]! * components[t + c]!;
    }
    let squared = 0;
    for (let c = 0; c < d; c++) squared += vectors[r * d + c]! ** 2;
    if (squared > 0) {
      const inverse = 1 / Math.sqrt(squared);
      for (let c = 0; c < d; c++) vectors[r * d + c]! *= inverse;
    }
  }
  return { d, vectors };
}

/**
 * How like a candidate's tags are to those of the artists heard: the largest cosine, the mean of the three largest,
 * the mean, and the mean weighted by interaction weight. Among the largest a negative cosine counts as 0; where fewer
 * than three artists were heard, the mean of the largest is over those.
 *
 * @param tfIdf - Shape (nArtists, nTerms).
 * @param weights - Shape (nUsers, nArtists): interaction weights of the artists heard.
 * @param options - `dimensions`: of the tag components that vectors are compared in, see {@link latentTags}.
 */
export function fitTagSimilarity(
  tfIdf: Csr,
  weights: Csr,
  options: { readonly dimensions: number },
): PairScorer {
  const { d, vectors } = latentTags(tfIdf, options.dimensions);
  const { indptr, indices, values } = weights;
  return {
    names: ['tag-max', 'tag-top3', 'tag-mean', 'tag-weighted'],
    scorePairs: (user, items, out) => {
      const start = indptr[user]!;
      const end = indptr[user + 1]!;
      let totalWeight = 0;
      for (let e = start; e < end; e++) totalWeight += values[e]!;
      for (let i = 0; i < items.length; i++) {
        const a = items[i]! * d;
        let first = 0;
        let second = 0;
        let third = 0;
        let sum = 0;
        let weighted = 0;
        for (let e = start; e < end; e++) {
          const b = indices[e]! * d;
          let dot = 0;
          for (let c = 0; c < d; c++) dot += vectors[a + c]! * vectors[b + c]!;
          sum += dot;
          weighted += values[e]! * dot;
          if (dot > first) {
            third = second;
            second = first;
            first = dot;
          } else if (dot > second) {
            third = second;
            second = dot;
          } else if (dot > third) {
            third = dot;
          }
        }
        const heard = Math.max(1, end - start);
        out[i * 4] = first;
        out[i * 4 + 1] = (first + second + third) / Math.min(3, heard);
        out[i * 4 + 2] = sum / heard;
        out[i * 4 + 3] = totalWeight > 0 ? weighted / totalWeight : 0;
      }
    },
  };
}
