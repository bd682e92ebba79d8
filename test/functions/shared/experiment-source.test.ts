import { describe, expect, it } from 'vitest';
import {
  createExperimentSource,
  EXPERIMENTS_FRESH_MS,
  EXPERIMENTS_PATIENCE_MS,
  EXPERIMENTS_RETRY_MS,
  EXPERIMENTS_STALE_MS,
} from '../../../functions/shared/experiment-source.ts';
import { createMemoryExperimentStore } from '../../../functions/shared/adapters/memory-stores.ts';
import {
  DEFAULT_EXPERIMENT,
  type ExperimentRevision,
} from '../../../layers/core/src/experiment/assign-variant.ts';
import { chooseExperiment } from '../../../layers/core/src/experiment/choose-experiment.ts';

const first: ExperimentRevision = { ...DEFAULT_EXPERIMENT, key: 'first', createdAt: 1, readOutFrom: 1 };

/** A store and a clock under the test's control. */
function world() {
  const store = createMemoryExperimentStore();
  const state = {
    nowMs: 0,
    reads: 0,
    broken: false,
    /** What a read waits for. */
    gate: Promise.resolve(),
    slept: [] as number[],
    counted: [] as string[],
    failures: [] as unknown[],
  };
  const source = createExperimentSource(
    {
      list: async () => {
        state.reads++;
        await state.gate;
        if (state.broken) throw new Error('no answer');
        return store.list();
      },
    },
    {
      count: (metric) => void state.counted.push(metric),
      error: (_message, error) => void state.failures.push(error),
    },
    {
      now: () => state.nowMs,
      // Later than anything that is already settled, so that only what hangs is given up on.
      sleep: async (ms) => {
        state.slept.push(ms);
        await new Promise((resolve) => setImmediate(resolve));
      },
    },
  );
  const keys = async () => (await source.current())?.map(({ key, revision }) => `${key} ${revision}`);
  return { store, state, source, keys };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = new Promise<void>(() => undefined);

describe('the experiment source', () => {
  it('has no experiments where none is stored, so that the built-in one runs', async () => {
    const { source, state } = world();
    const experiments = await source.current();
    expect(experiments).toEqual([]);
    expect(chooseExperiment(experiments ?? [], '51')?.experiment).toBe('ranker');
    expect(state.counted).toEqual([]);
  });

  it('asks once for requests that come together, and not again while what it knows is fresh', async () => {
    const { source, state, store, keys } = world();
    await store.add(first);
    await Promise.all([source.current(), source.current(), source.current()]);
    state.nowMs = EXPERIMENTS_FRESH_MS - 1;
    expect(await keys()).toEqual(['first 1']);
    expect(state.reads).toBe(1);
  });

  it('learns of a new revision behind the request, after five seconds', async () => {
    const { state, store, keys } = world();
    await store.add(first);
    await keys();
    await store.add({ ...first, revision: 2, status: 'stopped' });
    state.nowMs = EXPERIMENTS_FRESH_MS;
    expect(await keys()).toEqual(['first 1']);
    await settle();
    expect(await keys()).toEqual(['first 2']);
    expect(state.slept).toEqual([EXPERIMENTS_PATIENCE_MS]);
  });

  it('waits a moment for what is true now after it has slept', async () => {
    const { state, store, keys } = world();
    await store.add(first);
    await keys();
    await store.add({ ...first, revision: 2, status: 'stopped' });
    state.nowMs = EXPERIMENTS_STALE_MS;
    expect(await keys()).toEqual(['first 2']);
    state.gate = never;
    state.nowMs = 3 * EXPERIMENTS_STALE_MS;
    expect(await keys()).toEqual(['first 2']);
    expect(new Set(state.slept)).toEqual(new Set([EXPERIMENTS_PATIENCE_MS]));
  });

  it('knows of no experiment, not even the built-in one, until it could read them, and counts that', async () => {
    const { source, state, store, keys } = world();
    await store.add(first);
    state.broken = true;
    expect(await source.current()).toBeNull();
    expect(state.failures).toEqual([new Error('no answer')]);
    state.broken = false;
    state.nowMs = EXPERIMENTS_RETRY_MS - 1;
    expect(await source.current()).toBeNull();
    expect(state.counted).toEqual(['ExperimentsUnknown', 'ExperimentsUnknown']);
    state.nowMs = EXPERIMENTS_RETRY_MS;
    expect(await keys()).toEqual(['first 1']);
    expect(state.counted).toHaveLength(2);
  });

  it('gives up waiting for a store that hangs, and takes its answer when it comes', async () => {
    const { source, state, keys } = world();
    const opened = Promise.withResolvers<void>();
    state.gate = opened.promise;
    expect(await source.current()).toBeNull();
    opened.resolve();
    await settle();
    expect(await keys()).toEqual([]);
    expect(state.reads).toBe(1);
  });

  it('keeps what it knows while the store fails', async () => {
    const { state, store, keys } = world();
    await store.add(first);
    await keys();
    state.broken = true;
    state.nowMs = 100 * EXPERIMENTS_STALE_MS;
    expect(await keys()).toEqual(['first 1']);
    expect(state.failures).toHaveLength(1);
    expect(state.counted).toEqual([]);
  });
});
