import { EncoreError, onHoldoutOf, planStages, toPlainDataset, type StagePlan } from '@encore/core/train';

import { servedParameters } from '../gate.ts';
import { prepareTraining } from '../prepare-training.ts';
import { parseTrainingEvent } from '../request.ts';
import { savedParts } from '../saved-parts.ts';
import type { TrainingPorts } from '../training-ports.ts';
import { fitsOf, listPending, readPlan, type Pending, type PlannedModel, type WorkPlan } from './plan.ts';
import { runOf, type StepRequestOf } from './request.ts';
import { createWorkStore, WORK, type WorkStore } from './work-store.ts';

/** Listeners of a shard: seconds of work, so that reading the fitted tables is not most of it. */
const SHARD_SIZE = 250;

/** What the workflow carries from state to state. */
export interface Prepared {
  readonly run: string;
  /** `busy`: somebody else is training; `published`: the run is over already. */
  readonly outcome: 'prepared' | 'busy' | 'published';
  readonly fits: readonly number[];
  readonly models: readonly number[];
  readonly pending: Pending;
}

/**
 * The first step: lease, drain, read and validate, merge, and a plan of all fits. A run that was prepared before goes on with what it
 * read then, and under its first fence.
 *
 * @throws {@link EncoreError} As `prepareTraining` and `savedParts` do; `STORE_UNAVAILABLE` when events could not be drained in time.
 */
export async function prepare(
  ports: TrainingPorts,
  request: StepRequestOf<'prepare'>,
  { deadlineMs }: { readonly deadlineMs: number },
): Promise<Prepared> {
  const run = runOf(request);
  const work = createWorkStore(ports.modelStore, run);
  const nothing = { run, fits: [], models: [], pending: { items: '', missing: 0, round: 0 } };
  if (await work.has(WORK.published)) return { ...nothing, outcome: 'published' };
  const lease = await ports.leaseStore.acquire(run, ports.clock(), ports.leaseMs);
  if (lease === undefined) return { ...nothing, outcome: 'busy' };
  const { run: _, ...event } = request.input;
  if (!(await work.has(WORK.plan))) await makePlan(ports, work, { event, deadlineMs, fence: lease.fence });
  const plan = await readPlan(work, ports.codeVersion);
  return {
    run,
    outcome: 'prepared',
    fits: fitsOf(plan),
    models: plan.models.map((_model, m) => m),
    pending: await listPending(work, plan, { shards: 'candidates', round: 0 }),
  };
}

async function makePlan(
  ports: TrainingPorts,
  work: WorkStore,
  options: { readonly event: unknown; readonly deadlineMs: number; readonly fence: number },
): Promise<void> {
  const event = parseTrainingEvent(options.event);
  // What lies there without a plan is of one that has expired: other data, other listeners in its places.
  await work.clear(WORK.plan);
  const found = await prepareTraining(ports, event, {
    startedAtMs: ports.clock(),
    progress: ports.progress,
    deadlineMs: options.deadlineMs,
  });
  if (found === null) {
    throw new EncoreError(
      'STORE_UNAVAILABLE',
      'events could not be drained in the time of one invocation: what was drained is kept, start again',
    );
  }
  const { dataset, erased, ...prepared } = found;
  const { parameters } = prepared;
  const reuse = await savedParts(ports.modelStore, dataset, parameters, event.options);
  const served = await servedParameters(ports.modelStore, parameters);
  const plans: StagePlan[] = [];
  const models: PlannedModel[] = [];
  const add = (model: PlannedModel['parameters'], stages: readonly StagePlan[]): void => {
    models.push({ parameters: model, firstFit: plans.length, nFits: stages.length });
    plans.push(...stages);
  };
  add(parameters, planStages(dataset, parameters, { reuse }));
  if (served !== null) {
    const compared = onHoldoutOf(served, parameters);
    add(compared, planStages(dataset, compared, { foldIn: false }));
  }
  await work.write(WORK.dataset, toPlainDataset(dataset));
  for (const [fit, plan] of plans.entries()) await work.write(WORK.stagePlan(fit), plan);
  const plan: WorkPlan = {
    codeVersion: ports.codeVersion,
    fence: options.fence,
    prepared,
    erased: dataset.users.ids.flatMap((userId) => {
      const at = erased(userId);
      return at === undefined ? [] : [[userId, at] as const];
    }),
    reuse,
    models,
    nUsers: dataset.users.size,
    shardSize: SHARD_SIZE,
  };
  // Last: it says that the rest is there.
  await work.write(WORK.plan, plan);
}
