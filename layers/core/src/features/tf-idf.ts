import type { Dataset } from '../data/dataset.ts';
import { EncoreError } from '../errors.ts';
import { type Csr, csrFromCoordinates } from '../math/csr.ts';

/** Tag text of the catalogue as weighted terms. */
export interface TfIdf {
  /** Shape (nTerms,): the vocabulary in code point order; column j is `terms[j]`. */
  readonly terms: readonly string[];
  /** Shape (nTerms,): ln((1 + nArtists) / (1 + df)) + 1. */
  readonly idf: Float64Array;
  /** Shape (nArtists, nTerms): rows of length 1, or empty where no term of the artist is in the vocabulary. */
  readonly rows: Csr;
}

/**
 * Fits TF-IDF vectors of artists over the words of their tags.
 *
 * An artist's document is its tag names, once per assignment, joined by blanks. Its terms are the runs of two or more
 * letters, digits and underscores of the lower-cased text. With tf the count of a term in the document and df the number
 * of documents that have it, the weight is tf · (ln((1 + nArtists) / (1 + df)) + 1), and every row is scaled to length 1.
 *
 * The vocabulary is the `maxFeatures` terms with the highest count over all documents; of terms tied at the cut the
 * first in code point order are kept. (scikit-learn leaves that choice to an unstable sort: fit it on `terms` to compare.)
 * Artists without tags count as empty documents. Characters that Unicode added after version 14 may be words here and not
 * in an older Python.
 *
 * @param dataset - Only `artists`, `tagNames` and `tagAssignments` are read; without tags there are no terms.
 * @param options - Either `maxFeatures`, the size of the vocabulary, >= 1; or `terms`, a vocabulary in code point order that
 *   was fitted elsewhere (parts of one data set share it, so that a column means the same in each). `sublinear`:
 *   1 + ln(tf) in the place of tf (default false).
 * @throws {@link EncoreError} `INVALID_OPTION` when `maxFeatures` is not an integer >= 1.
 * @see scikit-learn `TfidfVectorizer(max_features=…, sublinear_tf=…)`, whose values `tf-idf.test.ts` reproduces.
 */
export function fitTfIdf(
  dataset: Dataset,
  options: ({ readonly maxFeatures: number } | { readonly terms: readonly string[] }) & {
    readonly sublinear?: boolean;
  },
): TfIdf {
  if ('maxFeatures' in options && !(Number.isInteger(options.maxFeatures) && options.maxFeatures >= 1)) {
    throw new EncoreError(
      'INVALID_OPTION',
      `maxFeatures is ${options.maxFeatures}; allowed: an integer of at least 1`,
      { option: 'maxFeatures', found: options.maxFeatures },
    );
  }
  const nArtists = dataset.artists.size;
  const assignments = dataset.tagAssignments;
  if (assignments === null) {
    const terms = 'terms' in options ? options.terms : [];
    return { terms, idf: new Float64Array(terms.length), rows: emptyRows(nArtists, terms.length) };
  }

  const tagUses = new Float64Array(dataset.tagNames.length);
  for (let a = 0; a < assignments.tag.length; a++) tagUses[assignments.tag[a]!]!++;
  const { words, counts, tagTerms } = countWords(dataset.tagNames, tagUses);
  const terms = 'terms' in options ? options.terms : chooseVocabulary(words, counts, options.maxFeatures);
  const columnOf = new Map(terms.map((term, column) => [term, column]));
  const columns = Int32Array.from(words, (word) => columnOf.get(word) ?? -1);

  let nEntries = 0;
  for (let a = 0; a < assignments.tag.length; a++) nEntries += tagTerms[assignments.tag[a]!]!.length;
  const entryRow = new Int32Array(nEntries);
  const entryColumn = new Int32Array(nEntries);
  let n = 0;
  for (let a = 0; a < assignments.tag.length; a++) {
    for (const word of tagTerms[assignments.tag[a]!]!) {
      const column = columns[word]!;
      if (column < 0) continue;
      entryRow[n] = assignments.artist[a]!;
      entryColumn[n++] = column;
    }
  }
  const termCounts = csrFromCoordinates(
    nArtists,
    terms.length,
    entryRow.subarray(0, n),
    entryColumn.subarray(0, n),
    new Float64Array(n).fill(1),
  );
  const idf = smoothedIdf(termCounts);
  return { terms, idf, rows: weigh(termCounts, idf, options.sublinear ?? false) };
}

/**
 * Splits a text into terms: runs of two or more letters, digits and underscores, lower-cased.
 *
 * Lower-casing comes first, as in scikit-learn, so that "İ" becomes an "i" and a combining dot that ends the run.
 */
export function tokenise(text: string): readonly string[] {
  return text.toLowerCase().match(TERM) ?? [];
}

const TERM = /[\p{L}\p{N}_]{2,}/gu;

/** Tokenises every tag name in use once; counts each word as often as the tags that contain it were assigned. */
function countWords(
  tagNames: readonly string[],
  tagUses: Float64Array,
): { words: string[]; counts: number[]; tagTerms: number[][] } {
  const wordIndex = new Map<string, number>();
  const words: string[] = [];
  const counts: number[] = [];
  const tagTerms = tagNames.map((name, tag) => {
    const uses = tagUses[tag]!;
    if (uses === 0) return [];
    return tokenise(name).map((word) => {
      let index = wordIndex.get(word);
      if (index === undefined) {
        index = words.length;
        wordIndex.set(word, index);
        words.push(word);
        counts.push(0);
      }
      counts[index]! += uses;
      return index;
    });
  });
  return { words, counts, tagTerms };
}

/** The most counted words, in code point order. */
function chooseVocabulary(
  words: readonly string[],
  counts: readonly number[],
  maxFeatures: number,
): readonly string[] {
  return words
    .map((_, index) => index)
    .toSorted((a, b) => counts[b]! - counts[a]! || compareCodePoints(words[a]!, words[b]!))
    .slice(0, maxFeatures)
    .map((index) => words[index]!)
    .toSorted(compareCodePoints);
}

/** Order of Python strings. UTF-16 code units, which `<` compares, put U+10000 and above before U+E000. */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    // At a difference inside a surrogate pair both sides are halves of a pair with one lead: units compare rightly.
    return a.codePointAt(i)! - b.codePointAt(i)!;
  }
  return a.length - b.length;
}

function smoothedIdf(termCounts: Csr): Float64Array {
  const idf = new Float64Array(termCounts.nCols);
  for (let e = 0; e < termCounts.indices.length; e++) idf[termCounts.indices[e]!]!++;
  for (let j = 0; j < idf.length; j++) idf[j] = Math.log((1 + termCounts.nRows) / (1 + idf[j]!)) + 1;
  return idf;
}

function weigh(termCounts: Csr, idf: Float64Array, sublinear: boolean): Csr {
  const { nRows, indptr, indices } = termCounts;
  const values = termCounts.values.slice();
  for (let r = 0; r < nRows; r++) {
    let squares = 0;
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) {
      const tf = sublinear ? 1 + Math.log(values[e]!) : values[e]!;
      const weight = tf * idf[indices[e]!]!;
      values[e] = weight;
      squares += weight * weight;
    }
    const norm = Math.sqrt(squares);
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) values[e]! /= norm;
  }
  return { ...termCounts, values };
}

function emptyRows(nRows: number, nCols: number): Csr {
  return {
    nRows,
    nCols,
    indptr: new Int32Array(nRows + 1),
    indices: new Int32Array(0),
    values: new Float64Array(0),
  };
}
