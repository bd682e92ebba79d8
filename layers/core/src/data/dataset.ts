import type { Csr } from '../math/csr.ts';
import type { Vocabulary } from './vocabulary.ts';

/** One row for each (user, artist, tag) assignment whose artist is in the catalogue. */
export interface TagAssignments {
  /** Shape (nAssignments,): index in `users`, or -1 where the tagger has no plays. */
  readonly user: Int32Array;
  /** Shape (nAssignments,): index in `artists`. */
  readonly artist: Int32Array;
  /** Shape (nAssignments,): index in `tags`. */
  readonly tag: Int32Array;
  /** Shape (nAssignments,): epoch milliseconds, or NaN where the time was missing or refused. */
  readonly time: Float64Array;
}

/** A validated listening data set: vocabularies and typed arrays, nothing else. */
export interface Dataset {
  /** Everyone with plays. */
  readonly users: Vocabulary;
  /** The catalogue. */
  readonly artists: Vocabulary;
  readonly tags: Vocabulary;
  /** Shape (nArtists,). */
  readonly artistNames: readonly string[];
  /** Shape (nArtists,): the artist's page, or an empty string. */
  readonly artistUrls: readonly string[];
  /** Shape (nTags,). */
  readonly tagNames: readonly string[];
  /** Shape (nUsers, nArtists): play counts, integers >= 1. Implicit feedback, not ratings. */
  readonly plays: Csr;
  /** `null` where the data set has no tags: tag features are off. */
  readonly tagAssignments: TagAssignments | null;
  /** Shape (nUsers, nUsers), symmetric, values 1; `null` where the data set has no friends. */
  readonly friends: Csr | null;
  /**
   * Shape (nUsers, nArtists), disjoint from `plays`: artists that a listener disliked, which a model that is served may not
   * nominate for them. Nothing is fitted on it, and what labels or measures does not see it. `null` or absent where there are
   * none: the files know no dislikes.
   */
  readonly hidden?: Csr | null;
}
