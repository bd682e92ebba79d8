import { describe, expect, it } from 'vitest';
import {
  COLD_PATIENCE_MS,
  createModelSource,
  FRESH_MS,
  RETRY_MS,
  STALE_MS,
  WARM_PATIENCE_MS,
} from '../../../functions/recommend/model-source.ts';

/** A pointer, models and a clock under the test's control. */
function world() {
  const state = {
    nowMs: 0,
    version: undefined as string | undefined,
    /** What a read of the pointer waits for. */
    gate: Promise.resolve(),
    /** What the loading of a model waits for. */
    loadGate: Promise.resolve(),
    /** What happens while a request waits. */
    duringSleep: () => {},
    broken: new Set<string>(),
    reads: 0,
    loads: [] as string[],
    failures: [] as unknown[],
    slept: [] as number[],
  };
  const source = createModelSource<string>({
    readVersion: async () => {
      state.reads++;
      await state.gate;
      if (state.broken.has('pointer')) throw new Error('pointer unreadable');
      return state.version;
    },
    load: async (version) => {
      state.loads.push(version);
      await state.loadGate;
      if (state.broken.has(version)) throw new Error(`${version} unreadable`);
      return `model ${version}`;
    },
    now: () => state.nowMs,
    // Later than anything that is already settled, so that only what hangs is given up on.
    sleep: async (ms) => {
      state.slept.push(ms);
      state.duringSleep();
      await new Promise((resolve) => setImmediate(resolve));
    },
    onFailure: (error) => state.failures.push(error),
  });
  return { state, source };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = new Promise<void>(() => undefined);

describe('the model source', () => {
  it('waits for the first model and then answers without asking again while it is fresh', async () => {
    const { state, source } = world();
    state.version = 'v1';
    expect(await source.current()).toEqual({ version: 'v1', model: 'model v1' });
    state.nowMs = FRESH_MS - 1;
    await source.current();
    expect(state.reads).toBe(1);
    expect(state.loads).toEqual(['v1']);
  });

  it('loads once for requests that come together', async () => {
    const { state, source } = world();
    state.version = 'v1';
    const answers = await Promise.all([source.current(), source.current(), source.current()]);
    expect(answers.map((answer) => answer?.version)).toEqual(['v1', 'v1', 'v1']);
    expect(state.loads).toEqual(['v1']);
  });

  it('serves the old model while it asks and fetches behind the request', async () => {
    const { state, source } = world();
    state.version = 'v1';
    await source.current();
    state.version = 'v2';
    state.nowMs = FRESH_MS;
    expect((await source.current())?.version).toBe('v1');
    await settle();
    expect((await source.current())?.version).toBe('v2');
    expect(state.slept).toEqual([COLD_PATIENCE_MS]);
  });

  it('waits a moment for the pointer once its last answer is three seconds old, but for no whole model', async () => {
    const { state, source } = world();
    state.version = 'v1';
    await source.current();
    state.version = 'v2';
    const loaded = Promise.withResolvers<void>();
    state.loadGate = loaded.promise;
    state.nowMs = STALE_MS;
    expect((await source.current())?.version).toBe('v1');
    expect(state.loads).toEqual(['v1', 'v2']);
    expect(state.slept).toEqual([COLD_PATIENCE_MS, WARM_PATIENCE_MS]);
    // Not that the wait was over: the next request does not wait at all.
    expect((await source.current())?.version).toBe('v1');
    expect(state.slept).toHaveLength(2);
    loaded.resolve();
    await settle();
    expect((await source.current())?.version).toBe('v2');
  });

  it('goes back to the model before at once, without loading it again', async () => {
    const { state, source } = world();
    for (const [i, version] of ['v1', 'v2', 'v1', 'v2'].entries()) {
      state.version = version;
      state.nowMs = i * STALE_MS;
      await source.current();
      await settle();
      expect((await source.current())?.version).toBe(version);
    }
    expect(state.loads).toEqual(['v1', 'v2']);
    state.version = 'v1';
    state.nowMs = 4 * STALE_MS;
    // The very request that hears of it.
    expect(await source.current()).toEqual({ version: 'v1', model: 'model v1' });
  });

  it('keeps two models and no more', async () => {
    const { state, source } = world();
    for (const [i, version] of ['v1', 'v2', 'v3', 'v1'].entries()) {
      state.version = version;
      state.nowMs = i * STALE_MS;
      await source.current();
      await settle();
    }
    expect(state.loads).toEqual(['v1', 'v2', 'v3', 'v1']);
  });

  it('loads one model at a time, and in the end the one that the pointer names', async () => {
    const { state, source } = world();
    state.version = 'v1';
    await source.current();
    const loaded = Promise.withResolvers<void>();
    state.loadGate = loaded.promise;
    state.version = 'v2';
    state.nowMs = FRESH_MS;
    await source.current();
    await settle();
    state.version = 'v3';
    state.nowMs = 2 * FRESH_MS;
    await source.current();
    await settle();
    expect(state.loads).toEqual(['v1', 'v2']);
    loaded.resolve();
    await settle();
    expect(state.loads).toEqual(['v1', 'v2', 'v3']);
    expect((await source.current())?.version).toBe('v3');
  });

  it('waits a little for a model that takes longer than three seconds: it may load only while somebody waits', async () => {
    const { state, source } = world();
    state.version = 'v1';
    await source.current();
    const loaded = Promise.withResolvers<void>();
    state.loadGate = loaded.promise;
    state.version = 'v2';
    state.nowMs = FRESH_MS;
    await source.current();
    await settle();
    state.nowMs = FRESH_MS + STALE_MS;
    state.slept.length = 0;
    state.duringSleep = () => loaded.resolve();
    expect((await source.current())?.version).toBe('v2');
    expect(state.slept).toEqual([WARM_PATIENCE_MS]);
  });

  it('answers with the last model when the pointer does not answer', async () => {
    const { state, source } = world();
    state.version = 'v1';
    await source.current();
    state.gate = never;
    state.nowMs = 10 * STALE_MS;
    expect((await source.current())?.version).toBe('v1');
    expect((await source.current())?.version).toBe('v1');
    expect(state.reads).toBe(2);
    expect(state.slept).toEqual([COLD_PATIENCE_MS, WARM_PATIENCE_MS, WARM_PATIENCE_MS]);
  });

  it('answers null, and asks again soon, as long as there is no model', async () => {
    const { state, source } = world();
    expect(await source.current()).toBeNull();
    expect(await source.current()).toBeNull();
    expect(state.reads).toBe(1);
    state.version = 'v1';
    state.nowMs = FRESH_MS;
    expect((await source.current())?.version).toBe('v1');
    expect(state.failures).toEqual([]);
  });

  it('gives up waiting for the first pointer or model, and finds it later', async () => {
    const { state, source } = world();
    const [opened, loaded] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    state.version = 'v1';
    state.gate = opened.promise;
    state.loadGate = loaded.promise;
    expect(await source.current()).toBeNull();
    opened.resolve();
    await settle();
    expect(await source.current()).toBeNull();
    expect(state.slept).toEqual([COLD_PATIENCE_MS, COLD_PATIENCE_MS]);
    loaded.resolve();
    await settle();
    expect((await source.current())?.version).toBe('v1');
    expect(state.reads).toBe(1);
  });

  it('keeps the last model when the pointer is gone', async () => {
    const { state, source } = world();
    state.version = 'v1';
    await source.current();
    state.version = undefined;
    state.nowMs = STALE_MS;
    expect((await source.current())?.version).toBe('v1');
    expect(state.failures).toEqual([]);
  });

  it('keeps the last model when the new one cannot be loaded, and tries again after a second', async () => {
    const { state, source } = world();
    state.version = 'v1';
    await source.current();
    state.version = 'v2';
    state.broken.add('v2');
    state.nowMs = STALE_MS;
    expect((await source.current())?.version).toBe('v1');
    await settle();
    expect(state.failures).toHaveLength(1);
    state.nowMs += RETRY_MS - 1;
    expect((await source.current())?.version).toBe('v1');
    expect(state.loads).toEqual(['v1', 'v2']);
    state.broken.clear();
    state.nowMs += 1;
    expect((await source.current())?.version).toBe('v1');
    await settle();
    expect((await source.current())?.version).toBe('v2');
    expect(state.loads).toEqual(['v1', 'v2', 'v2']);
  });

  it('never rejects: an unreadable pointer on a cold start is no model', async () => {
    const { state, source } = world();
    state.broken.add('pointer');
    expect(await source.current()).toBeNull();
    expect(state.failures).toEqual([new Error('pointer unreadable')]);
  });

  it.each([1, 7, 100, 1_499, 1_501, 2_999, 3_001, 4_900, 60_000])(
    'serves what the pointer says 5 s after it moved, asked every %i ms',
    async (stepMs) => {
      const { state, source } = world();
      state.version = 'v1';
      await source.current();
      state.nowMs += 1;
      state.version = 'v2';
      const movedAt = state.nowMs;
      let version: string | undefined;
      while (state.nowMs < movedAt + 5_000) {
        state.nowMs += stepMs;
        version = (await source.current())?.version;
        // Loading takes no time here.
        await settle();
      }
      expect(version).toBe('v2');
    },
  );
});

describe('preloading', () => {
  it('has the first model loaded before the first request, which then does not wait', async () => {
    const { state, source } = world();
    state.version = 'v1';
    await source.preload();
    expect(await source.current()).toEqual({ version: 'v1', model: 'model v1' });
    expect(state.slept).toEqual([]);
    await source.preload();
    expect([state.reads, state.loads]).toEqual([1, ['v1']]);
  });

  it.each([
    ['there is none', undefined, ''],
    ['the pointer cannot be read', 'v1', 'pointer'],
    ['the model cannot be read', 'v1', 'v1'],
  ])('ends without a model where %s', async (_, version, broken) => {
    const { state, source } = world();
    state.version = version;
    state.broken.add(broken);
    await source.preload();
    expect(await source.current()).toBeNull();
  });

  it('shares its loading with requests that come meanwhile', async () => {
    const { state, source } = world();
    state.version = 'v1';
    const preloaded = source.preload();
    expect((await source.current())?.version).toBe('v1');
    await preloaded;
    expect(state.loads).toEqual(['v1']);
  });
});
