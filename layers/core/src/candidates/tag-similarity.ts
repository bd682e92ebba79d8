import type { Csr } from '../math/csr.ts';
import { symmetricEigen } from '../math/eigen.ts';
import type { TagComponents } from '../scoring/tag-similarity.ts';

/**
 * The leading components of tag vectors (latent semantic analysis).
 *
 * The right singular vectors come from the Gram matrix of the terms, which is small, whatever the number of artists.
 *
 * @param tfIdf - Shape (nArtists, nTerms).
 * @param dimensions - Components kept; the number of terms bounds it.
 * @throws {@link EncoreError} `NOT_FINITE` when a weight is not.
 * @see Deerwester et al. (1990), "Indexing by Latent Semantic Analysis".
 */
export function fitTagComponents(tfIdf: Csr, dimensions: number): TagComponents {
  const { nRows, nCols, indptr, indices, values } = tfIdf;
  const d = Math.min(dimensions, nCols);
  if (d === 0) return { d, components: new Float64Array(0) };
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
  return { d, components };
}
