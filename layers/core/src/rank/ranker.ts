import type { CandidateRecord } from '../artifact/candidate-record.ts';
import {
  contextColumns,
  crossedColumns,
  nArtistColumns,
  nUserColumns,
  pairColumnNames,
  pairFeatures,
  writeUserColumns,
  type ArtistTable,
  type FeatureSpace,
} from './features.ts';

/** A fitted logistic regression over the parts of the feature space. */
export interface Ranker {
  readonly intercept: number;
  /** Shape (pairColumnNames(space).length,). */
  readonly pairWeights: Float64Array;
  /** Shape (nArtistColumns(space),): embedding, then factors. */
  readonly artistWeights: Float64Array;
  /** Shape (nUserColumns(space),): freshness, then factors. */
  readonly userWeights: Float64Array;
  readonly contexts: ContextWeights;
}

/** How the weights of the crossed pair columns depend on the contexts: w_j + Σ_c z_c W_cj, z_c = (x_c − mean_c) · scale_c. */
export interface ContextWeights {
  /** Shape (nContexts,): over the rows that the ranker learnt from. */
  readonly means: Float64Array;
  /** Shape (nContexts,): inverse standard deviations, 0 for a context that never varied. */
  readonly scales: Float64Array;
  /** Shape (nContexts × nCrossed,), row-major: W. */
  readonly weights: Float64Array;
}

/**
 * The weights of the pair columns for one pair: what a context says of it is in them.
 *
 * @returns Writes to `out`, shape (pairColumnNames(space).length,). `pairs` and `at` say where the pair's columns are.
 */
export function createWeightsOfPair(
  space: FeatureSpace,
  ranker: Ranker,
): (pairs: Float64Array, at: number, out: Float64Array) => void {
  const { pairWeights, contexts } = ranker;
  const columns = contextColumns(space);
  const { first, end } = crossedColumns(space);
  return (pairs, at, out) => {
    out.set(pairWeights);
    for (let c = 0; c < columns.length; c++) {
      const z = (pairs[at + columns[c]!]! - contexts.means[c]!) * contexts.scales[c]!;
      const row = c * (end - first) - first;
      for (let j = first; j < end; j++) out[j]! += z * contexts.weights[row + j]!;
    }
  };
}

/**
 * Every artist's share of the logit, which does not depend on the listener.
 *
 * @returns Shape (nArtists,).
 */
export function artistLogits(space: FeatureSpace, ranker: Ranker, table: ArtistTable): Float64Array {
  const { embedding, factors } = table;
  const { nFactors, nEmbedding } = space;
  const out = new Float64Array(embedding.nRows);
  for (let i = 0; i < out.length; i++) {
    let logit = 0;
    for (let e = embedding.indptr[i]!; e < embedding.indptr[i + 1]!; e++) {
      logit += embedding.values[e]! * ranker.artistWeights[embedding.indices[e]!]!;
    }
    for (let f = 0; f < nFactors; f++)
      logit += factors[i * nFactors + f]! * ranker.artistWeights[nEmbedding + f]!;
    out[i] = logit;
  }
  return out;
}

/**
 * The logit of each candidate of a listener: intercept + user part + artist part + pair part.
 *
 * @param artistPart - What {@link artistLogits} returned.
 * @param pairs - The record's pair columns, where they are computed already.
 * @returns Shape (n,), in the order of `record.items`.
 */
export function candidateLogits(
  space: FeatureSpace,
  ranker: Ranker,
  record: CandidateRecord,
  table: ArtistTable,
  artistPart: Float64Array,
  pairs: Float64Array = pairFeatures(space, record, table),
): Float64Array {
  const user = new Float64Array(nUserColumns(space));
  writeUserColumns(space, record.userFeatures, user, 0);
  let common = ranker.intercept;
  for (let c = 0; c < user.length; c++) common += user[c]! * ranker.userWeights[c]!;
  const width = ranker.pairWeights.length;
  const weightsOfPair = createWeightsOfPair(space, ranker);
  const weights = new Float64Array(width);
  return Float64Array.from(record.items, (item, i) => {
    weightsOfPair(pairs, i * width, weights);
    let logit = common + artistPart[item]!;
    for (let c = 0; c < width; c++) logit += pairs[i * width + c]! * weights[c]!;
    return logit;
  });
}

/** The logistic function 1 / (1 + e^-x), exact to rounding at both ends. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/**
 * Cuts the weights of {@link fitLogisticRegression} (pair, artist, user, crosses) into the parts of the space.
 *
 * @param scaling - Shape (nContexts,) each: what the contexts were centred and scaled by.
 */
export function splitWeights(
  space: FeatureSpace,
  intercept: number,
  weights: Float64Array,
  scaling: Pick<ContextWeights, 'means' | 'scales'>,
): Ranker {
  const nPair = pairColumnNames(space).length;
  const nArtist = nArtistColumns(space);
  return {
    intercept,
    pairWeights: weights.slice(0, nPair),
    artistWeights: weights.slice(nPair, nPair + nArtist),
    userWeights: weights.slice(nPair + nArtist, nPair + nArtist + nUserColumns(space)),
    contexts: { ...scaling, weights: weights.slice(nPair + nArtist + nUserColumns(space)) },
  };
}
