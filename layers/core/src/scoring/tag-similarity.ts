import type { Csr } from '../math/csr.ts';
import type { PairScorer } from './source.ts';

/** Directions that tag vectors are compared in. */
export interface TagComponents {
  /** How many. */
  readonly d: number;
  /** Shape (nTerms × d,), row-major: orthonormal columns. */
  readonly components: Float64Array | Float32Array;
}

/**
 * Tag vectors in the space of components, scaled to length 1.
 *
 * @param tfIdf - Shape (nArtists, nTerms).
 * @returns Shape (nArtists × d,), row-major; zeros for an artist without tags.
 */
export function latentTags(tfIdf: Csr, { d, components }: TagComponents): Float64Array {
  const { nRows, indptr, indices, values } = tfIdf;
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
  return vectors;
}

/**
 * How like a candidate's tags are to those of the artists heard: the largest cosine, the mean of the three largest,
 * the mean, and the mean weighted by interaction weight. Among the largest a negative cosine counts as 0; where fewer
 * than three artists were heard, the mean of the largest is over those.
 *
 * @param tfIdf - Shape (nArtists, nTerms).
 * @param components - What vectors are compared in, see {@link latentTags}.
 */
export function createTagSimilarity(tfIdf: Csr, components: TagComponents): PairScorer {
  const { d } = components;
  const vectors = latentTags(tfIdf, components);
  return {
    names: ['tag-max', 'tag-top3', 'tag-mean', 'tag-weighted'],
    scorePairs: ({ items: heard, weights }, items, out) => {
      const n = heard.length;
      let totalWeight = 0;
      for (let h = 0; h < n; h++) totalWeight += weights[h]!;
      for (let i = 0; i < items.length; i++) {
        const a = items[i]! * d;
        let first = 0;
        let second = 0;
        let third = 0;
        let sum = 0;
        let weighted = 0;
        for (let h = 0; h < n; h++) {
          const b = heard[h]! * d;
          let dot = 0;
          for (let c = 0; c < d; c++) dot += vectors[a + c]! * vectors[b + c]!;
          sum += dot;
          weighted += weights[h]! * dot;
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
        out[i * 4] = first;
        out[i * 4 + 1] = (first + second + third) / Math.min(3, Math.max(1, n));
        out[i * 4 + 2] = sum / Math.max(1, n);
        out[i * 4 + 3] = totalWeight > 0 ? weighted / totalWeight : 0;
      }
    },
  };
}
