/** A model in memory, and the version it is of. */
export interface LoadedModel<Model> {
  readonly version: string;
  readonly model: Model;
}

/** The model to serve with. */
export interface ModelSource<Model> {
  /** The newest model known; `null` where none was ever loaded. Answers within {@link COLD_PATIENCE_MS}. Never rejects. */
  current(): Promise<LoadedModel<Model> | null>;
}

/** A model source that can be filled before the first request. */
export interface PreloadableModelSource<Model> extends ModelSource<Model> {
  /** Resolves once the first model is there, or could not be loaded, or there is none to load. Never rejects. */
  preload(): Promise<void>;
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
export const FRESH_MS = 1_500;
/** How soon after a failure the pointer is asked, or a model loaded, again. */
export const RETRY_MS = 1_000;
/**
 * How old the pointer's answer may be before a request waits for the next, and how long a model may take to load before requests
 * wait for it. Lambda freezes a process between requests, and what it does behind their backs with it: where requests are
 * rare, what is never waited for never ends.
 */
export const STALE_MS = 3_000;
/** How long a request waits when it has a model to fall back on. */
export const WARM_PATIENCE_MS = 100;
/** How long a request waits when it has none. */
export const COLD_PATIENCE_MS = 200;

/** Models kept in memory: the one served and the one before it, so that going back takes no loading. */
const KEPT_MODELS = 2;

/**
 * Follows the pointer and keeps the model that it names in memory: stale while it revalidates.
 *
 * Models are loaded behind requests, one at a time. The pointer is asked again after 1.5 s; a request that finds its answer
 * older than 3 s waits a moment for what is to come. So a moved pointer is followed within 5 s wherever the store answers.
 */
export function createModelSource<Model>(options: ModelSourceOptions<Model>): PreloadableModelSource<Model> {
  const { readVersion, load, now, sleep, onFailure } = options;
  /** Most recently served last. */
  let kept: readonly LoadedModel<Model>[] = [];
  let wanted: string | undefined;
  let asking: Promise<void> | null = null;
  let loading: { readonly startedAt: number; readonly done: Promise<void> } | null = null;
  let confirmedAt = -Infinity;
  let dueAt = -Infinity;
  let loadableAt = -Infinity;

  const served = (): LoadedModel<Model> | null => kept.at(-1) ?? null;

  /** Serves what the pointer names: at once where it is in memory, else once it is loaded. */
  function follow(): void {
    if (wanted === undefined || wanted === served()?.version) return;
    const found = kept.find(({ version }) => version === wanted);
    if (found !== undefined) {
      kept = [...kept.filter((model) => model !== found), found];
      return;
    }
    if (loading === null && now() >= loadableAt) {
      loading = { startedAt: now(), done: fetch(wanted) };
    }
  }

  async function fetch(version: string): Promise<void> {
    try {
      const model = await load(version);
      // What is no longer wanted is kept nevertheless: it may be in a moment, and it is paid for.
      const fetched = { version, model };
      kept =
        version === wanted || kept.length === 0
          ? [...kept, fetched].slice(-KEPT_MODELS)
          : [fetched, ...kept.slice(1 - KEPT_MODELS)];
    } catch (error) {
      loadableAt = now() + RETRY_MS;
      onFailure(error);
    } finally {
      loading = null;
    }
    // The pointer may have moved on meanwhile.
    follow();
  }

  async function ask(): Promise<void> {
    const askedAt = now();
    try {
      // A pointer that is gone is no reason to forget a model that works.
      wanted = (await readVersion()) ?? wanted;
      confirmedAt = askedAt;
      dueAt = now() + FRESH_MS;
    } catch (error) {
      dueAt = now() + RETRY_MS;
      onFailure(error);
    } finally {
      asking = null;
    }
    follow();
  }

  /** What a request waits for: the pointer, and the model that it names, each as far as it is under way. */
  async function whatIsDue(): Promise<void> {
    await asking;
    await loading?.done;
  }

  return {
    current: async () => {
      if (asking === null && now() >= dueAt) asking = ask();
      else follow();
      const isUnderWay = asking !== null || loading !== null;
      const isStale = asking !== null && now() - confirmedAt >= STALE_MS;
      const isOverdue = loading !== null && now() - loading.startedAt >= STALE_MS;
      if (isStale || isOverdue || (isUnderWay && served() === null)) {
        await Promise.race([whatIsDue(), sleep(served() === null ? COLD_PATIENCE_MS : WARM_PATIENCE_MS)]);
      }
      return served();
    },
    preload: async () => {
      if (served() !== null) return;
      asking ??= ask();
      await asking;
      await loading?.done;
    },
  };
}
