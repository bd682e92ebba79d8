import type { Exposure } from '../ports.ts';
import { assignVariant, DEFAULT_EXPERIMENT, type Experiment } from './assign-variant.ts';

/** Whether an exposure's assignment follows from the revision that it names. */
export type Reproduction = 'reproduced' | 'differs' | 'unknown' | 'forced' | 'none';

/**
 * Assigns the listener of an exposure anew and compares.
 *
 * @param revisions - Revisions of any experiments, in any order; {@link DEFAULT_EXPERIMENT} need not be among them.
 * @returns `reproduced` where variant and propensity are what the revision gives; `differs` where they are not, or where it
 *   gives the listener none; `unknown` where the revision is not among those given; `forced` where somebody asked for the variant;
 *   `none` where the exposure belongs to no experiment.
 */
export function assignmentOfExposure(exposure: Exposure, revisions: readonly Experiment[]): Reproduction {
  const { experiment, revision, variant, userId, propensity } = exposure;
  if (experiment === null) return 'none';
  if (exposure.forced) return 'forced';
  const isNamed = (candidate: Experiment): boolean =>
    candidate.key === experiment && candidate.revision === revision;
  const named = revisions.find(isNamed) ?? (isNamed(DEFAULT_EXPERIMENT) ? DEFAULT_EXPERIMENT : undefined);
  if (named === undefined) return 'unknown';
  const assignment = assignVariant(named, userId);
  // Stores may keep fewer digits of a propensity than it has.
  return assignment?.variant === variant && Math.abs(assignment.propensity - propensity) <= 1e-12
    ? 'reproduced'
    : 'differs';
}
