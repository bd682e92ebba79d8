import { setTimeout as sleep } from 'node:timers/promises';
import { readPointer, type FoldInModel, type ModelStore, type ServingModel } from '@encore/core/serve';
import { within } from '../shared/within.ts';
import { createFoldInSource, type FoldInSource } from './fold-in-source.ts';
import { loadFoldInModel, loadModel, readPopular, type PopularList } from './load-model.ts';
import { createModelSource, type PreloadableModelSource } from './model-source.ts';

/** The store's own deadline is for models: one small object that does not come is better asked for again. */
const SMALL_READ_MS = 1_000;

/** What a model store has to serve from. */
export interface StoredModels {
  /** The version that the pointer names. */
  readonly models: PreloadableModelSource<ServingModel>;
  /** The list for everybody. */
  readonly popular: PreloadableModelSource<PopularList | undefined>;
  /** What new listeners are folded in from, on first need. */
  readonly foldIn: FoldInSource<FoldInModel>;
}

/**
 * Follows a store's pointer and its popular list; reads neither before it is asked.
 *
 * @param onFailure - Told of every refresh that failed.
 */
export function followStore(modelStore: ModelStore, onFailure: (error: unknown) => void): StoredModels {
  const waiting = {
    now: Date.now,
    // A process that has nothing else to do need not wait for it.
    sleep: (ms: number) => sleep(ms, undefined, { ref: false }),
    onFailure,
  };
  // One small object: its version comes with the list itself.
  let stored: PopularList | undefined;
  return {
    models: createModelSource({
      ...waiting,
      readVersion: async () =>
        (await within(SMALL_READ_MS, 'reading the pointer', readPointer(modelStore)))?.pointer.version,
      load: (version) => loadModel(modelStore, version),
    }),
    popular: createModelSource({
      ...waiting,
      readVersion: async () => {
        stored = await within(SMALL_READ_MS, 'reading the popular list', readPopular(modelStore));
        return stored?.modelVersion;
      },
      load: () => Promise.resolve(stored),
    }),
    foldIn: createFoldInSource({ ...waiting, load: (version) => loadFoldInModel(modelStore, version) }),
  };
}
