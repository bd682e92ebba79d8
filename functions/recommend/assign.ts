import {
  chooseExperiment,
  DEFAULT_EXPERIMENT,
  EncoreError,
  forceVariant,
  type Assignment,
  type Experiment,
} from '@encore/core/serve';

/** Who ranks a list, and why. */
export interface Assigned {
  /** `null` where the listener takes part in no experiment. */
  readonly assignment: Assignment | null;
  /** Whether somebody asked for the variant. */
  readonly forced: boolean;
  /** What ranks; two rankers, those of the variants in their order, where the list is drafted from both. */
  readonly rankers: readonly [string] | readonly [string, string];
}

/** What ranks for listeners outside of every experiment. */
const CONTROL_RANKER = 'lr';

/**
 * Decides who ranks a list.
 *
 * @param experiments - The newest revision of each; `null` where nobody could say, and then nobody takes part.
 * @param listenerId - `null` where nobody says who listens, and then nobody takes part.
 * @param force - `experiment:variant`, to have that variant whatever the hash says.
 * @throws EncoreError `INVALID_OPTION` naming what may be forced.
 */
export function assign(
  experiments: readonly Experiment[] | null,
  listenerId: string | null,
  force: string | undefined,
): Assigned {
  if (experiments === null) return OUTSIDE;
  const all = experiments.some(({ key }) => key === DEFAULT_EXPERIMENT.key)
    ? experiments
    : [...experiments, DEFAULT_EXPERIMENT];
  if (force !== undefined) return forced(all, force);
  const assignment = listenerId === null ? null : chooseExperiment(experiments, listenerId);
  if (assignment === null) return OUTSIDE;
  if (assignment.kind === 'ab') return { assignment, forced: false, rankers: [assignment.ranker] };
  const [first, second] = all.find(({ key }) => key === assignment.experiment)!.variants;
  return { assignment, forced: false, rankers: [first!.ranker, second!.ranker] };
}

const OUTSIDE: Assigned = { assignment: null, forced: false, rankers: [CONTROL_RANKER] };

/** A forced variant ranks alone, also where the experiment interleaves: that is what is to be looked at. */
function forced(experiments: readonly Experiment[], force: string): Assigned {
  const [key = '', variant = ''] = force.split(':');
  const experiment = experiments.find((candidate) => candidate.key === key);
  if (experiment === undefined)
    throw notForceable(
      force,
      experiments.map(({ key }) => key),
    );
  if (!experiment.variants.some((candidate) => candidate.key === variant)) {
    throw notForceable(
      force,
      experiment.variants.map((candidate) => `${key}:${candidate.key}`),
    );
  }
  const assignment = forceVariant(experiment, variant);
  return { assignment, forced: true, rankers: [assignment.ranker] };
}

function notForceable(found: string, allowed: readonly string[]): EncoreError {
  return new EncoreError(
    'INVALID_OPTION',
    `force is ${JSON.stringify(found)}: there is ${allowed.join(', ')}`,
    {
      field: 'force',
      found,
      allowed,
    },
  );
}
