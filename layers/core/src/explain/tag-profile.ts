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
  /** Shape (nTerms,): zeros, for {@link sharedTags} to work in. */
  readonly open: Float64Array;
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
  return { vector, norm: Math.sqrt(squares), starts, carriers, values, open: new Float64Array(nTerms) };
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

/** A tag that listener and artist have in common, and how much of the cosine lies in its words, in (0, 1]. */
export interface SharedTag {
  readonly tag: string;
  readonly dimensions: readonly number[];
  readonly share: number;
}

/**
 * The tags that a profile and an artist have in common, largest share of the cosine first, equal ones by dimension.
 *
 * Words stand as the tags that they come from: a tag of several words takes the place of its words where all of them are in common,
 * each word standing in one tag at most.
 *
 * @param options.phrases - Those whose words the artist has, in the order in which they take words.
 * @param options.most - How many tags to give.
 */
export function sharedTags(
  embedding: Csr,
  profile: TagProfile,
  candidate: number,
  options: {
    readonly phrases: readonly TagPhrase[];
    readonly terms: readonly string[];
    readonly most: number;
  },
): readonly SharedTag[] {
  const { phrases, terms, most } = options;
  const { indptr, indices, values } = embedding;
  const { vector, open } = profile;
  const start = indptr[candidate]!;
  const end = indptr[candidate + 1]!;
  let total = 0;
  for (let e = start; e < end; e++) {
    const dimension = indices[e]!;
    if (dimension >= vector.length) continue;
    const product = Math.max(0, values[e]! * vector[dimension]!);
    open[dimension] = product;
    total += product;
  }
  const found: SharedTag[] = [];
  for (const { tag, dimensions } of phrases) {
    let share = 0;
    let all = true;
    for (const dimension of dimensions) {
      if (!(open[dimension]! > 0)) all = false;
      share += open[dimension]!;
    }
    if (!all) continue;
    for (const dimension of dimensions) open[dimension] = 0;
    found.push({ tag, dimensions, share: share / total });
  }
  // Of the single words as many as can be among the first, by insertion: far fewer than there are.
  const best: number[] = [];
  for (let e = start; e < end; e++) {
    const dimension = indices[e]!;
    if (dimension >= vector.length || open[dimension] === 0) continue;
    let at = best.length;
    while (at > 0 && open[best[at - 1]!]! < open[dimension]!) at--;
    if (at === most) continue;
    best.splice(at, 0, dimension);
    if (best.length > most) best.pop();
  }
  for (const dimension of best) {
    found.push({ tag: terms[dimension]!, dimensions: [dimension], share: open[dimension]! / total });
  }
  for (let e = start; e < end; e++) if (indices[e]! < vector.length) open[indices[e]!] = 0;
  return found.toSorted((a, b) => b.share - a.share || a.dimensions[0]! - b.dimensions[0]!).slice(0, most);
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
