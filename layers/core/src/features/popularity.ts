import type { Csr } from '../math/csr.ts';
import { quantile } from '../math/quantile.ts';
import { minMaxScale } from './min-max.ts';

/** Plays beyond this many add nothing to an artist's popularity (the seed design's figure). */
const POPULARITY_CAP = 3000;

/**
 * How much each artist is played, scaled to [0, 1]: min(sum of plays, 3,000), min-max scaled over the catalogue.
 *
 * @param plays - Shape (nUsers, nArtists): *train* plays; held-out ones would leak.
 * @returns Shape (nArtists,): all zero where every artist is equally popular below the cap, or is above it.
 */
export function artistPopularity(plays: Csr): Float64Array {
  return cappedSums(plays, () => POPULARITY_CAP);
}

/**
 * How many listen to each artist, scaled to [0, 1]: the sum of the listeners' interaction weights, capped at a quantile over the
 * artists heard by anybody, min-max scaled over the catalogue. A listener counts less than 1½ in it, whatever they play.
 *
 * @param weights - Shape (nUsers, nArtists): of *train*; held-out ones would leak.
 * @param cap - In (0, 1].
 * @returns Shape (nArtists,): all zero where every artist is equally popular.
 */
export function weightedPopularity(weights: Csr, cap: number): Float64Array {
  return cappedSums(weights, (sums) =>
    quantile(
      sums.filter((sum) => sum > 0),
      cap,
    ),
  );
}

function cappedSums({ nCols, indices, values }: Csr, capOf: (sums: Float64Array) => number): Float64Array {
  const sums = new Float64Array(nCols);
  for (let e = 0; e < indices.length; e++) sums[indices[e]!]! += values[e]!;
  const cap = capOf(sums);
  return minMaxScale(sums.map((sum) => Math.min(sum, cap)));
}
