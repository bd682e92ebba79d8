import { setTimeout as sleep } from 'node:timers/promises';
import { readPointer, type ModelStore, type ServingModel } from '@encore/core/serve';
import { loadModel, readPopular, type PopularList } from './load-model.ts';
import { createModelSource, type ModelSource } from './model-source.ts';

/** What a model store has to serve from. */
export interface StoredModels {
  /** The version that the pointer names. */
  readonly models: ModelSource<ServingModel>;
  /** The list for everybody. */
  readonly popular: ModelSource<PopularList | undefined>;
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
      readVersion: async () => (await readPointer(modelStore))?.pointer.version,
      load: (version) => loadModel(modelStore, version),
    }),
    popular: createModelSource({
      ...waiting,
      readVersion: async () => {
        stored = await readPopular(modelStore);
        return stored?.modelVersion;
      },
      load: () => Promise.resolve(stored),
    }),
  };
}
