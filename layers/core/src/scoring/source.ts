import type { Tensor } from '../artifact/safetensors.ts';
import type { History } from './history.ts';
import type { SourceSpec } from './source-spec.ts';

/**
 * One way to score every artist for any listener, from what a published version holds.
 *
 * The score has no unit: whoever combines sources standardises each row. A source never looks at what its
 * listeners will hear next, and it may score heard artists; {@link nominate} leaves them out.
 */
export interface HistorySource {
  readonly name: string;
  /** How many of its best unheard artists the source nominates; 0 for one that only scores. */
  readonly k: number;
  /**
   * Scores all artists for any listener, known or not, in closed form and without refitting.
   *
   * @param out - Shape (nArtists,), overwritten; finite, higher is better. All 0 where the source knows nothing
   *   about the listener, as for an empty history.
   * @param ownRow - The listener's row of the training part, where there is one: nobody is their own neighbour.
   */
  scoreHistory(history: History, out: Float64Array, ownRow?: number): void;
}

/** A source fitted on the training part, which may know more of its listeners than what they heard. */
export interface CandidateSource extends HistorySource {
  /**
   * Scores all artists for one listener of the training part, without any trace of the listener's own row being there.
   *
   * @param user - Index in `users`.
   * @param out - As for `scoreHistory`.
   */
  scoreUser(user: number, out: Float64Array): void;
  /** What `scoreHistory` needs besides the tables that sources share, in single precision where it is large. */
  encode(): EncodedSource;
}

/** A source as a version holds it. */
export interface EncodedSource {
  readonly spec: SourceSpec;
  /** Named `sources/<name>/…`. */
  readonly tensors: readonly Tensor[];
}

/** A score that is only worth computing for artists that somebody nominated. */
export interface PairScorer {
  /** One name for each score. */
  readonly names: readonly string[];
  /**
   * @param items - Shape (n,): artist indices.
   * @param out - Shape (n × names.length,), row-major, overwritten; finite.
   */
  scorePairs(history: History, items: Int32Array, out: Float64Array): void;
}
