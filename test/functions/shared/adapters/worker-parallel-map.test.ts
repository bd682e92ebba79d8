import { threadId } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import {
  createWorkerParallelMap,
  inlineParallelMap,
} from '../../../../functions/shared/adapters/worker-parallel-map.ts';
import type { ParallelMap } from '../../../../layers/core/src/ports.ts';
import { crash, refuse, share, square } from './example-tasks.ts';

const tasksUrl = new URL('example-tasks.ts', import.meta.url).href;
const ignore = (): void => undefined;

const maps: readonly (readonly [string, ParallelMap])[] = [
  ['on this thread', inlineParallelMap],
  ['on one thread', createWorkerParallelMap({ threads: 1, tasksUrl })],
  ['on three threads', createWorkerParallelMap({ threads: 3, tasksUrl })],
];

describe.each(maps)('tasks that run %s', (_, map) => {
  it('give their results in the order of the inputs and report every unit', async () => {
    let units = 0;
    const results = await map(square, [1, 2, 3, 4, 5], (advanced) => {
      units += advanced;
    });
    expect(results.map(({ values }) => values[0])).toEqual([1, 4, 9, 16, 25]);
    expect(units).toBe(20);
  });

  it('have nothing to do for no inputs', async () => {
    expect(await map(square, [], ignore)).toEqual([]);
  });

  it.each([false, true])('return views of one buffer (in WebAssembly memory: %s)', async (wasm) => {
    const [result] = await map(share, [{ wasm }], ignore);
    expect(result!.parts.map((part) => [...part])).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('fail with the code, details and cause of what they threw', async () => {
    await expect(map(refuse, ['a', 'a', 'a'], ignore)).rejects.toMatchObject({
      name: 'EncoreError',
      code: 'NOT_FINITE',
      message: 'a is not finite',
      details: { what: 'a', at: [1, 2] },
      cause: { name: 'RangeError', message: 'below' },
    });
  });
});

describe('tasks on threads', () => {
  it('fail with the stack of the thread that they ran on', async () => {
    await expect(
      createWorkerParallelMap({ threads: 2, tasksUrl })(refuse, ['a'], ignore),
    ).rejects.toMatchObject({
      stack: expect.stringContaining('example-tasks.ts'),
    });
  });

  it('leave this thread free and share several', async () => {
    const results = await createWorkerParallelMap({ threads: 2, tasksUrl })(square, [1, 1, 1, 1], ignore);
    const threads = new Set(results.map((result) => result.threadId));
    expect(threads.has(threadId)).toBe(false);
    expect(threads.size).toBe(2);
  });

  it('are told of one by one, with the time that each took', async () => {
    const done: { task: string; index: number; seconds: number }[] = [];
    const map = createWorkerParallelMap({ threads: 2, tasksUrl, onTask: (task) => done.push(task) });
    await map(square, [1, 2, 3], ignore);
    expect(done.map(({ task, index }) => `${task} ${index}`).toSorted()).toEqual([
      'square 0',
      'square 1',
      'square 2',
    ]);
    for (const { seconds } of done) expect(seconds).toBeGreaterThan(0);
  });

  it('run here when no thread can load them', async () => {
    const map = createWorkerParallelMap({ threads: 2, tasksUrl: new URL('absent.ts', import.meta.url).href });
    const results = await map(square, [9], ignore);
    expect(results).toEqual([{ values: Float64Array.of(81, 0), threadId }]);
  });

  it('fail when their thread ends under them', async () => {
    const map = createWorkerParallelMap({ threads: 2, tasksUrl });
    await expect(map(crash, [3, 3], ignore)).rejects.toThrow('the thread that ran crash ended with code 3');
  });

  it('are refused by name where the thread knows no such task', async () => {
    const map = createWorkerParallelMap({ threads: 1, tasksUrl });
    const unknown = { name: 'unknown', run: (n: number) => n };
    await expect(map(unknown, [1], ignore)).rejects.toThrow('there is no task named unknown');
  });
});
