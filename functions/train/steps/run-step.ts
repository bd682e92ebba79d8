import {
  assembleVersion,
  encodeModel,
  fitRankers,
  fitStageOne,
  fromPlainDataset,
  joinStages,
  loadServingModel,
  measureRankers,
  nominateUsers,
  rankedModel,
  recommendationOrder,
  recommendationRows,
  requireQuality,
  trainVariants,
  type Dataset,
  type FittedStages,
  type StagePlan,
  type TrainedModel,
} from '@encore/core/train';

import { inParallel } from '../../shared/in-parallel.ts';
import { publishContents, versionInfo, type PublishedModel } from '../publish-trained.ts';
import type { TrainingPorts } from '../training-ports.ts';
import { listPending, readPlan, shardsOf, type Pending, type PlannedModel, type WorkPlan } from './plan.ts';
import { prepare, type Prepared } from './prepare.ts';
import { runOf, type StepRequest, type StepRequestOf } from './request.ts';
import { createWorkStore, WORK, type WorkKey, type WorkStore } from './work-store.ts';

/** What a step answers: keys and numbers, never data. */
export type StepAnswer = Prepared | Pending | PublishedModel | Readonly<Record<string, never>>;

const DONE = {};

/** What every step but the first and the last works on. */
interface StepWork {
  readonly ports: TrainingPorts;
  readonly work: WorkStore;
  readonly plan: WorkPlan;
  readonly deadlineMs: number;
}

/**
 * Runs one step of the training workflow. Each writes its output last, and does nothing where it is there already: a step may be
 * repeated, and a run started again, at any time.
 *
 * @param run - `deadlineMs` (epoch): when draining and publishing have to stop.
 * @throws {@link EncoreError} as the steps do.
 */
export async function runStep(
  ports: TrainingPorts,
  request: StepRequest,
  { deadlineMs }: { readonly deadlineMs: number },
): Promise<StepAnswer> {
  if (request.step === 'prepare') return await prepare(ports, request, { deadlineMs });
  if (request.step === 'release') {
    await ports.leaseStore.release(runOf(request));
    return DONE;
  }
  const work = createWorkStore(ports.modelStore, request.run);
  if (request.step === 'publish') {
    const published = await work.find(WORK.published);
    if (published !== undefined) return published;
  }
  const plan = await readPlan(work, ports.codeVersion);
  const step = { ports, work, plan, deadlineMs };
  switch (request.step) {
    case 'factorise':
      return await factorise(step, request);
    case 'candidates':
      return await candidates(step, request);
    case 'complete':
      return await listPending(work, plan, { shards: request.shards, round: request.round + 1 });
    case 'rank':
      return await rank(step, request);
    case 'evaluate':
      return await evaluate(step, request);
    case 'gate':
      return await gate(step);
    case 'encode':
      return await encode(step);
    case 'recommendations':
      return await recommendations(step, request);
    case 'publish':
      return await publish(step);
    default:
      return request satisfies never;
  }
}

/** Fits stage one on everything or without one fold. */
async function factorise({ work }: StepWork, { fit }: StepRequestOf<'factorise'>): Promise<StepAnswer> {
  if (await work.has(WORK.head(fit))) return DONE;
  const { head, tables } = fitStageOne(await stageInput(work, fit));
  await work.write(WORK.tables(fit), tables);
  await work.write(WORK.head(fit), head);
  return DONE;
}

/** Packs the candidates of one shard of listeners under one fit. */
async function candidates(
  { work }: StepWork,
  { fit, from, to }: StepRequestOf<'candidates'>,
): Promise<StepAnswer> {
  if (await work.has(WORK.records(fit, from))) return DONE;
  const records = nominateUsers(await stageInput(work, fit), await work.read(WORK.tables(fit)), { from, to });
  await work.write(WORK.records(fit, from), records);
  return DONE;
}

/** Fits the ranker of one model, and the one that it is measured by. */
async function rank(step: StepWork, { model }: StepRequestOf<'rank'>): Promise<StepAnswer> {
  const { ports, work } = step;
  if (await work.has(WORK.rankers(model))) return DONE;
  const planned = step.plan.models[model]!;
  const stages = await readStages(step, planned);
  const { parallel, progress } = ports;
  // The model of the served parameters is a comparison: it reuses nothing.
  const io = { parallel, progress, ...(model === 0 ? { reuse: step.plan.reuse } : {}) };
  const dataset = await readDataset(work);
  await work.write(WORK.rankers(model), await fitRankers(dataset, stages, planned.parameters, io));
  return DONE;
}

/** Measures one model on the holdout. */
async function evaluate(step: StepWork, { model }: StepRequestOf<'evaluate'>): Promise<StepAnswer> {
  const { work } = step;
  if (await work.has(WORK.measured(model))) return DONE;
  const planned = step.plan.models[model]!;
  const stages = await readStages(step, planned);
  const rankers = await work.read(WORK.rankers(model));
  const dataset = await readDataset(work);
  await work.write(WORK.measured(model), measureRankers(dataset, stages, planned.parameters, rankers));
  return DONE;
}

/** Refuses a model that is clearly worse than the one served, as `gate` of the training in one go does. */
async function gate({ work, plan }: StepWork): Promise<StepAnswer> {
  const [own, served] = await Promise.all(plan.models.map((_, m) => work.read(WORK.measured(m))));
  if (served !== undefined)
    requireQuality(own!.metrics['holdout-ndcg@20'], served.metrics['holdout-ndcg@20']);
  return DONE;
}

/** Fits the variants of the ranker, encodes the model, and lists the shards of recommendations. */
async function encode(step: StepWork): Promise<StepAnswer> {
  const { work, plan } = step;
  if (!(await work.has(WORK.encoded))) {
    const planned = plan.models[0]!;
    const dataset = await readDataset(work);
    const stages = await readStages(step, planned);
    const { stage, ...trained } = await completeModel(step, dataset, stages);
    await work.write(WORK.encoded, { encoded: await encodeModel({ ...trained, stage }, dataset), trained });
  }
  return await listPending(work, plan, { shards: 'recommendations', round: 0 });
}

async function completeModel(
  { ports, work, plan }: StepWork,
  dataset: Dataset,
  stages: FittedStages,
): Promise<TrainedModel> {
  const { parameters } = plan.models[0]!;
  const [rankers, measured] = [await work.read(WORK.rankers(0)), await work.read(WORK.measured(0))];
  const ranked = rankedModel(stages, parameters, { rankers, measured });
  if (plan.reuse.ranker !== null) return { ...ranked, variants: plan.reuse.ranker.variants };
  const io = { parallel: ports.parallel, progress: ports.progress };
  return await trainVariants(dataset, stages, ranked, { io, variants: parameters.ranker.variants });
}

/** The rows of `recommendations.csv` about one shard of its listeners, who come in the file's order. */
async function recommendations(
  { work, plan }: StepWork,
  { from, to }: StepRequestOf<'recommendations'>,
): Promise<StepAnswer> {
  if (await work.has(WORK.rows(from))) return DONE;
  const { users } = await readDataset(work);
  const listeners = Array.from(recommendationOrder(users.ids).subarray(from, to));
  const needed = new Set(listeners.map((u) => u - (u % plan.shardSize)));
  const records = new Map<number, Uint8Array>();
  for (const start of needed) {
    (await work.read(WORK.records(0, start))).forEach((record, i) => records.set(start + i, record));
  }
  const { encoded } = await work.read(WORK.encoded);
  const served = await loadServingModel({ tensors: encoded.model, catalog: encoded.catalog });
  const entries = listeners.map((u) => ({ userId: users.ids[u]!, record: records.get(u)! }));
  await work.write(WORK.rows(from), recommendationRows(served, entries));
  return DONE;
}

/** Assembles the version and publishes it. After a deadline it is to be called again: it goes on with the same version. */
async function publish({ ports, work, plan, deadlineMs }: StepWork): Promise<StepAnswer> {
  const { fence, prepared, erased } = plan;
  const dataset = await readDataset(work);
  const { encoded, trained } = await work.read(WORK.encoded);
  const served = await loadServingModel({ tensors: encoded.model, catalog: encoded.catalog });
  const rows = (await readAll(work, shardsOf(plan), ({ from }) => WORK.rows(from))).flat();
  const stage = await readStage({ work, plan }, 0);
  // A manifest may not change from one attempt to the next, and the time that the run took is part of it.
  const info = await work.once(WORK.version, () =>
    versionInfo(ports, prepared, {
      fence,
      timings: { workflow: ports.clock() - prepared.startedAtMs },
    }),
  );
  const contents = await assembleVersion({ ...trained, stage }, dataset, info, { encoded, served, rows });
  const erasedBefore = new Map(erased);
  const published = await publishContents(
    ports,
    { dataset, erased: (userId) => erasedBefore.get(userId) },
    contents,
    { fence, progress: ports.progress, deadlineMs },
  );
  if (published.outcome === 'deadline') return published;
  await work.write(WORK.published, published);
  await work.clear(WORK.published);
  return published;
}

/** Objects read at once: fewer than the client has connections, for whoever waits for one may be given up. */
const READS_AT_ONCE = 25;

/** One object for each item, in their order. */
async function readAll<Item, Value>(
  work: WorkStore,
  items: readonly Item[],
  keyOf: (item: Item) => WorkKey<Value>,
): Promise<readonly Value[]> {
  const found: Value[] = [];
  await inParallel(items.length, READS_AT_ONCE, async (i) => {
    found[i] = await work.read(keyOf(items[i]!));
  });
  return found;
}

async function readDataset(work: WorkStore): Promise<Dataset> {
  return fromPlainDataset(await work.read(WORK.dataset));
}

async function stageInput(work: WorkStore, fit: number) {
  return { ...(await work.read(WORK.stagePlan(fit))), dataset: await work.read(WORK.dataset) };
}

/** One fit of stage one with the candidates of all listeners. */
async function readStage({ work, plan }: Pick<StepWork, 'work' | 'plan'>, fit: number) {
  const head = await work.read(WORK.head(fit));
  const parts = await readAll(work, shardsOf(plan), ({ from }) => WORK.records(fit, from));
  return { ...head, records: parts.flat() };
}

async function readStages(
  step: Pick<StepWork, 'work' | 'plan'>,
  { firstFit, nFits }: PlannedModel,
): Promise<FittedStages> {
  const plans: StagePlan[] = [];
  const stages = [];
  for (let fit = firstFit; fit < firstFit + nFits; fit++) {
    plans.push(await step.work.read(WORK.stagePlan(fit)));
    stages.push(await readStage(step, fit));
  }
  return joinStages(plans, stages);
}
