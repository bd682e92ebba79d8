import { deserialize, serialize } from 'node:v8';

import {
  EncoreError,
  type EncodedModel,
  type FittedRankers,
  type Measured,
  type ModelStore,
  type PlainDataset,
  type RecommendationRow,
  type StageOneHead,
  type StageOneTables,
  type StagePlan,
  type TrainedModel,
  type VersionInfo,
} from '@encore/core/train';

import type { PublishedModel } from '../publish-trained.ts';
import type { WorkPlan } from './plan.ts';

/** Where a value of one type lies among the objects of a run. */
export interface WorkKey<Value> {
  readonly path: string;
  /** Never there: it keeps the types of keys apart. */
  readonly value?: Value;
}

/** The objects of a run, below `work/<run>/`. */
export const WORK = {
  plan: workKey<WorkPlan>('plan'),
  dataset: workKey<PlainDataset>('dataset'),
  stagePlan: (fit: number) => workKey<StagePlan>(`fits/${fit}/plan`),
  head: (fit: number) => workKey<StageOneHead>(`fits/${fit}/head`),
  tables: (fit: number) => workKey<StageOneTables>(`fits/${fit}/tables`),
  records: (fit: number, from: number) => workKey<readonly Uint8Array[]>(`fits/${fit}/records/${from}`),
  rankers: (model: number) => workKey<FittedRankers>(`models/${model}/rankers`),
  measured: (model: number) => workKey<Measured>(`models/${model}/measured`),
  encoded: workKey<{
    readonly encoded: EncodedModel;
    readonly trained: Omit<TrainedModel, 'stage'>;
  }>('encoded'),
  rows: (from: number) => workKey<readonly RecommendationRow[]>(`recommendations/${from}`),
  version: workKey<VersionInfo>('version'),
  published: workKey<PublishedModel>('published'),
} as const;

function workKey<Value>(path: string): WorkKey<Value> {
  return { path };
}

/** What the steps of one run leave to each other. */
export interface WorkStore {
  /** @throws {@link EncoreError} `NOT_FOUND` where the step that writes it has not run, or the object has expired. */
  read<Value>(key: WorkKey<Value>): Promise<Value>;
  find<Value>(key: WorkKey<Value>): Promise<Value | undefined>;
  has(key: WorkKey<unknown>): Promise<boolean>;
  write<Value>(key: WorkKey<Value>, value: Value): Promise<void>;
  /** What lies under the key; made and written where there is nothing yet. */
  once<Value>(key: WorkKey<Value>, make: () => Value | Promise<Value>): Promise<Value>;
  /** Writes a list that a distributed map reads. @returns Its key in the bucket. */
  writeItems(name: string, items: readonly unknown[]): Promise<string>;
  /** The paths of all objects of the run. */
  paths(): Promise<ReadonlySet<string>>;
  /** Deletes all objects of the run but one. */
  clear(kept: WorkKey<unknown>): Promise<void>;
}

/**
 * Values of a run in a store. They are written by `v8.serialize`: typed arrays as they are, and only for the same Node and the
 * same code to read, which the plan makes sure of.
 */
export function createWorkStore(store: ModelStore, run: string): WorkStore {
  const prefix = `work/${run}/`;
  const keyOf = ({ path }: WorkKey<unknown>): string => `${prefix}${path}.v8`;
  const find = async <Value>(key: WorkKey<Value>): Promise<Value | undefined> => {
    const found = await store.get(keyOf(key));
    if (found === undefined) return undefined;
    const value: Value = deserialize(found.body);
    return value;
  };
  const write = <Value>(key: WorkKey<Value>, value: Value): Promise<void> =>
    store.put(keyOf(key), serialize(value));
  return {
    find,
    write,
    read: async (key) => {
      const value = await find(key);
      if (value !== undefined) return value;
      throw new EncoreError('NOT_FOUND', `training run ${run} has no ${keyOf(key)}: start a new run`, {
        run,
        key: keyOf(key),
      });
    },
    has: async (key) => (await store.get(keyOf(key), { start: 0, end: 1 })) !== undefined,
    once: async (key, make) => {
      const found = await find(key);
      if (found !== undefined) return found;
      const value = await make();
      await write(key, value);
      return value;
    },
    writeItems: async (name, items) => {
      const key = `${prefix}items/${name}.json`;
      await store.put(key, new TextEncoder().encode(JSON.stringify(items)));
      return key;
    },
    paths: async () =>
      new Set((await store.list(prefix)).map((key) => key.slice(prefix.length).replace(/\.v8$/, ''))),
    clear: async (kept) => {
      const keys = await store.list(prefix);
      await store.delete(keys.filter((key) => key !== keyOf(kept)));
    },
  };
}
