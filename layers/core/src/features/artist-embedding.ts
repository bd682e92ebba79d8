import { EncoreError } from '../errors.ts';
import type { Csr } from '../math/csr.ts';

/**
 * Puts the parts of an artist's vector side by side: TF-IDF terms, freshness x and x², popularity.
 *
 * With 500 terms these are the 503 dimensions of the seed design. A part that the data set cannot give takes no columns:
 * without tags what is left is popularity alone.
 *
 * @param tfIdfRows - Shape (nArtists, nTerms).
 * @param freshness - Shape (nArtists,), in [0, 1], or `null` where it is off.
 * @param popularity - Shape (nArtists,), in [0, 1].
 * @returns Shape (nArtists, nTerms + 3), or (nArtists, nTerms + 1) without freshness. Zeros are not stored.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when the parts differ in their number of artists.
 */
export function buildArtistEmbedding(
  tfIdfRows: Csr,
  { freshness, popularity }: { readonly freshness: Float64Array | null; readonly popularity: Float64Array },
): Csr {
  const { nRows, nCols: nTerms } = tfIdfRows;
  if (popularity.length !== nRows || (freshness !== null && freshness.length !== nRows)) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `parts of the artist embedding differ in artists: ${nRows} rows of tf-idf, ` +
        `${freshness === null ? 'no' : freshness.length} freshness, ${popularity.length} popularity`,
    );
  }
  const popularityColumn = freshness === null ? nTerms : nTerms + 2;
  const indptr = new Int32Array(nRows + 1);
  const indices = new Int32Array(tfIdfRows.indices.length + 3 * nRows);
  const values = new Float64Array(indices.length);
  let nnz = 0;
  for (let r = 0; r < nRows; r++) {
    for (let e = tfIdfRows.indptr[r]!; e < tfIdfRows.indptr[r + 1]!; e++) {
      indices[nnz] = tfIdfRows.indices[e]!;
      values[nnz++] = tfIdfRows.values[e]!;
    }
    const x = freshness === null ? 0 : freshness[r]!;
    if (x !== 0) {
      indices[nnz] = nTerms;
      values[nnz++] = x;
      indices[nnz] = nTerms + 1;
      values[nnz++] = x * x;
    }
    if (popularity[r] !== 0) {
      indices[nnz] = popularityColumn;
      values[nnz++] = popularity[r]!;
    }
    indptr[r + 1] = nnz;
  }
  return {
    nRows,
    nCols: popularityColumn + 1,
    indptr,
    indices: indices.slice(0, nnz),
    values: values.slice(0, nnz),
  };
}

/**
 * Writes a listener's vector: the sum of the vectors of the artists they heard, each times its weight.
 *
 * @param embedding - Shape (nArtists, nDimensions).
 * @param heard - Shape (nHeard,): artist indices, a row of the plays.
 * @param options - `out`: shape (nDimensions,), overwritten; all zero for an empty history. `weights`: shape (nHeard,),
 *   1 each by default.
 * @throws {@link EncoreError} `SHAPE_MISMATCH` when `out` or `weights` have another length.
 */
export function writeUserEmbedding(
  embedding: Csr,
  heard: Int32Array,
  { out, weights }: { readonly out: Float64Array; readonly weights?: Float64Array },
): void {
  if (out.length !== embedding.nCols || (weights !== undefined && weights.length !== heard.length)) {
    throw new EncoreError(
      'SHAPE_MISMATCH',
      `a user embedding of ${embedding.nCols} dimensions over ${heard.length} artists was given ` +
        `${out.length} places and ${weights === undefined ? 'no' : weights.length} weights`,
    );
  }
  const { indptr, indices, values } = embedding;
  out.fill(0);
  for (let h = 0; h < heard.length; h++) {
    const artist = heard[h]!;
    const weight = weights === undefined ? 1 : weights[h]!;
    for (let e = indptr[artist]!; e < indptr[artist + 1]!; e++) out[indices[e]!]! += weight * values[e]!;
  }
}
