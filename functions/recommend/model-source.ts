import { createRefreshed } from '../shared/refreshed.ts';

/** A model in memory, and the version it is of. */
export interface LoadedModel<Model> {
  readonly version: string;
  readonly model: Model;
}

/** The model to serve with. */
export interface ModelSource<Model> {
  /** The newest model known, at once wherever there is one; `null` where none was ever loaded. Never rejects. */
  current(): Promise<LoadedModel<Model> | null>;
}

/** Times in milliseconds. */
export interface ModelSourceOptions<Model> {
  /** The version that the pointer names; `undefined` where there is no pointer. */
  readonly readVersion: () => Promise<string | undefined>;
  readonly load: (version: string) => Promise<Model>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Told of every failed refresh. */
  readonly onFailure: (error: unknown) => void;
}

/** How old the answer of the pointer may be before it is asked again, behind the request's back. */
export const FRESH_MS = 5_000;
/** How soon a failed refresh is tried again. */
export const RETRY_MS = 1_000;
/** How old it may be before a request waits for the answer. */
export const STALE_MS = 60_000;
/** How long a request waits for a refresh when it has a model to fall back on. */
export const WARM_PATIENCE_MS = 500;
/** How long a request waits when it has none. */
export const COLD_PATIENCE_MS = 3_000;

/** Keeps one model in memory and follows the pointer: stale while it revalidates. */
export function createModelSource<Model>(options: ModelSourceOptions<Model>): ModelSource<Model> {
  const { readVersion, load, now, sleep, onFailure } = options;
  return {
    current: createRefreshed<LoadedModel<Model>>({
      read: async (last) => {
        const version = await readVersion();
        // A pointer that is gone is no reason to forget a model that works.
        if (version === undefined || version === last?.version) return last;
        return { version, model: await load(version) };
      },
      freshMs: FRESH_MS,
      retryMs: RETRY_MS,
      staleMs: STALE_MS,
      warmPatienceMs: WARM_PATIENCE_MS,
      coldPatienceMs: COLD_PATIENCE_MS,
      now,
      sleep,
      onFailure,
    }),
  };
}
