import { describe, expect, it } from 'vitest';
import { createFoldInSource, FOLD_IN_RETRY_MS } from '../../../functions/recommend/fold-in-source.ts';

/** Versions that load when the test says so, and a clock under its control. */
function world() {
  const state = {
    nowMs: 0,
    broken: new Set<string>(),
    loads: [] as string[],
    failures: [] as unknown[],
    gates: new Map<string, PromiseWithResolvers<void>>(),
    slept: [] as number[],
  };
  const gateOf = (version: string): PromiseWithResolvers<void> => {
    const gate = state.gates.get(version) ?? Promise.withResolvers<void>();
    state.gates.set(version, gate);
    return gate;
  };
  const source = createFoldInSource<string>({
    load: async (version) => {
      state.loads.push(version);
      await gateOf(version).promise;
      if (state.broken.has(version)) throw new Error(`${version} unreadable`);
      return `fold-in of ${version}`;
    },
    now: () => state.nowMs,
    sleep: async (ms) => {
      state.slept.push(ms);
      await settle();
    },
    onFailure: (error) => state.failures.push(error),
  });
  const open = async (version: string): Promise<void> => {
    gateOf(version).resolve();
    await settle();
  };
  return { state, source, open };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the fold-in source', () => {
  it('loads nothing before it is asked, then behind the request, once', async () => {
    const { state, source, open } = world();
    expect(state.loads).toEqual([]);
    expect(source.get('v1')).toBeNull();
    expect(source.get('v1')).toBeNull();
    await open('v1');
    expect(source.get('v1')).toBe('fold-in of v1');
    expect(state.loads).toEqual(['v1']);
  });

  it('waits for the loading as long as it is told, and no longer', async () => {
    const { state, source, open } = world();
    expect(await source.wait('v1', 80)).toBeNull();
    expect(state.slept).toEqual([80]);
    await open('v1');
    expect(await source.wait('v1', 80)).toBe('fold-in of v1');
    expect(state.slept).toEqual([80]);
    void open('v2');
    expect(await source.wait('v2', 80)).toBe('fold-in of v2');
  });

  it('loads one version at a time, and the next while somebody waits for it', async () => {
    const { state, source } = world();
    source.get('v1');
    source.get('v2');
    expect(state.loads).toEqual(['v1']);
    state.gates.get('v1')!.resolve();
    const waiting = source.wait('v2', 100);
    await Promise.resolve();
    state.gates.set('v2', { ...Promise.withResolvers<void>(), promise: Promise.resolve() });
    expect(await waiting).toBe('fold-in of v2');
    expect(state.loads).toEqual(['v1', 'v2']);
  });

  it('keeps the two versions that were asked for last', async () => {
    const { state, source, open } = world();
    for (const version of ['v1', 'v2']) {
      source.get(version);
      await open(version);
    }
    expect(source.get('v1')).toBe('fold-in of v1');
    source.get('v3');
    await open('v3');
    expect(source.get('v1')).toBe('fold-in of v1');
    expect(source.get('v3')).toBe('fold-in of v3');
    expect(source.get('v2')).toBeNull();
    expect(state.loads).toEqual(['v1', 'v2', 'v3', 'v2']);
  });

  it('reports a failure and tries again after some seconds, not with every request', async () => {
    const { state, source, open } = world();
    state.broken.add('v1');
    void open('v1');
    expect(await source.wait('v1', 50)).toBeNull();
    expect(state.failures).toEqual([new Error('v1 unreadable')]);
    state.nowMs = FOLD_IN_RETRY_MS - 1;
    expect(await source.wait('v1', 50)).toBeNull();
    expect(state.loads).toEqual(['v1']);
    state.broken.clear();
    state.nowMs = FOLD_IN_RETRY_MS;
    expect(await source.wait('v1', 50)).toBe('fold-in of v1');
  });

  it('is not held up by a version that fails', async () => {
    const { state, source, open } = world();
    state.broken.add('v1');
    void open('v1');
    await source.wait('v1', 50);
    void open('v2');
    expect(await source.wait('v2', 50)).toBe('fold-in of v2');
  });
});
