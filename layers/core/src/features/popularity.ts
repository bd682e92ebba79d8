import type { Csr } from '../math/csr.ts';
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
  const total = new Float64Array(plays.nCols);
  for (let e = 0; e < plays.indices.length; e++) total[plays.indices[e]!]! += plays.values[e]!;
  return minMaxScale(total.map((sum) => Math.min(sum, POPULARITY_CAP)));
}
