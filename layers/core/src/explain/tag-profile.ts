import type { Csr } from '../math/csr.ts';

/** A listener's taste in tags: the weighted sum of the tag vectors of the artists they heard. */
export interface TagProfile {
  /** Shape (nTerms,). */
  readonly vector: Float64Array;
  readonly norm: number;
  /** Who of the artists heard carries a term: term t's entries are [starts[t], starts[t + 1]); shape (nTerms + 1,). */
  readonly starts: Int32Array;
  /** Shape (n,): positions in the history. */
  readonly carriers: Int32Array;
  /** Shape (n,): the artists' values of the term. */
  readonly values: Float64Array;
}

/**
 * Sums the tag dimensions of the artists heard, each artist by interaction weight.
 *
 * @param embedding - Shape (nArtists, nDimensions), the first `nTerms` of them tags; freshness and popularity are left out,
 *   because nobody plays an artist for being like another in those.
 */
export function tagProfile(
  embedding: Csr,
  nTerms: number,
  { items, weights }: { readonly items: Int32Array; readonly weights: Float64Array },
): TagProfile {
  const vector = new Float64Array(nTerms);
  const starts = new Int32Array(nTerms + 1);
  for (let h = 0; h < items.length; h++) {
    const weight = weights[h]!;
    eachTag(embedding, nTerms, items[h]!, (d, value) => {
      vector[d]! += weight * value;
      starts[d + 1]!++;
    });
  }
  for (let d = 0; d < nTerms; d++) starts[d + 1]! += starts[d]!;
  const next = starts.slice();
  const carriers = new Int32Array(starts[nTerms]!);
  const values = new Float64Array(carriers.length);
  for (let h = 0; h < items.length; h++) {
    eachTag(embedding, nTerms, items[h]!, (d, value) => {
      carriers[next[d]!] = h;
      values[next[d]!++] = value;
    });
  }
  let squares = 0;
  for (const value of vector) squares += value * value;
  return { vector, norm: Math.sqrt(squares), starts, carriers, values };
}

/**
 * Splits the cosine between a listener's tag profile p = Σ_j w_j x_j and a candidate c into what each artist heard adds,
 * exactly: w_j (x_j · x_c) / (‖p‖ ‖x_c‖), never negative.
 *
 * @param profile - Made of the same artists heard.
 * @param out - Shape (nHeard,), overwritten; all 0 where candidate or profile has no tags.
 * @returns The cosine, the sum of the terms.
 */
export function tagContributions(
  embedding: Csr,
  profile: TagProfile,
  { weights }: { readonly weights: Float64Array },
  candidate: number,
  out: Float64Array,
): number {
  const { indptr, indices, values } = embedding;
  const { vector, norm, starts, carriers } = profile;
  out.fill(0);
  let squares = 0;
  for (let e = indptr[candidate]!; e < indptr[candidate + 1]!; e++) {
    const d = indices[e]!;
    if (d >= vector.length) continue;
    const value = values[e]!;
    squares += value * value;
    for (let c = starts[d]!; c < starts[d + 1]!; c++) out[carriers[c]!]! += profile.values[c]! * value;
  }
  const scale = squares > 0 && norm > 0 ? 1 / (norm * Math.sqrt(squares)) : 0;
  let cosine = 0;
  for (let h = 0; h < out.length; h++) {
    out[h] = weights[h]! * out[h]! * scale;
    cosine += out[h]!;
  }
  return cosine;
}

/** A tag of several words, by the words' dimensions. */
export interface TagPhrase {
  readonly tag: string;
  /** Distinct indices of terms, ascending, at least two. */
  readonly dimensions: readonly number[];
}

/** A tag dimension and how much of the cosine lies in it, in (0, 1]. */
export interface SharedTag {
  readonly dimension: number;
  readonly share: number;
}

/** The tag dimensions with the largest products between profile and candidate; equal ones by dimension. */
export function sharedTags(
  embedding: Csr,
  { vector }: TagProfile,
  candidate: number,
  k: number,
): readonly SharedTag[] {
  const { indptr, indices, values } = embedding;
  const dimensions: number[] = [];
  const products = new Float64Array(vector.length);
  let total = 0;
  for (let e = indptr[candidate]!; e < indptr[candidate + 1]!; e++) {
    const dimension = indices[e]!;
    if (dimension >= vector.length) continue;
    const product = values[e]! * vector[dimension]!;
    if (product <= 0) continue;
    dimensions.push(dimension);
    products[dimension] = product;
    total += product;
  }
  return dimensions
    .toSorted((a, b) => products[b]! - products[a]! || a - b)
    .slice(0, k)
    .map((dimension) => ({ dimension, share: products[dimension]! / total }));
}

/** Whether an artist carries a tag. */
export function hasTag(embedding: Csr, item: number, dimension: number): boolean {
  const { indptr, indices } = embedding;
  for (let e = indptr[item]!; e < indptr[item + 1]!; e++) if (indices[e] === dimension) return true;
  return false;
}

function eachTag(
  { indptr, indices, values }: Csr,
  nTerms: number,
  item: number,
  visit: (dimension: number, value: number) => void,
): void {
  for (let e = indptr[item]!; e < indptr[item + 1]!; e++) {
    if (indices[e]! < nTerms) visit(indices[e]!, values[e]!);
  }
}
