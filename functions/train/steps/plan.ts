import { EncoreError, type Reuse, type TrainParameters } from '@encore/core/train';

import type { PreparedTraining } from '../prepare-training.ts';
import { WORK, type WorkKey, type WorkStore } from './work-store.ts';

/** What all steps of a run go by. */
export interface WorkPlan {
  readonly codeVersion: string;
  /** Of the lease under which the run began: what it publishes gives way to whatever began later. */
  readonly fence: number;
  readonly prepared: Omit<PreparedTraining, 'dataset' | 'erased'>;
  /** Listeners of the data set who were erased before the run began, and when (epoch milliseconds). */
  readonly erased: readonly (readonly [userId: string, at: number])[];
  readonly reuse: Reuse;
  /** The model to be published, and the one of the served parameters that the gate compares it with, where it does. */
  readonly models: readonly PlannedModel[];
  readonly nUsers: number;
  /** Listeners of a shard. */
  readonly shardSize: number;
}

/** A model, and which fits of stage one it needs: `nFits` from `firstFit` on, the first of them on everything. */
export interface PlannedModel {
  readonly parameters: TrainParameters;
  readonly firstFit: number;
  readonly nFits: number;
}

/** An item of a distributed map. */
export type Shard = { readonly from: number; readonly to: number; readonly fit?: number };

/**
 * The plan of a run.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when other code made it: what it wrote might mean something else now.
 */
export async function readPlan(work: WorkStore, codeVersion: string): Promise<WorkPlan> {
  const plan = await work.read(WORK.plan);
  if (plan.codeVersion === codeVersion) return plan;
  throw new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `the training run was begun by code ${plan.codeVersion}, found ${codeVersion}: start a new run`,
    { found: codeVersion, expected: plan.codeVersion },
  );
}

/** [from, to) over all listeners. */
export function shardsOf({ nUsers, shardSize }: Pick<WorkPlan, 'nUsers' | 'shardSize'>): readonly Shard[] {
  return Array.from({ length: Math.ceil(nUsers / shardSize) }, (_, s) => ({
    from: s * shardSize,
    to: Math.min(nUsers, (s + 1) * shardSize),
  }));
}

/** All shards of a distributed map, each with the object that says that it is done. */
function itemsOf(
  shards: 'candidates' | 'recommendations',
  plan: WorkPlan,
): readonly { readonly item: Shard; readonly output: WorkKey<unknown> }[] {
  const ranges = shardsOf(plan);
  if (shards === 'recommendations') {
    return ranges.map((item) => ({ item, output: WORK.rows(item.from) }));
  }
  return fitsOf(plan).flatMap((fit) =>
    ranges.map((range) => ({ item: { fit, ...range }, output: WORK.records(fit, range.from) })),
  );
}

/** The number of every fit of stage one. */
export function fitsOf({ models }: WorkPlan): readonly number[] {
  const last = models.at(-1)!;
  return Array.from({ length: last.firstFit + last.nFits }, (_, fit) => fit);
}

/** What a distributed map has left to do. */
export interface Pending {
  /** Key of the list of items. */
  readonly items: string;
  readonly missing: number;
  /** How many times the map has run. */
  readonly round: number;
}

/** Lists the shards whose output is not there yet, for the map to read. */
export async function listPending(
  work: WorkStore,
  plan: WorkPlan,
  { shards, round }: { readonly shards: 'candidates' | 'recommendations'; readonly round: number },
): Promise<Pending> {
  const done = await work.paths();
  const missing = itemsOf(shards, plan).flatMap(({ item, output }) => (done.has(output.path) ? [] : [item]));
  return { items: await work.writeItems(`${shards}-${round}`, missing), missing: missing.length, round };
}
