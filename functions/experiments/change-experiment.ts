import {
  EncoreError,
  isSameExperiment,
  overlappingExperiment,
  restartsReadOut,
  validateExperiment,
  type Experiment,
  type ExperimentRevision,
  type ExperimentStore,
} from '@encore/core/serve';
import { BUILT_IN } from '../shared/built-in-experiment.ts';

/** What somebody wants an experiment to be. */
export interface ExperimentChange extends Pick<Experiment, 'coverage' | 'layer' | 'variants' | 'status'> {
  readonly kind?: Experiment['kind'];
  readonly seed?: string;
  /** The revision that this is a change of, 0 for none; without it any. */
  readonly revision?: number;
}

/**
 * All revisions of an experiment, oldest first.
 *
 * The built-in experiment is revision 1 of its key, whether it was ever stored or not: exposures name it.
 */
export async function readRevisions(
  store: ExperimentStore,
  key: string,
): Promise<readonly ExperimentRevision[]> {
  const stored = await store.revisions(key);
  return key === BUILT_IN.key && stored[0]?.revision !== 1 ? [BUILT_IN, ...stored] : stored;
}

/**
 * Makes a new revision of an experiment, unless it is that already.
 *
 * Whether it would share listeners is asked before it is written: of two experiments that start in the same moment both may
 * pass. Each listener still takes part in one, the first by key, and the other's read-out lacks them.
 *
 * @throws EncoreError `CONFLICT` where the revision is not the newest, somebody else made one meanwhile, or listeners would
 *   be shared; `INVALID_OPTION` naming the field that is wrong.
 */
export async function changeExperiment(
  store: ExperimentStore,
  key: string,
  { change, now }: { readonly change: ExperimentChange; readonly now: number },
): Promise<{ readonly changed: boolean; readonly experiment: ExperimentRevision }> {
  const newest = (await readRevisions(store, key)).at(-1);
  const present = newest?.revision ?? 0;
  const { revision: expected = present, layer, coverage, variants, status } = change;
  if (expected !== present) {
    throw new EncoreError(
      'CONFLICT',
      `revision is ${expected}: experiment "${key}" is at revision ${present}; read it and decide again`,
      { field: 'revision', experiment: key, found: expected, newest: present },
    );
  }
  const wanted: Experiment = {
    key,
    revision: present + 1,
    kind: change.kind ?? newest?.kind ?? 'ab',
    seed: change.seed ?? newest?.seed ?? key,
    coverage,
    ...(layer === undefined ? {} : { layer }),
    variants,
    status,
  };
  validateExperiment(wanted);
  if (newest !== undefined && isSameExperiment(newest, wanted)) return { changed: false, experiment: newest };
  await refuseSharing(store, wanted);
  const revision: ExperimentRevision = {
    ...wanted,
    // Clocks differ between processes; revisions are in order.
    createdAt: Math.max(now, newest?.createdAt ?? 0),
    readOutFrom:
      newest === undefined || restartsReadOut(newest, wanted) ? wanted.revision : newest.readOutFrom,
  };
  if (await store.add(revision)) return { changed: true, experiment: revision };
  throw new EncoreError(
    'CONFLICT',
    `revision is ${present}: experiment "${key}" has a revision ${wanted.revision} that was not there a moment ago; read it and decide again`,
    { field: 'revision', experiment: key, found: present, newest: wanted.revision },
  );
}

async function refuseSharing(store: ExperimentStore, wanted: Experiment): Promise<void> {
  if (wanted.status !== 'running') return;
  const others = (await store.list()).filter(({ key }) => key !== wanted.key);
  const overlapping = overlappingExperiment(wanted, others);
  if (overlapping !== null) {
    throw new EncoreError(
      'CONFLICT',
      `status is "running": experiment "${wanted.key}" would share listeners with running experiment "${overlapping}"; stop that, or give both a layer of one namespace`,
      { field: 'status', experiment: wanted.key, overlapping },
    );
  }
  // The built-in experiment takes whom this one passes on: by one seed these would all lie on one side of it.
  const seeds = others.some(({ key }) => key === BUILT_IN.key) ? others : [BUILT_IN, ...others];
  const twin = seeds.find(
    ({ key, seed, status }) => key !== wanted.key && seed === wanted.seed && status === 'running',
  );
  if (twin === undefined) return;
  throw new EncoreError(
    'CONFLICT',
    `seed is ${JSON.stringify(wanted.seed)}: running experiment "${twin.key}" has it, so that neither's variants were random among the other's; allowed is a seed of its own`,
    { field: 'seed', experiment: wanted.key, overlapping: twin.key },
  );
}
