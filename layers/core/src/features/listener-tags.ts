import type { Dataset } from '../data/dataset.ts';
import { columnLengths, csrFromCoordinates, filterCsr, mapCsr, rowLength, type Csr } from '../math/csr.ts';

/** A tag that fewer listeners have used says nothing about any other. */
const MIN_LISTENERS = 5;

/**
 * How often each listener tagged each artist.
 *
 * Of a held-out pair the tags are held out too, so an artist tagged but not heard is certainly no answer: this is for reports and
 * for what a score may take as *input*, never for a filter or a feature of the pair itself.
 *
 * @returns Shape (nUsers, nArtists); `null` without tags.
 */
export function taggedArtists({ users, artists, tagAssignments }: Dataset): Csr | null {
  if (tagAssignments === null) return null;
  const { user, artist } = tagAssignments;
  return countPairs(user, artist, users.size, artists.size);
}

/**
 * The tags that each listener gives, whatever the artist: tf-idf with sublinear counts, rows of length 1.
 *
 *     (1 + ln count) · (ln((1 + nUsers) / (1 + listeners who used the tag)) + 1)
 *
 * @returns Shape (nUsers, nTags), tags of fewer than five listeners left out; `null` without tags.
 */
export function listenerTags({ users, tags, tagAssignments }: Dataset): Csr | null {
  if (tagAssignments === null) return null;
  const counts = countPairs(tagAssignments.user, tagAssignments.tag, users.size, tags.size);
  const listeners = columnLengths(counts);
  const kept = filterCsr(counts, (_user, tag) => listeners[tag]! >= MIN_LISTENERS);
  const weights = mapCsr(
    kept,
    (count, _user, tag) => (1 + Math.log(count)) * (Math.log((1 + users.size) / (1 + listeners[tag]!)) + 1),
  );
  const lengths = Float64Array.from({ length: users.size }, (_, u) => {
    let squares = 0;
    for (let e = weights.indptr[u]!; e < weights.indptr[u + 1]!; e++) squares += weights.values[e]! ** 2;
    return rowLength(weights, u) > 0 ? Math.sqrt(squares) : 1;
  });
  return mapCsr(weights, (weight, user) => weight / lengths[user]!);
}

/** Occurrences of each (user, other) among assignments; taggers without plays are left out. */
function countPairs(user: Int32Array, other: Int32Array, nUsers: number, nOthers: number): Csr {
  const known = Int32Array.from(user.keys()).filter((a) => user[a]! >= 0);
  return csrFromCoordinates(
    nUsers,
    nOthers,
    known.map((a) => user[a]!),
    known.map((a) => other[a]!),
    new Float64Array(known.length).fill(1),
  );
}
