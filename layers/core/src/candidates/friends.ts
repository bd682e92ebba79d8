import type { Csr } from '../math/csr.ts';
import type { CandidateSource } from '../scoring/source.ts';
import { silentSource } from './silent-source.ts';

/**
 * What friends listen to: the mean interaction weight over the listener's friends. Of a listener who is known by a history
 * alone no friends are known: it is silent.
 *
 * @param weights - Shape (nUsers, nArtists).
 * @param friends - Shape (nUsers, nUsers), symmetric.
 */
export function fitFriends(
  weights: Csr,
  friends: Csr,
  source: { readonly name: string; readonly k: number },
): CandidateSource {
  return silentSource(source, (user, out) => {
    out.fill(0);
    const start = friends.indptr[user]!;
    const end = friends.indptr[user + 1]!;
    const share = 1 / Math.max(1, end - start);
    for (let f = start; f < end; f++) {
      const friend = friends.indices[f]!;
      for (let e = weights.indptr[friend]!; e < weights.indptr[friend + 1]!; e++) {
        out[weights.indices[e]!]! += share * weights.values[e]!;
      }
    }
  });
}
