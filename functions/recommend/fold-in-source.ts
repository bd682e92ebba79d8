/** What new listeners are folded in from, by version: large, and loaded only once somebody needs it. */
export interface FoldInSource<Model> {
  /** What is in memory of a version; where it is not, loading begins behind the caller's back. */
  get(version: string): Model | null;
  /** The same, but waits for the loading: `ms` milliseconds at most. Never rejects. */
  wait(version: string, ms: number): Promise<Model | null>;
}

/** Times in milliseconds. */
export interface FoldInSourceOptions<Model> {
  readonly load: (version: string) => Promise<Model>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Told of every loading that failed. */
  readonly onFailure: (error: unknown) => void;
}

/** How soon after a failure the same version is tried again. */
export const FOLD_IN_RETRY_MS = 5_000;

/** Models kept in memory: the version served and the one before it. They take tens of megabytes each. */
const KEPT_MODELS = 2;

/** Loads fold-in models on first need, one at a time, and keeps the two that were asked for last. */
export function createFoldInSource<Model>(options: FoldInSourceOptions<Model>): FoldInSource<Model> {
  const { load, now, sleep, onFailure } = options;
  /** Least recently asked for first. */
  const kept = new Map<string, Model>();
  let loading: Promise<void> | null = null;
  let failed: { readonly version: string; readonly retryAt: number } | null = null;

  async function fetch(version: string): Promise<void> {
    try {
      const model = await load(version);
      kept.set(version, model);
      if (kept.size > KEPT_MODELS) kept.delete(kept.keys().next().value!);
      if (failed?.version === version) failed = null;
    } catch (error) {
      failed = { version, retryAt: now() + FOLD_IN_RETRY_MS };
      onFailure(error);
    } finally {
      loading = null;
    }
  }

  function get(version: string): Model | null {
    const model = kept.get(version);
    if (model !== undefined) {
      kept.delete(version);
      kept.set(version, model);
      return model;
    }
    const isTooSoon = failed?.version === version && now() < failed.retryAt;
    if (loading === null && !isTooSoon) loading = fetch(version);
    return null;
  }

  return {
    get,
    wait: async (version, ms) => {
      const model = get(version);
      if (model !== null || loading === null) return model;
      const late = sleep(ms).then(() => 'late' as const);
      // Another version may be loading: then this one's turn comes next.
      for (let under: Promise<void> | null = loading; under !== null; under = loading) {
        if ((await Promise.race([under, late])) === 'late') return null;
        const loaded = get(version);
        if (loaded !== null) return loaded;
      }
      return null;
    },
  };
}
