import type { TagAssignments } from '../data/dataset.ts';
import { minMaxScale } from './min-max.ts';

/**
 * How long ago each artist was last tagged, scaled to [0, 1].
 *
 * x = (age - min age) / (max age - min age), the age being counted back from the newest valid tag of the data set, never
 * from a clock: 0 for the artist tagged last, 1 for the one whose last tag is oldest, and 1 for an artist never tagged at
 * a valid time. Where all ages are equal x is 0.
 *
 * @param assignments - `null` where the data set has no tags.
 * @returns Shape (nArtists,), or `null` where no assignment has a valid time: the feature is off.
 */
export function artistFreshness(assignments: TagAssignments | null, nArtists: number): Float64Array | null {
  return assignments === null ? null : freshness(assignments.artist, assignments.time, nArtists);
}

/**
 * How long ago each listener last tagged anything, scaled to [0, 1] like {@link artistFreshness}; 1 for one who never did.
 *
 * Tags of people without plays still say how new the newest tag is, but are nobody's row.
 *
 * @param assignments - `null` where the data set has no tags.
 * @returns Shape (nUsers,), or `null` where no assignment has a valid time: the feature is off.
 */
export function userFreshness(assignments: TagAssignments | null, nUsers: number): Float64Array | null {
  return assignments === null ? null : freshness(assignments.user, assignments.time, nUsers);
}

function freshness(owner: Int32Array, time: Float64Array, nOwners: number): Float64Array | null {
  let newest = -Infinity;
  const latest = new Float64Array(nOwners).fill(NaN);
  for (let a = 0; a < time.length; a++) {
    const at = time[a]!;
    if (Number.isNaN(at)) continue;
    if (at > newest) newest = at;
    const o = owner[a]!;
    if (o >= 0 && !(at <= latest[o]!)) latest[o] = at;
  }
  if (newest === -Infinity) return null;
  const ages = latest.map((at) => newest - at);
  const scaled = minMaxScale(ages);
  for (let o = 0; o < nOwners; o++) if (Number.isNaN(ages[o]!)) scaled[o] = 1;
  return scaled;
}
