import { beforeEach, describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryExperimentStore,
  createMemoryExposureLog,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { GAUGES, METRICS } from '../../../functions/shared/metrics.ts';
import { createUpkeepHandler } from '../../../functions/upkeep/handler.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import { assignVariant, DEFAULT_EXPERIMENT } from '../../../layers/core/src/experiment/assign-variant.ts';
import { POINTER_KEY, versionKey } from '../../../layers/core/src/publish/pointer.ts';
import { publishVersion } from '../../../layers/core/src/publish/publish.ts';
import { STATE_FILE } from '../../../layers/core/src/publish/version-state.ts';
import { makePublication } from '../../core/publish/make-publication.ts';
import { recordingObservability, type Recorded } from '../recording-observability.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 24, 12);
const context = { awsRequestId: 'run-1', getRemainingTimeInMillis: () => remainingMs };
/** What the handler keeps back to stop in order. */
const RESERVE_MS = 20_000;

let nowMs: number;
let remainingMs: number;
let modelStore: ReturnType<typeof createMemoryModelStore>;
let candidateStore: ReturnType<typeof createMemoryCandidateStore>;
let exposures: ReturnType<typeof createMemoryExposureLog>;
let experiments: ReturnType<typeof createMemoryExperimentStore>;
let recorded: Recorded;
let erasedAt: Map<string, number>;
let run: (event: unknown) => Promise<unknown>;

beforeEach(() => {
  nowMs = NOW_MS;
  remainingMs = 900_000;
  modelStore = createMemoryModelStore();
  candidateStore = createMemoryCandidateStore({ clock: () => nowMs });
  exposures = createMemoryExposureLog();
  experiments = createMemoryExperimentStore();
  recorded = recordingObservability();
  erasedAt = new Map();
  const handler = createUpkeepHandler({
    model: {
      publishing: publishing(),
      erasures: {
        load: () => Promise.resolve((userId) => erasedAt.get(userId)),
        erase: (userId) => candidateStore.erase(userId),
      },
      load: () => Promise.resolve(),
      candidatesTtlMs: 60 * DAY_MS,
    },
    experiments: { experiments, exposures, now: () => nowMs },
    observability: recorded.observability,
  });
  run = (event) => handler(event, context);
});

function publishing() {
  return {
    modelStore,
    candidateStore,
    clock: () => nowMs,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
  };
}

/** Publishes a version whose candidates are kept for some days from now. */
async function publish(days: number) {
  const publication = await makePublication(1, { expiresAtMs: nowMs + days * DAY_MS });
  await publishVersion(publishing(), publication);
  return publication;
}

const gaugeOf = ({ name }: { readonly name: string }): unknown =>
  recorded.measured.find(([found]) => found === name)?.[1];

describe('the upkeep of the model', () => {
  it('says that there is none yet, and measures nothing', async () => {
    expect(await run({ check: 'model' })).toEqual({
      modelVersion: null,
      candidates: null,
      candidatesWritten: 0,
    });
    expect(recorded.measured).toEqual([]);
  });

  it('measures age, candidates and quality of the version that is served, which stands beside each', async () => {
    const { version } = await publish(60);
    nowMs += DAY_MS;
    await run({ check: 'model' });
    // The publication was made at noon of the day before.
    expect(gaugeOf(GAUGES.modelAge)).toBeCloseTo(48, 1);
    expect(gaugeOf(GAUGES.candidatesLeft)).toBe(59);
    for (const [, , properties] of recorded.measured) expect(properties).toEqual({ modelVersion: version });
    expect(recorded.nFlushed()).toBe(1);
  });

  it('leaves candidates alone that are kept for more than 30 days', async () => {
    const { version } = await publish(60);
    nowMs += 29 * DAY_MS;
    expect(await run({ check: 'model' })).toEqual({
      modelVersion: version,
      candidates: 'kept',
      candidatesWritten: 0,
    });
  });

  it('writes candidates again that are kept for 30 days, and moves no pointer', async () => {
    const { version, candidates } = await publish(60);
    const pointer = await modelStore.get(POINTER_KEY);
    nowMs += 30 * DAY_MS;
    expect(await run({ check: 'model' })).toEqual({
      modelVersion: version,
      candidates: 'activated',
      candidatesWritten: candidates.length,
    });
    expect(await modelStore.get(POINTER_KEY)).toEqual(pointer);
    expect(gaugeOf(GAUGES.candidatesLeft)).toBe(60);
    // They outlive what they would have been kept for.
    nowMs += 31 * DAY_MS;
    expect(await candidateStore.read(candidates[0]!.userId, version)).toEqual(candidates[0]!.record);
    expect(await run({ check: 'model' })).toMatchObject({ candidates: 'activated' });
  });

  it('writes candidates again of which nobody knows how long they are kept, but those of who was erased', async () => {
    const { version, candidates } = await publish(60);
    await modelStore.delete([versionKey(version, STATE_FILE)]);
    erasedAt.set(candidates[0]!.userId, nowMs);
    await candidateStore.erase(candidates[0]!.userId);
    expect(await run({ check: 'model' })).toMatchObject({ candidatesWritten: candidates.length - 1 });
    expect(await candidateStore.read(candidates[0]!.userId, version)).toBeUndefined();
  });

  it('goes on in the next hour where it ran out of time', async () => {
    const { version, candidates } = await publish(60);
    nowMs += 31 * DAY_MS;
    const written: string[] = [];
    const write = candidateStore.write.bind(candidateStore);
    // Each record takes a millisecond.
    candidateStore.write = async (to, records, options) => {
      const inTime = records.slice(0, (options.deadlineMs ?? Infinity) - nowMs);
      const count = await write(to, inTime, options);
      written.push(...inTime.map(({ userId }) => userId));
      nowMs += count;
      return count;
    };
    remainingMs = RESERVE_MS + 3;
    expect(await run({ check: 'model' })).toEqual({
      modelVersion: version,
      candidates: 'deadline',
      candidatesWritten: 3,
    });
    expect(gaugeOf(GAUGES.candidatesLeft)).toBeCloseTo(29, 3);
    nowMs += 3_600_000;
    expect(await run({ check: 'model' })).toMatchObject({ candidates: 'activated', candidatesWritten: 2 });
    expect(written).toEqual(candidates.map(({ userId }) => userId));
    remainingMs = 900_000;
    expect(await run({ check: 'model' })).toMatchObject({ candidates: 'kept' });
  });

  it('counts and throws what fails, after sending what was measured', async () => {
    const { version } = await publish(60);
    nowMs += 40 * DAY_MS;
    await modelStore.put(versionKey(version, 'model.safetensors'), Uint8Array.of(1));
    await expect(run({ check: 'model' })).rejects.toMatchObject({ code: 'ARTIFACT_INCOMPATIBLE' });
    expect(recorded.counted).toEqual([METRICS.upkeepFailed]);
    expect(gaugeOf(GAUGES.modelAge)).toBeGreaterThan(40 * 24);
    expect(recorded.logged).toEqual([
      ['upkeep failed', expect.stringContaining('model.safetensors'), { requestId: 'run-1', check: 'model' }],
    ]);
    expect(recorded.nFlushed()).toBe(1);
  });
});

/** Exposes listeners, each to a variant. */
async function expose(listeners: readonly (readonly [userId: string, variant: string])[], at = nowMs) {
  for (const [i, [userId, variant]] of listeners.entries()) {
    await exposures.append({
      exposureId: `e-${at}-${i}`,
      userId,
      at,
      modelVersion: 'v',
      policy: 'personal',
      experiment: DEFAULT_EXPERIMENT.key,
      revision: 1,
      variant,
      forced: false,
      propensity: 0.5,
      ranker: 'lr',
      artistIds: ['1'],
      firstRank: 1,
      teams: null,
      featuresHash: '',
    });
  }
}

const ids = Array.from({ length: 400 }, (_, i) => `listener-${i}`);

describe('the upkeep of experiments', () => {
  it('finds nothing wrong where listeners got the variants that their hashes say', async () => {
    await expose(ids.map((id) => [id, assignVariant(DEFAULT_EXPERIMENT, id)!.variant]));
    expect(await run({ check: 'experiments' })).toMatchObject([
      { experiment: 'ranker', listeners: 400, sampleRatioMismatch: false, severalVariants: 0 },
    ]);
    expect(gaugeOf(GAUGES.sampleRatioMismatches)).toBe(0);
    expect(gaugeOf(GAUGES.severalVariantsShare)).toBe(0);
  });

  it('finds variants that have other shares than they should', async () => {
    await expose(ids.map((id, i) => [id, i % 3 === 0 ? 'control' : 'treatment']));
    expect(await run({ check: 'experiments' })).toMatchObject([{ sampleRatioMismatch: true }]);
    expect(gaugeOf(GAUGES.sampleRatioMismatches)).toBe(1);
  });

  it('finds listeners who saw several variants', async () => {
    await expose(
      ids.flatMap((id, i): [string, string][] => [
        [id, i % 2 === 0 ? 'control' : 'treatment'],
        ...(i < 40 ? [[id, i % 2 === 0 ? 'treatment' : 'control'] as [string, string]] : []),
      ]),
    );
    await run({ check: 'experiments' });
    expect(gaugeOf(GAUGES.severalVariantsShare)).toBe(0.1);
  });

  it('looks seven days back and no further', async () => {
    await expose(
      ids.map((id) => [id, 'control']),
      nowMs - 7 * DAY_MS,
    );
    expect(await run({ check: 'experiments' })).toMatchObject([{ listeners: 0, severalVariants: null }]);
    await expose(
      ids.slice(0, 3).map((id) => [id, 'control']),
      nowMs - 6 * DAY_MS,
    );
    expect(await run({ check: 'experiments' })).toMatchObject([{ listeners: 3 }]);
  });

  it('looks at what runs', async () => {
    await experiments.add({
      ...DEFAULT_EXPERIMENT,
      revision: 2,
      status: 'stopped',
      createdAt: nowMs,
      readOutFrom: 1,
    });
    await experiments.add({
      ...DEFAULT_EXPERIMENT,
      key: 'other',
      seed: 'other',
      createdAt: nowMs,
      readOutFrom: 1,
    });
    expect(await run({ check: 'experiments' })).toMatchObject([{ experiment: 'other' }]);
  });

  it('counts and throws where exposures cannot be read', async () => {
    exposures.ofDay = () => {
      throw new EncoreError('STORE_UNAVAILABLE', 'no answer');
    };
    await expect(run({ check: 'experiments' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(recorded.counted).toEqual([METRICS.upkeepFailed]);
    expect(recorded.logged).toMatchObject([['upkeep failed', expect.anything(), { check: 'experiments' }]]);
  });
});

describe('an event of the upkeep', () => {
  it.each([[{}], [null], [{ check: 'all' }], [{ check: 'model', more: 1 }], ['model']])(
    'is refused where it is %j, saying what is allowed',
    async (event) => {
      await expect(run(event)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('allowed is "model" or "experiments"'),
      });
    },
  );
});
