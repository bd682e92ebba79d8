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
    load: (version) => {
      state.loads.push(version);
      return state.broken.has(version)
        ? Promise.reject(new Error(`${version} unreadable`))
        : Promise.resolve(`model ${version}`);
    },
    now: () => state.nowMs,
    // Later than anything that is already settled, so that only what hangs is given up on.
    sleep: async (ms) => {
      state.slept.push(ms);
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

  it('serves the old model while it fetches the new one behind the request', async () => {
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

  it('waits for the pointer once its last answer is a minute old', async () => {
    const { state, source } = world();
    state.version = 'v1';
    await source.current();
    state.version = 'v2';
    state.nowMs = STALE_MS;
    expect((await source.current())?.version).toBe('v2');
    expect(state.slept).toEqual([COLD_PATIENCE_MS, WARM_PATIENCE_MS]);
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
  });

  it('answers null, and asks again soon, as long as there is no model', async () => {
    const { state, source } = world();
    expect(await source.current()).toBeNull();
    expect(await source.current()).toBeNull();
    expect(state.reads).toBe(1);
    state.version = 'v1';
    state.nowMs = FRESH_MS;
    await source.current();
    await settle();
    expect((await source.current())?.version).toBe('v1');
    expect(state.failures).toEqual([]);
  });

  it('gives up waiting for the first model, and finds it later', async () => {
    const { state, source } = world();
    const opened = Promise.withResolvers<void>();
    state.version = 'v1';
    state.gate = opened.promise;
    expect(await source.current()).toBeNull();
    opened.resolve();
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
    expect(state.failures).toHaveLength(1);
    state.nowMs += RETRY_MS - 1;
    expect((await source.current())?.version).toBe('v1');
    expect(state.loads).toEqual(['v1', 'v2']);
    state.broken.clear();
    state.nowMs += 1;
    expect((await source.current())?.version).toBe('v2');
  });

  it('never rejects: an unreadable pointer on a cold start is no model', async () => {
    const { state, source } = world();
    state.broken.add('pointer');
    expect(await source.current()).toBeNull();
    expect(state.failures).toEqual([new Error('pointer unreadable')]);
  });
});
