import { columnLengths, type Csr } from '../math/csr.ts';

/**
 * Weights of plays between which neighbours are sought, as of the counts in a document-term matrix. For neighbours of artists a
 * document is an artist and a term a listener; for neighbours of listeners the other way round.
 *
 * - `binary`: 1.
 * - `tf-idf`: √tf · (ln N − ln(1 + df)), df being the number of documents that have the term and N that of all. A term in all
 *   documents but one weighs 0, one in all of them a little less than 0.
 * - `bm25`: tf (K₁ + 1) / (tf + K₁ (1 − B + B · length / mean length)) · (ln N − ln(1 + df)), the length being the sum of a
 *   document's counts. `k1` >= 0: how slowly counts saturate (0: at once). `b` in [0, 1]: how much the weights of long
 *   documents are reduced.
 *
 * @see Robertson and Zaragoza (2009), "The Probabilistic Relevance Framework: BM25 and Beyond";
 *   `implicit.nearest_neighbours.tfidf_weight` and `bm25_weight`, whose values `knn-weights.test.ts` reproduces.
 */
export type KnnWeighting =
  | { readonly kind: 'binary' }
  | { readonly kind: 'tf-idf' }
  | { readonly kind: 'bm25'; readonly k1: number; readonly b: number };

/**
 * Weighs documents by what a collection of them knows of terms: its own, or one more.
 *
 * @param documents - Shape (nDocuments, nTerms): counts > 0.
 * @returns The weights of a document, shape (n,), of its terms and counts, shape (n,) each.
 */
export function createKnnWeigher(
  documents: Csr,
  weighting: KnnWeighting,
): (terms: Int32Array, counts: Float64Array) => Float64Array {
  if (weighting.kind === 'binary') return (terms) => new Float64Array(terms.length).fill(1);
  const idf = Float64Array.from(columnLengths(documents), (df) => Math.log(documents.nRows) - Math.log1p(df));
  if (weighting.kind === 'tf-idf') {
    return (terms, counts) => counts.map((tf, t) => Math.sqrt(tf) * idf[terms[t]!]!);
  }
  const { k1, b } = weighting;
  const meanLength = sum(documents.values) / Math.max(1, documents.nRows);
  return (terms, counts) => {
    const norm = 1 - b + (b * sum(counts)) / meanLength;
    return counts.map((tf, t) => ((tf * (k1 + 1)) / (tf + k1 * norm)) * idf[terms[t]!]!);
  };
}

/** The weights of every document: the same cells. */
export function knnWeights(documents: Csr, weighting: KnnWeighting): Csr {
  const { nRows, indptr, indices, values } = documents;
  const weigh = createKnnWeigher(documents, weighting);
  const weights = new Float64Array(values.length);
  for (let d = 0; d < nRows; d++) {
    const [from, to] = [indptr[d]!, indptr[d + 1]!];
    weights.set(weigh(indices.subarray(from, to), values.subarray(from, to)), from);
  }
  return { ...documents, values: weights };
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
