import { beforeAll, describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryLeaseStore,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { findingLines } from '../../../functions/train/prepare-training.ts';
import { runTraining, type TrainingResult } from '../../../functions/train/run-training.ts';
import type { TrainingPorts } from '../../../functions/train/training-ports.ts';
import type { TrainingEvent } from '../../../functions/train/request.ts';
import { currentManifest } from '../../../functions/train/saved-parts.ts';
import { storeChoice } from '../../../functions/train/tuned-choice.ts';
import { decodeSafetensors } from '../../../layers/core/src/artifact/safetensors.ts';
import { fingerprintFiles } from '../../../layers/core/src/data/fingerprint.ts';
import { HETREC_FILES, openInMemory } from '../../../layers/core/src/data/hetrec.ts';
import type { DataReport } from '../../../layers/core/src/data/report.ts';
import { resolveOptions } from '../../../layers/core/src/options.ts';
import type { ModelStore } from '../../../layers/core/src/ports.ts';
import { readPointer } from '../../../layers/core/src/publish/pointer.ts';
import { encodeTuning, tuningKey } from '../../../layers/core/src/tune/tuning-record.ts';
import { SAMPLE_NOW } from '../../core/sample.ts';
import { tinyFiles } from '../../core/tiny.ts';
import { seedChoice } from './seed-choice.ts';

const QUICK = { svdFactors: 3, svdEpochs: 5, maxFeatures: 25 };
const SEED: TrainingEvent = { dataset: 'tiny', preset: 'seed', options: QUICK };
const RUN = { holder: 'run-1' };

type Files = Readonly<Record<string, Uint8Array>>;

/** Stores in memory, and what a training over them said. */
function setUp(world: { readonly files?: Files; readonly clock?: () => number } = {}) {
  const steps: string[] = [];
  const reports: DataReport[] = [];
  const opened: string[] = [];
  const ignored: string[] = [];
  const modelStore = createMemoryModelStore();
  const ports: TrainingPorts = {
    openDataset: async (name) => {
      opened.push(name);
      return openInMemory(world.files ?? tinyFiles());
    },
    modelStore,
    candidateStore: createMemoryCandidateStore({ clock: () => SAMPLE_NOW }),
    leaseStore: createMemoryLeaseStore(),
    parallel: inlineParallelMap,
    progress: {
      step: (name) => {
        steps.push(name);
        return { advance: () => undefined, end: () => undefined };
      },
    },
    clock: world.clock ?? (() => SAMPLE_NOW),
    sleep: () => Promise.resolve(),
    random: () => 0.5,
    codeVersion: 'test',
    candidatesTtlMs: 1000,
    leaseMs: 60_000,
    onReport: (report) => reports.push(report),
    onTuningIgnored: (message) => ignored.push(message),
  };
  return { ports, steps, reports, opened, ignored, modelStore };
}

const versionOf = async (store: ModelStore): Promise<string | undefined> =>
  (await readPointer(store))?.pointer.version;

const code = (expected: string, message = '') =>
  expect.objectContaining({ code: expected, message: expect.stringContaining(message) });

/** The files with one of them changed as text. */
function edited(files: Files, name: string, edit: (text: string) => string): Files {
  const text = new TextDecoder().decode(files[name]);
  return { ...files, [name]: new TextEncoder().encode(edit(text)) };
}

describe('runTraining', () => {
  it('publishes a version and points to it, its candidates stored', async () => {
    const { ports, steps, opened, modelStore } = setUp();
    const result = await runTraining(ports, SEED, RUN);
    expect(result.outcome).toBe('published');
    expect(await versionOf(modelStore)).toBe(result.modelVersion);
    expect(result.metrics!['mean-candidates']).toBeGreaterThan(1);
    expect(steps).toEqual(['read', 'candidates', 'ranker', 'publish']);
    expect(Object.keys(result.timings)).toEqual(steps);
    expect(opened).toEqual(['tiny']);
    const manifest = (await currentManifest(modelStore))!;
    expect(manifest).toMatchObject({
      modelVersion: result.modelVersion,
      codeVersion: 'test',
      createdAt: new Date(SAMPLE_NOW).toISOString(),
    });
    expect(await ports.candidateStore.read('1', 'another version')).toBeUndefined();
    expect(await modelStore.get(`models/${result.modelVersion}/recommendations.csv`)).toBeDefined();
    expect(await modelStore.get('models/popular.json')).toBeDefined();
  });

  it('deletes versions that are too old once it has published, and says which', async () => {
    let nowMs = SAMPLE_NOW;
    const { ports, modelStore } = setUp({ clock: () => nowMs });
    const versions: (string | null)[] = [];
    for (let i = 0; i < 4; i++) versions.push((await runTraining(ports, SEED, RUN)).modelVersion);
    nowMs += 31 * 86_400_000;
    const last = await runTraining(ports, SEED, RUN);
    expect(last.expiredVersions).toEqual([versions[2], versions[1], versions[0]]);
    expect(await modelStore.list(`models/${versions[2]}/`)).toEqual([]);
    expect(await modelStore.get(`models/${versions[3]}/manifest.json`)).toBeDefined();
    expect(await versionOf(modelStore)).toBe(last.modelVersion);
  });

  it('is published whether or not old versions can be deleted', async () => {
    let nowMs = SAMPLE_NOW;
    const { ports, modelStore } = setUp({ clock: () => nowMs });
    for (let i = 0; i < 3; i++) await runTraining(ports, SEED, RUN);
    nowMs += 31 * 86_400_000;
    const failing: ModelStore = {
      ...modelStore,
      delete: () => Promise.reject(new Error('no deletions')),
    };
    const result = await runTraining({ ...ports, modelStore: failing }, SEED, RUN);
    expect(result).toMatchObject({ outcome: 'published', expiredVersions: null });
  });

  it('names the version after its input, and records a fingerprint of exactly the files it read', async () => {
    const files = tinyFiles();
    const { ports, modelStore } = setUp({ files });
    const { modelVersion } = await runTraining(ports, SEED, RUN);
    const manifest = (await currentManifest(modelStore))!;
    const read = Object.fromEntries(
      Object.entries(files).filter(([name]) => name !== HETREC_FILES.taggedDates),
    );
    expect([await fingerprintFiles(files), await fingerprintFiles(read)]).toContain(
      manifest.inputFingerprint,
    );
    expect(modelVersion).toBe(`20260101T000000Z-${manifest.inputFingerprint.slice(0, 12)}-1`);
  });

  it('is busy while somebody else holds the lease, and does nothing', async () => {
    const { ports, opened, modelStore } = setUp();
    await ports.leaseStore.acquire('somebody else', SAMPLE_NOW - 1, 60_000);
    expect(await runTraining(ports, SEED, RUN)).toEqual({
      outcome: 'busy',
      modelVersion: null,
      metrics: null,
      timings: {},
      events: null,
    });
    expect(opened).toEqual([]);
    expect(await modelStore.list('')).toEqual([]);
    // It has not given back what was not its own.
    expect(await ports.leaseStore.acquire('a third', SAMPLE_NOW, 60_000)).toBeUndefined();
  });

  it('gives the lease back when it is done, and the next run has a greater fence', async () => {
    const { ports, modelStore } = setUp();
    const first = await runTraining(ports, SEED, RUN);
    const second = await runTraining(ports, SEED, { holder: 'run-2' });
    expect([first.modelVersion, second.modelVersion].map((version) => version!.split('-').at(-1))).toEqual([
      '1',
      '2',
    ]);
    expect((await readPointer(modelStore))!.pointer).toMatchObject({
      version: second.modelVersion,
      previous: first.modelVersion,
      fence: 2,
    });
  });

  it('gives the lease back after a failure, and says the failure, though giving back fails too', async () => {
    const { ports } = setUp({ files: {} });
    await expect(runTraining(ports, SEED, RUN)).rejects.toThrow(code('INVALID_DATA_SET'));
    expect(await ports.leaseStore.acquire('somebody else', SAMPLE_NOW, 1)).toEqual({ fence: 2 });
    const stubborn = {
      ...setUp({ files: {} }).ports,
      leaseStore: { ...createMemoryLeaseStore(), release: () => Promise.reject(new Error('away')) },
    };
    await expect(runTraining(stubborn, SEED, RUN)).rejects.toThrow(code('INVALID_DATA_SET'));
  });

  it('refuses an option before it reads anything', async () => {
    const { ports, opened } = setUp();
    const event = { ...SEED, options: { c: -1 } };
    await expect(runTraining(ports, event, RUN)).rejects.toThrow(code('INVALID_OPTION', 'c is -1'));
    expect(opened).toEqual([]);
  });
});

describe('a data set with errors', () => {
  it('trains nothing: the report is told, the pointer and the files stay', async () => {
    const world = setUp();
    const first = await runTraining(world.ports, SEED, RUN);
    const before = await world.modelStore.list('');
    const files = edited(tinyFiles(), HETREC_FILES.plays, (text) => text.replace(/\d+\n/, '-3\n'));
    const ports = { ...world.ports, openDataset: async () => openInMemory(files) };
    await expect(runTraining(ports, SEED, RUN)).rejects.toThrow(code('INVALID_DATA_SET', 'user_artists.dat'));
    expect(await versionOf(world.modelStore)).toBe(first.modelVersion);
    expect(await world.modelStore.list('')).toEqual(before);
    expect(world.reports.at(-1)!.errors).toHaveLength(1);
    expect(findingLines(world.reports.at(-1)!)[0]).toContain('user_artists.dat:2');
  });

  it('is told apart from one with warnings, which is trained on', async () => {
    const files = edited(tinyFiles(), HETREC_FILES.plays, (text) => `${text}${text.split('\n')[1]}\n`);
    const { ports, reports } = setUp({ files });
    expect((await runTraining(ports, SEED, RUN)).outcome).toBe('published');
    expect(reports[0]!.warnings.map((finding) => finding.code)).toEqual(['exact-duplicate']);
  });
});

/** Findings of a run on tags of 2005 to 2011. */
async function refusedTags(event: TrainingEvent, clock: () => number): Promise<readonly string[]> {
  const { ports, reports } = setUp({ clock });
  await runTraining(ports, event, RUN);
  return reports[0]!.warnings.map((finding) => finding.code);
}

describe('the time of a run', () => {
  const in2008 = Date.UTC(2008, 0, 1);

  it('is the clock where none is given', async () => {
    expect(await refusedTags(SEED, () => in2008)).toEqual(['tag-time-refused']);
    expect(await refusedTags(SEED, () => SAMPLE_NOW)).toEqual([]);
  });

  it('is the one that the event names', async () => {
    expect(await refusedTags({ ...SEED, now: in2008 }, () => SAMPLE_NOW)).toEqual(['tag-time-refused']);
    expect(await refusedTags({ ...SEED, now: SAMPLE_NOW }, () => in2008)).toEqual([]);
  });
});

describe('a deadline that has passed', () => {
  it('ends the run before the pointer moves', async () => {
    const { ports, modelStore } = setUp();
    const result = await runTraining(ports, SEED, { ...RUN, deadlineMs: SAMPLE_NOW });
    expect(result.outcome).toBe('deadline');
    expect(result.metrics).not.toBeNull();
    expect(await versionOf(modelStore)).toBeUndefined();
  });
});

describe('the quality gate', () => {
  // One candidate for each listener leaves nothing to rank.
  const WORSE = { ...SEED, options: { ...QUICK, nNeighbors: 1 } };

  it('refuses parameters that are clearly worse than those served, and leaves the pointer', async () => {
    const { ports, modelStore } = setUp();
    const first = await runTraining(ports, SEED, RUN);
    const before = await modelStore.list('');
    await expect(runTraining(ports, WORSE, RUN)).rejects.toThrow(code('QUALITY_GATE_FAILED', 'NDCG@20 is'));
    expect(await versionOf(modelStore)).toBe(first.modelVersion);
    expect(await modelStore.list('')).toEqual(before);
  });

  it('lets better parameters pass, having measured both on one holdout', async () => {
    const { ports, steps, modelStore } = setUp();
    const worse = await runTraining(ports, WORSE, RUN);
    const better = await runTraining(ports, SEED, RUN);
    expect(better.metrics!['holdout-ndcg@20']).toBeGreaterThan(worse.metrics!['holdout-ndcg@20']);
    expect(steps.filter((step) => step === 'candidates')).toHaveLength(3);
    expect(await versionOf(modelStore)).toBe(better.modelVersion);
  });

  it('does not let a current manifest that nobody can read keep a new model away', async () => {
    const { ports, modelStore } = setUp();
    const first = await runTraining(ports, SEED, RUN);
    await modelStore.put(`models/${first.modelVersion}/manifest.json`, new TextEncoder().encode('{'));
    const second = await runTraining(ports, WORSE, RUN);
    expect(second.outcome).toBe('published');
    expect(await versionOf(modelStore)).toBe(second.modelVersion);
  });

  it('does not train twice where the parameters are those served', async () => {
    const { ports, steps } = setUp();
    await runTraining(ports, SEED, RUN);
    await runTraining(ports, SEED, RUN);
    expect(steps.filter((step) => step === 'candidates')).toHaveLength(2);
  });

  it.each<[string, object]>([
    ['between presets: that is a decision', resolveOptions('full', {})],
    ['between efforts: that is one, too', { ...resolveOptions('seed', {}), effort: 'low' }],
    ['after other code, whose parameters mean nothing here', { preset: 'seed', depth: 3 }],
  ])('is none %s', async (_, parameters) => {
    const { ports, steps, modelStore } = setUp();
    await runTraining(ports, SEED, RUN);
    const manifest = (await currentManifest(modelStore))!;
    const key = `models/${manifest.modelVersion}/manifest.json`;
    await modelStore.put(key, new TextEncoder().encode(JSON.stringify({ ...manifest, parameters })));
    const worse = await runTraining(ports, WORSE, RUN);
    expect(worse.outcome).toBe('published');
    expect(steps.filter((step) => step === 'candidates')).toHaveLength(2);
  });
});

const parametersOf = async (store: ModelStore): Promise<unknown> =>
  (await currentManifest(store))!.parameters;

describe('a tuned choice', () => {
  const CHOICE = seedChoice({ 'ranker.c': 0.5, 'sources.tag-knn.k': 25 });
  const TUNED = { ranker: { c: 0.5 }, sources: [{ name: 'tag-knn', k: 25 }] };
  /** A world whose store holds the choice; it counts the tasks that trainings run. */
  async function tunedWorld() {
    const world = setUp();
    const tasks: string[] = [];
    await storeChoice(world.modelStore, CHOICE);
    const ports: TrainingPorts = {
      ...world.ports,
      parallel: (task, inputs, onAdvance) => {
        tasks.push(`${task.name} x${inputs.length}`);
        return inlineParallelMap(task, inputs, onAdvance);
      },
    };
    return { ...world, ports, tasks };
  }

  it('is trained with, recorded whole in the manifest, and used by a retraining that does not search', async () => {
    const { ports, modelStore, tasks, ignored } = await tunedWorld();
    for (const run of [1, 2]) {
      tasks.length = 0;
      const { outcome } = await runTraining(ports, SEED, { holder: `run-${run}` });
      expect(outcome).toBe('published');
      expect(await parametersOf(modelStore)).toMatchObject(TUNED);
      expect((await currentManifest(modelStore))!.tuning).toEqual(CHOICE);
      // One training, with its one fold: no trials.
      expect(tasks).toEqual(['stage-one x2', 'ranker-fit x2']);
    }
    expect(ignored).toEqual([]);
  });

  it('is kept by the served version where the stored one is gone, until a training leaves it alone', async () => {
    const { ports, modelStore } = await tunedWorld();
    await runTraining(ports, SEED, RUN);
    const forgetful: ModelStore = {
      ...modelStore,
      get: (key, range) =>
        key === tuningKey('seed') ? Promise.resolve(undefined) : modelStore.get(key, range),
    };
    const again = async (options: TrainingEvent['options']): Promise<unknown> => {
      const event = { ...SEED, options: { ...QUICK, ...options } };
      await runTraining({ ...ports, modelStore: forgetful }, event, RUN);
      return (await currentManifest(modelStore))!.tuning;
    };
    expect(await again({})).toEqual(CHOICE);
    expect(await parametersOf(modelStore)).toMatchObject(TUNED);
    expect(await again({ ignoreTuning: true })).toBeUndefined();
    expect(await parametersOf(modelStore)).toEqual(resolveOptions('seed', QUICK));
    expect(await again({})).toBeUndefined();
  });

  it('gives way to the options of the caller, one by one', async () => {
    const { ports, modelStore } = await tunedWorld();
    await runTraining(ports, { ...SEED, options: { ...QUICK, c: 2 } }, RUN);
    expect(await parametersOf(modelStore)).toMatchObject({ ...TUNED, ranker: { c: 2 } });
    await runTraining(ports, { ...SEED, options: { ...QUICK, nNeighbors: 22 } }, RUN);
    expect(await parametersOf(modelStore)).toMatchObject({
      ...TUNED,
      sources: [{ name: 'tag-knn', k: 22 }],
    });
  });

  it('is left alone on demand', async () => {
    const { ports, modelStore } = await tunedWorld();
    await runTraining(ports, { ...SEED, options: { ...QUICK, ignoreTuning: true } }, RUN);
    expect(await parametersOf(modelStore)).toEqual(resolveOptions('seed', QUICK));
    expect(await currentManifest(modelStore)).not.toHaveProperty('tuning');
  });

  it('of another preset changes nothing', async () => {
    const { ports, modelStore, ignored } = setUp();
    await modelStore.put(tuningKey('full'), encodeTuning(CHOICE));
    await runTraining(ports, SEED, RUN);
    expect(await parametersOf(modelStore)).toEqual(resolveOptions('seed', QUICK));
    expect(ignored).toEqual([]);
  });

  it.each<[string, Uint8Array]>([
    ['found no JSON', new TextEncoder().encode('{')],
    ['schemaVersion 2', encoded({ ...CHOICE, schemaVersion: 2 })],
    ['there is no hyper-parameter ranker.depth', encoded({ ...CHOICE, overrides: { 'ranker.depth': 9 } })],
    ['against other defaults', encoded({ ...CHOICE, defaults: { 'ranker.c': 9 } })],
  ])('that cannot be used is said and keeps nobody from training: %s', async (cause, bytes) => {
    const { ports, modelStore, ignored } = setUp();
    await modelStore.put(tuningKey('seed'), bytes);
    expect((await runTraining(ports, SEED, RUN)).outcome).toBe('published');
    expect(await parametersOf(modelStore)).toEqual(resolveOptions('seed', QUICK));
    expect(await currentManifest(modelStore)).not.toHaveProperty('tuning');
    expect(ignored).toEqual([expect.stringContaining(cause)]);
    expect(ignored[0]).toContain('models/tuning/seed.json');
  });

  it('in a manifest that cannot be used is said too', async () => {
    const { ports, modelStore, ignored } = setUp();
    const { modelVersion } = await runTraining(ports, SEED, RUN);
    const manifest = (await currentManifest(modelStore))!;
    const key = `models/${modelVersion}/manifest.json`;
    await modelStore.put(key, encoded({ ...manifest, tuning: { schemaVersion: 7 } }));
    expect((await runTraining(ports, SEED, RUN)).outcome).toBe('published');
    expect(ignored).toEqual([expect.stringContaining(`manifest of ${modelVersion}`)]);
  });

  it('is gated like any other change of parameters', async () => {
    const { ports, modelStore } = setUp();
    await runTraining(ports, SEED, RUN);
    // Five candidates for each listener where twenty were served.
    await storeChoice(modelStore, seedChoice({ 'sources.tag-knn.k': 5 }));
    await expect(runTraining(ports, SEED, RUN)).rejects.toThrow(code('QUALITY_GATE_FAILED'));
  });
});

function encoded(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

const reusing = (options: TrainingEvent['options']): TrainingEvent => ({
  ...SEED,
  options: { ...QUICK, ...options },
});

describe('reusing parts of the current model', () => {
  let world: ReturnType<typeof setUp>;
  let first: TrainingResult;
  beforeAll(async () => {
    world = setUp();
    first = await runTraining(world.ports, SEED, RUN);
  });

  async function tensorsOf(version: string | null): Promise<Record<string, readonly number[]>> {
    const file = await world.modelStore.get(`models/${version}/model.safetensors`);
    const { tensors } = decodeSafetensors(file!.body);
    return Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));
  }

  it('gives the same model again where data and parameters are the same', async () => {
    const again = await runTraining(world.ports, reusing({ reuseFactors: true, reuseRanker: true }), RUN);
    expect(again.outcome).toBe('published');
    expect(again.metrics!['ranker-iterations']).toBe(0);
    expect(await tensorsOf(again.modelVersion)).toEqual(await tensorsOf(first.modelVersion));
  });

  it('takes the factors over where other plays would have given others', async () => {
    const files = edited(tinyFiles(), HETREC_FILES.plays, (text) => text.replace(/\t(\d+)\n/g, '\t1$1\n'));
    const ports = { ...world.ports, openDataset: async () => openInMemory(files) };
    const kept = await runTraining(ports, reusing({ reuseFactors: true }), RUN);
    const before = await tensorsOf(first.modelVersion);
    expect((await tensorsOf(kept.modelVersion))['artists/factors']).toEqual(before['artists/factors']);
    const anew = await runTraining(ports, SEED, RUN);
    expect((await tensorsOf(anew.modelVersion))['artists/factors']).not.toEqual(before['artists/factors']);
    // The world is as it was for the tests that follow.
    await runTraining(world.ports, SEED, RUN);
  });

  it('takes the ranker over and trains the factors', async () => {
    const again = await runTraining(world.ports, reusing({ reuseRanker: true }), RUN);
    expect(again.metrics!['ranker-iterations']).toBe(0);
  });

  it.each([{ reuseFactors: true }, { reuseRanker: true }])(
    'is refused for %o where there is no model',
    async (options) => {
      const { ports } = setUp();
      await expect(runTraining(ports, reusing(options), RUN)).rejects.toThrow(
        code('REUSE_REFUSED', 'there is no current model'),
      );
    },
  );

  it.each<[string, TrainingEvent['options'], string]>([
    ['factors of another number', { reuseFactors: true, svdFactors: 4 }, 'svd differs'],
    [
      'factors of other draws',
      { reuseFactors: true, randomState: 5 },
      'randomState differs: 2023 then, 5 now',
    ],
    ['a ranker over other neighbours', { reuseRanker: true, nNeighbors: 7 }, 'sources differs'],
    [
      'a ranker over other terms',
      { reuseRanker: true, maxFeatures: 9 },
      'maxFeatures differs: 25 then, 9 now',
    ],
    ['a ranker of another metric', { reuseRanker: true, metric: 'euclidean' }, 'metric differs'],
    ['a ranker of another penalty', { reuseRanker: true, c: 9 }, 'ranker differs'],
    ['a ranker over other factors', { reuseRanker: true, svdEpochs: 9 }, 'svd differs'],
    ['a ranker over other draws', { reuseRanker: true, randomState: 5 }, 'randomState differs'],
  ])('is refused for %s', async (_, options, cause) => {
    await expect(runTraining(world.ports, reusing(options), RUN)).rejects.toThrow(
      code('REUSE_REFUSED', cause),
    );
  });

  it('is refused for a ranker of another preset', async () => {
    const event: TrainingEvent = { ...SEED, preset: 'full', options: { ...QUICK, reuseRanker: true } };
    await expect(runTraining(world.ports, event, RUN)).rejects.toThrow(
      code('REUSE_REFUSED', 'preset differs: "seed" then, "full" now'),
    );
  });

  it('is refused for factors of other listeners or artists', async () => {
    const fewer = (name: string, drop: (line: string) => boolean): Files =>
      edited(tinyFiles(), name, (text) =>
        text
          .split('\n')
          .filter((line) => !drop(line))
          .join('\n'),
      );
    const text = new TextDecoder().decode(tinyFiles()[HETREC_FILES.plays]);
    const someone = text.split('\n')[1]!.split('\t')[0]!;
    const without = {
      listeners: fewer(HETREC_FILES.plays, (line) => line.startsWith(`${someone}\t`)),
      artists: edited(tinyFiles(), HETREC_FILES.artists, (lines) => `${lines}99999\tNew\t\t\n`),
    };
    for (const [what, files] of Object.entries(without)) {
      const ports = { ...world.ports, openDataset: async () => openInMemory(files) };
      await expect(runTraining(ports, reusing({ reuseFactors: true }), RUN)).rejects.toThrow(
        code('REUSE_REFUSED', `its ${what} differ`),
      );
    }
  });

  it('is refused for a ranker whose tag terms are others', async () => {
    const files = edited(tinyFiles(), HETREC_FILES.tags, (text) => text.replaceAll('rock', 'stone'));
    const ports = { ...world.ports, openDataset: async () => openInMemory(files) };
    await expect(runTraining(ports, reusing({ reuseRanker: true }), RUN)).rejects.toThrow(
      code('REUSE_REFUSED', 'of them new'),
    );
  });

  it('is refused where the current model was trained by other code, or lacks a file', async () => {
    const manifest = (await currentManifest(world.modelStore))!;
    const behind = (path: string, body: Uint8Array | undefined): TrainingPorts => ({
      ...world.ports,
      modelStore: {
        ...world.modelStore,
        get: async (key, range) => {
          if (key !== `models/${manifest.modelVersion}/${path}`) return world.modelStore.get(key, range);
          return body === undefined ? undefined : { body, etag: 'x' };
        },
      },
    });
    const other = new TextEncoder().encode(
      JSON.stringify({ ...manifest, parameters: { ...manifest.parameters, preset: 'mlp' } }),
    );
    const cases: readonly (readonly [TrainingPorts, TrainingEvent['options'], string])[] = [
      [behind('manifest.json', other), { reuseRanker: true }, 'was trained by other code'],
      [behind('model.safetensors', undefined), { reuseRanker: true }, 'lacks model.safetensors'],
      [behind('catalog.json.gz', undefined), { reuseFactors: true }, 'lacks catalog.json.gz'],
      [behind('candidates/000000.bin', undefined), { reuseFactors: true }, 'lacks candidates/000000.bin'],
    ];
    for (const [ports, options, cause] of cases) {
      await expect(runTraining(ports, reusing(options), RUN)).rejects.toThrow(code('REUSE_REFUSED', cause));
    }
  });
});
