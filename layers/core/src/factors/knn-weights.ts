import { columnLengths, mapCsr, type Csr } from '../math/csr.ts';

/**
 * TF-IDF weights of a document-term matrix: w = √tf · (ln N − ln(1 + df)), df being the number of documents that have
 * the term and N that of all. A term in all documents but one weighs 0, one in all of them a little less than 0.
 *
 * @param counts - Shape (nDocuments, nTerms), >= 0. For neighbours of artists a document is an artist and a term a
 *   listener; for neighbours of listeners the other way round.
 * @returns The same cells.
 * @see `implicit.nearest_neighbours.tfidf_weight`, whose values `knn-weights.test.ts` reproduces.
 */
export function tfIdfWeights(counts: Csr): Csr {
  const idf = inverseDocumentFrequencies(counts);
  return mapCsr(counts, (tf, _, term) => Math.sqrt(tf) * idf[term]!);
}

/**
 * BM25 weights of a document-term matrix: w = tf (K₁ + 1) / (tf + K₁ (1 − B + B · length / mean length)) ·
 * (ln N − ln(1 + df)), the length being the sum of a document's counts.
 *
 * @param counts - Shape (nDocuments, nTerms), > 0; see {@link tfIdfWeights}.
 * @param options - `k1` >= 0: how slowly counts saturate (0: at once). `b` in [0, 1]: how much the weights of
 *   long documents are reduced.
 * @returns The same cells.
 * @see Robertson and Zaragoza (2009), "The Probabilistic Relevance Framework: BM25 and Beyond";
 *   `implicit.nearest_neighbours.bm25_weight`, whose values `knn-weights.test.ts` reproduces.
 */
export function bm25Weights(counts: Csr, { k1, b }: { readonly k1: number; readonly b: number }): Csr {
  const idf = inverseDocumentFrequencies(counts);
  const lengths = new Float64Array(counts.nRows);
  let total = 0;
  for (let d = 0; d < counts.nRows; d++) {
    for (let e = counts.indptr[d]!; e < counts.indptr[d + 1]!; e++) lengths[d]! += counts.values[e]!;
    total += lengths[d]!;
  }
  const meanLength = total / Math.max(1, counts.nRows);
  return mapCsr(counts, (tf, document, term) => {
    const norm = 1 - b + (b * lengths[document]!) / meanLength;
    return ((tf * (k1 + 1)) / (tf + k1 * norm)) * idf[term]!;
  });
}

function inverseDocumentFrequencies(counts: Csr): Float64Array {
  return Float64Array.from(columnLengths(counts), (df) => Math.log(counts.nRows) - Math.log1p(df));
}
