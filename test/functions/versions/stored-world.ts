import { createModelsHandler } from '../../../functions/models/handler.ts';
import { createRecommendHandler } from '../../../functions/recommend/handler.ts';
import { followStore } from '../../../functions/recommend/stored-models.ts';
import {
  createMemoryCandidateStore,
  createMemoryEventLog,
  createMemoryExposureLog,
  createMemoryLeaseStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { createShardCandidateStore } from '../../../functions/shared/adapters/shard-candidate-store.ts';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { runTraining, type TrainingResult } from '../../../functions/train/run-training.ts';
import type { TrainingEvent } from '../../../functions/train/request.ts';
import type { TrainingPorts } from '../../../functions/train/training-ports.ts';
import { loadServingModel } from '../../../layers/core/src/artifact/serving-model.ts';
import { openInMemory } from '../../../layers/core/src/data/hetrec.ts';
import { generateSample } from '../../../layers/core/src/data/synthetic.ts';
import type { CandidateStore, ModelStore } from '../../../layers/core/src/ports.ts';
import { VERSION_EVENT, VERSION_NOW, VERSION_SAMPLE } from '../../fixtures/versions/seed.ts';
import { callRoute, type AnswerBody, type Called } from '../call-route.ts';
import { silentProgress } from '../../core/tiny.ts';
import { recordingObservability } from '../recording-observability.ts';

/** A list that was answered. */
export type AnsweredList = Pick<AnswerBody, 'modelVersion' | 'policy' | 'recommendations'>;

async function listOf(asked: Promise<Called>): Promise<AnsweredList> {
  const { status, body } = await asked;
  if (status !== 200) throw new Error(`a list was answered with ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** What serving makes of a model store; all else is in memory. */
export function serveFrom(
  modelStore: ModelStore,
  candidateStore: Pick<CandidateStore, 'read'> = createShardCandidateStore(modelStore),
) {
  const recorded = recordingObservability();
  const failures: string[] = [];
  const stored = followStore(modelStore, (error) => failures.push(String(error)));
  const handler = createRecommendHandler({
    ...stored,
    candidateStore,
    eventLog: createMemoryEventLog(),
    exposureLog: createMemoryExposureLog(),
    experiments: { current: () => Promise.resolve([]) },
    observability: recorded.observability,
    now: () => VERSION_NOW,
    newExposureId: () => 'exposure',
    // Stores in memory answer at once; a machine that is busy may not.
    budgetMs: 60_000,
  });
  return {
    /** Of what could not be refreshed, as text. */
    failures,
    counted: recorded.counted,
    /** Reads all that lists need: a request waits for it but a moment. */
    preload: async () => {
      await Promise.all([stored.models.preload(), stored.popular.preload()]);
      const loaded = await stored.models.current();
      if (loaded !== null) await stored.foldIn.wait(loaded.version, 60_000);
    },
    /** The list of a listener of the training. */
    list: (userId: string) =>
      listOf(callRoute(handler, 'GET /users/{userId}/recommendations', { params: { userId } })),
    /** The list of somebody who listens to these artists, by id. */
    foldIn: (artists: readonly string[]) =>
      listOf(
        callRoute(handler, 'POST /recommendations', { body: { artists: artists.map((id) => ({ id })) } }),
      ),
  };
}

/** Fences of the versions that lie in a store already. */
const FENCES_TAKEN = 2;

/** What those who run Encore do with the versions of a model store, with candidates in memory. */
export async function administer(modelStore: ModelStore) {
  const candidateStore = createMemoryCandidateStore({ clock: () => VERSION_NOW });
  const leaseStore = createMemoryLeaseStore();
  for (let fence = 1; fence <= FENCES_TAKEN; fence++) await leaseStore.issueFence();
  const steps: string[] = [];
  const handler = createModelsHandler({
    publishing: {
      modelStore,
      candidateStore,
      clock: () => VERSION_NOW,
      sleep: () => Promise.resolve(),
      random: () => 0,
    },
    fences: leaseStore,
    erasures: { load: () => Promise.resolve(() => undefined), erase: () => Promise.resolve(0) },
    load: loadServingModel,
    observability: recordingObservability().observability,
  });
  const ports: TrainingPorts = {
    ...trainingPorts(modelStore),
    candidateStore,
    leaseStore,
    progress: {
      step: (name, total) => {
        steps.push(name);
        return silentProgress.step(name, total);
      },
    },
  };
  return {
    candidateStore,
    /** What trainings did so far, step by step. */
    steps,
    list: () => callRoute(handler, 'GET /models'),
    report: () => callRoute(handler, 'GET /models/current/report'),
    activate: (version: string) =>
      callRoute(handler, 'POST /models/{version}/activate', { params: { version }, body: {} }),
    /** Trains on the data set of the stored versions. */
    train: (change: Partial<TrainingEvent>): Promise<TrainingResult> =>
      runTraining(ports, { ...VERSION_EVENT, ...change }, { holder: 'test' }),
  };
}

/** A training of the data set of the stored versions into a model store. */
export function trainingPorts(modelStore: ModelStore): TrainingPorts {
  return {
    openDataset: async () => openInMemory(generateSample(VERSION_SAMPLE).files),
    modelStore,
    candidateStore: createMemoryCandidateStore({ clock: () => VERSION_NOW }),
    leaseStore: createMemoryLeaseStore(),
    parallel: inlineParallelMap,
    progress: silentProgress,
    clock: () => VERSION_NOW,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
    codeVersion: 'test',
    candidatesTtlMs: 60 * 86_400_000,
    leaseMs: 60_000,
    onReport: () => undefined,
    onTuningIgnored: () => undefined,
  };
}
