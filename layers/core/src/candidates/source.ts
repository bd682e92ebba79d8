/**
 * One way to score every artist for a listener, fitted on the training part.
 *
 * The score has no unit: whoever combines sources standardises each row. A source never looks at what its
 * listeners will hear next, and it may score heard artists; {@link nominate} leaves them out.
 */
export interface CandidateSource {
  readonly name: string;
  /** How many of its best unheard artists the source nominates; 0 for one that only scores. */
  readonly k: number;
  /**
   * Scores all artists for one listener of the training part.
   *
   * @param user - Index in `users`.
   * @param out - Shape (nArtists,), overwritten; finite, higher is better. All 0 where the source knows nothing
   *   about the listener.
   */
  scoreUser(user: number, out: Float64Array): void;
}

/**
 * A score that is only worth computing for artists that somebody nominated.
 */
export interface PairScorer {
  /** One name for each score. */
  readonly names: readonly string[];
  /**
   * @param user - Index in `users`.
   * @param items - Shape (n,): artist indices.
   * @param out - Shape (n × names.length,), row-major, overwritten; finite.
   */
  scorePairs(user: number, items: Int32Array, out: Float64Array): void;
}
