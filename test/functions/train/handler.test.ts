import { describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryLeaseStore,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { GAUGES, METRICS } from '../../../functions/shared/metrics.ts';
import { createTrainHandler, localContext } from '../../../functions/train/handler.ts';
import { openInMemory } from '../../../layers/core/src/data/hetrec.ts';
import type { LeaseStore } from '../../../layers/core/src/ports.ts';
import { readPointer } from '../../../layers/core/src/publish/pointer.ts';
import { tuningKey } from '../../../layers/core/src/tune/tuning-record.ts';
import { SAMPLE_NOW } from '../../core/sample.ts';
import { silentProgress, tinyFiles } from '../../core/tiny.ts';
import { recordingObservability } from '../recording-observability.ts';

const EVENT = {
  dataset: 'tiny',
  preset: 'seed',
  options: { svdFactors: 3, svdEpochs: 5 },
  now: '2026-01-01T00:00:00Z',
};
const CONTEXT = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 900_000 };

function setUp(
  leaseStore: LeaseStore = createMemoryLeaseStore(),
  change: Partial<Parameters<typeof createTrainHandler>[0]> = {},
) {
  let nowMs = SAMPLE_NOW;
  const clock = (): number => nowMs;
  const { observability, counted, logged, measured, nFlushed } = recordingObservability();
  const modelStore = createMemoryModelStore();
  const ports = {
    openDataset: async (name: string) => openInMemory(name === 'tiny' ? tinyFiles() : {}),
    modelStore,
    candidateStore: createMemoryCandidateStore({ clock }),
    leaseStore,
    parallel: inlineParallelMap,
    progress: silentProgress,
    clock,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
    codeVersion: 'test',
    candidatesTtlMs: 1_000_000,
    leaseMs: 1000,
    onReport: () => undefined,
    ...change,
  };
  const handler = createTrainHandler(ports, observability);
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { handler, counted, nFlushed, measured, logged, modelStore: ports.modelStore, ports, pass };
}

describe('the training handler', () => {
  it('counts a published model, then sends what it counted', async () => {
    const { handler, counted, nFlushed, logged, measured, modelStore } = setUp();
    const result = await handler(EVENT, CONTEXT);
    expect(result.outcome).toBe('published');
    expect((await readPointer(modelStore))!.pointer.version).toBe(result.modelVersion);
    expect(counted).toEqual([METRICS.trainingPublished]);
    expect(nFlushed()).toBe(1);
    expect(logged).toContainEqual([
      'training ended',
      expect.objectContaining({ requestId: 'request-1', outcome: 'published' }),
    ]);
    expect(measured).toEqual([
      [
        GAUGES.trainingSeconds.name,
        expect.any(Number),
        expect.objectContaining({
          outcome: 'published',
          modelVersion: result.modelVersion,
          candidatesSeconds: expect.any(Number),
          publishSeconds: expect.any(Number),
        }),
      ],
    ]);
  });

  it('counts and logs a tuned choice that it cannot use, and publishes all the same', async () => {
    const { handler, counted, nFlushed, logged, modelStore } = setUp();
    await modelStore.put(tuningKey('seed'), new TextEncoder().encode('{'));
    expect((await handler(EVENT, CONTEXT)).outcome).toBe('published');
    expect(counted).toEqual([METRICS.tuningIgnored, METRICS.trainingPublished]);
    expect(nFlushed()).toBe(1);
    expect(logged).toContainEqual([
      expect.stringContaining('models/tuning/seed.json: the tuned choice'),
      { requestId: 'request-1' },
    ]);
  });

  it('throws a failure, having counted and logged it', async () => {
    const { handler, counted, nFlushed, logged } = setUp();
    await expect(handler({ ...EVENT, dataset: 'absent' }, CONTEXT)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_DATA_SET' }),
    );
    expect(counted).toEqual([METRICS.trainingFailed]);
    expect(nFlushed()).toBe(1);
    expect(logged).toContainEqual([
      'training failed',
      expect.stringContaining('artists.dat'),
      { requestId: 'request-1' },
    ]);
  });

  it.each([
    [{ ...EVENT, preset: 'half' }, 'preset'],
    [{ ...EVENT, options: { c: 0 } }, 'options.c'],
    ['nothing', ''],
  ])('refuses the event %j, naming the field, and counts a failure', async (event, field) => {
    const { handler, counted, nFlushed } = setUp();
    await expect(handler(event, CONTEXT)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', details: { field } }),
    );
    expect(counted).toEqual([METRICS.trainingFailed]);
    expect(nFlushed()).toBe(1);
  });

  it('counts nothing where another run is at work', async () => {
    const leaseStore = createMemoryLeaseStore();
    await leaseStore.acquire('request-0', SAMPLE_NOW, 1000);
    const { handler, counted, nFlushed } = setUp(leaseStore);
    expect((await handler(EVENT, CONTEXT)).outcome).toBe('busy');
    expect(counted).toEqual([]);
    expect(nFlushed()).toBe(1);
  });

  it('throws where a run is out of time, so that it is tried again, and counts it as failed once', async () => {
    const { handler, counted, nFlushed, logged, modelStore } = setUp();
    const context = { ...CONTEXT, getRemainingTimeInMillis: () => 10_000 };
    await expect(handler(EVENT, context)).rejects.toThrow(
      expect.objectContaining({
        code: 'PUBLISH_FAILED',
        message: expect.stringMatching(
          /ran out of time while publishing version \S+; nothing of it is served/,
        ),
      }),
    );
    expect(counted).toEqual([METRICS.trainingFailed]);
    expect(nFlushed()).toBe(1);
    expect(logged).toContainEqual(['training ended', expect.objectContaining({ outcome: 'deadline' })]);
    expect(await readPointer(modelStore)).toBeUndefined();
    expect((await handler(EVENT, CONTEXT)).outcome).toBe('published');
  });

  it('publishes in the retry what the attempt before had trained, and says so', async () => {
    const { handler, logged, ports, pass } = setUp();
    const { candidateStore } = ports;
    // The clock stands still but for the candidates, of which one comes in time.
    const slow = setUp(createMemoryLeaseStore(), {
      ...ports,
      candidateStore: {
        ...candidateStore,
        write: async (version, records, options) => {
          const count = await candidateStore.write(version, records.slice(0, 1), options);
          pass(900_000);
          return count;
        },
      },
    });
    await expect(slow.handler(EVENT, CONTEXT)).rejects.toThrow('ran out of time while publishing');
    const result = await handler(EVENT, CONTEXT);
    expect(result).toMatchObject({ outcome: 'published', resumed: true });
    expect(logged).toContainEqual(['training ended', expect.objectContaining({ resumed: true })]);
  });

  it('holds the lease under the request: a retry of it may go on, another may not', async () => {
    const leaseStore = createMemoryLeaseStore();
    await leaseStore.acquire('request-1', SAMPLE_NOW, 1000);
    const { handler } = setUp(leaseStore);
    expect((await handler(EVENT, { ...CONTEXT, awsRequestId: 'request-2' })).outcome).toBe('busy');
    expect((await handler(EVENT, CONTEXT)).outcome).toBe('published');
  });

  it('is never busy on account of a local run that was killed', async () => {
    const leaseStore = createMemoryLeaseStore();
    await leaseStore.acquire(localContext().awsRequestId, SAMPLE_NOW, 1000);
    expect((await setUp(leaseStore).handler(EVENT, localContext())).outcome).toBe('published');
  });
});
