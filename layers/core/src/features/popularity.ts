import type { Csr } from '../math/csr.ts';
import { minMaxScale } from './min-max.ts';

/** How much and by how many each artist is played. */
export interface Popularity {
  /** Shape (nArtists,): sum of plays. */
  readonly plays: Float64Array;
  /** Shape (nArtists,): number of listeners. */
  readonly listeners: Float64Array;
  /** Shape (nArtists,), in [0, 1]: min(plays, 3,000), min-max scaled over the catalogue. */
  readonly scaled: Float64Array;
}

/** Plays beyond this many add nothing to an artist's popularity (the seed design's figure). */
const POPULARITY_CAP = 3000;

/**
 * Measures the popularity of every artist of the catalogue.
 *
 * @param plays - Shape (nUsers, nArtists): *train* plays; held-out ones would leak.
 * @returns All zero in `scaled` where every artist is equally popular below the cap, or is above it.
 */
export function measurePopularity(plays: Csr): Popularity {
  const total = new Float64Array(plays.nCols);
  const listeners = new Float64Array(plays.nCols);
  for (let e = 0; e < plays.indices.length; e++) {
    total[plays.indices[e]!]! += plays.values[e]!;
    listeners[plays.indices[e]!]!++;
  }
  return {
    plays: total,
    listeners,
    scaled: minMaxScale(total.map((sum) => Math.min(sum, POPULARITY_CAP))),
  };
}
