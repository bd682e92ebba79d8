import { describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryLeaseStore,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { METRICS } from '../../../functions/shared/metrics.ts';
import type { Observability } from '../../../functions/shared/observability.ts';
import { createTrainHandler, localContext } from '../../../functions/train/handler.ts';
import { openInMemory } from '../../../layers/core/src/data/hetrec.ts';
import type { LeaseStore } from '../../../layers/core/src/ports.ts';
import { readPointer } from '../../../layers/core/src/publish/pointer.ts';
import { tuningKey } from '../../../layers/core/src/tune/tuning-record.ts';
import { SAMPLE_NOW } from '../../core/sample.ts';
import { silentProgress, tinyFiles } from '../../core/tiny.ts';

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
  const said: string[] = [];
  const logged: unknown[] = [];
  const observability: Observability = {
    info: (message, fields) => logged.push([message, fields]),
    warn: (message) => logged.push([message]),
    error: (message, error, fields) => logged.push([message, String(error), fields]),
    count: (metric) => said.push(metric),
    flush: () => said.push('flushed'),
    pseudonym: () => '',
  };
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
  return { handler, said, logged, modelStore: ports.modelStore, ports, pass };
}

describe('the training handler', () => {
  it('counts a published model, then sends what it counted', async () => {
    const { handler, said, logged, modelStore } = setUp();
    const result = await handler(EVENT, CONTEXT);
    expect(result.outcome).toBe('published');
    expect((await readPointer(modelStore))!.pointer.version).toBe(result.modelVersion);
    expect(said).toEqual([METRICS.trainingPublished, 'flushed']);
    expect(logged).toContainEqual([
      'training ended',
      expect.objectContaining({ requestId: 'request-1', outcome: 'published' }),
    ]);
  });

  it('counts and logs a tuned choice that it cannot use, and publishes all the same', async () => {
    const { handler, said, logged, modelStore } = setUp();
    await modelStore.put(tuningKey('seed'), new TextEncoder().encode('{'));
    expect((await handler(EVENT, CONTEXT)).outcome).toBe('published');
    expect(said).toEqual([METRICS.tuningIgnored, METRICS.trainingPublished, 'flushed']);
    expect(logged).toContainEqual([expect.stringContaining('models/tuning/seed.json: the tuned choice')]);
  });

  it('throws a failure, having counted and logged it', async () => {
    const { handler, said, logged } = setUp();
    await expect(handler({ ...EVENT, dataset: 'absent' }, CONTEXT)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_DATA_SET' }),
    );
    expect(said).toEqual([METRICS.trainingFailed, 'flushed']);
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
    const { handler, said } = setUp();
    await expect(handler(event, CONTEXT)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', details: { field } }),
    );
    expect(said).toEqual([METRICS.trainingFailed, 'flushed']);
  });

  it('counts nothing where another run is at work', async () => {
    const leaseStore = createMemoryLeaseStore();
    await leaseStore.acquire('request-0', SAMPLE_NOW, 1000);
    const { handler, said } = setUp(leaseStore);
    expect((await handler(EVENT, CONTEXT)).outcome).toBe('busy');
    expect(said).toEqual(['flushed']);
  });

  it('throws where a run is out of time, so that it is tried again, and counts it as failed once', async () => {
    const { handler, said, logged, modelStore } = setUp();
    const context = { ...CONTEXT, getRemainingTimeInMillis: () => 10_000 };
    await expect(handler(EVENT, context)).rejects.toThrow(
      expect.objectContaining({
        code: 'PUBLISH_FAILED',
        message: expect.stringMatching(
          /ran out of time while publishing version \S+; nothing of it is served/,
        ),
      }),
    );
    expect(said).toEqual([METRICS.trainingFailed, 'flushed']);
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
