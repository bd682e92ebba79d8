import { createEventsHandler } from '../../functions/events/handler.ts';
import { createExperimentsHandler } from '../../functions/experiments/handler.ts';
import { createModelsHandler } from '../../functions/models/handler.ts';
import { createRecommendHandler } from '../../functions/recommend/handler.ts';
import type { ListDeps } from '../../functions/recommend/list-service.ts';
import { followStore } from '../../functions/recommend/stored-models.ts';
import { ROUTES, type HttpFunction } from '../../functions/routes.ts';
import {
  createMemoryCandidateStore,
  createMemoryEventLog,
  createMemoryExperimentStore,
  createMemoryExposureLog,
  createMemoryLeaseStore,
  createMemoryModelStore,
  createMemoryTombstoneStore,
} from '../../functions/shared/adapters/memory-stores.ts';
import type { HttpHandler } from '../../functions/shared/http.ts';
import type { Observability } from '../../functions/shared/observability.ts';
import { createUsersHandler } from '../../functions/users/handler.ts';
import { loadServingModel } from '../../layers/core/src/artifact/serving-model.ts';
import { publishVersion } from '../../layers/core/src/publish/publish.ts';
import { TINY_INFO } from '../core/tiny.ts';
import { httpEvent, type TestRequest } from './http-event.ts';
import { recordingObservability } from './recording-observability.ts';
import { tinyServing } from './recommend/list-world.ts';

/** All of Encore's functions over stores in memory, with a published model. */
export async function allFunctions(
  options: {
    readonly now?: () => number;
    /** What all functions speak through. @default it is recorded */
    readonly observability?: Observability;
    /** Takes the place of parts of the recommend function, once those parts are made. */
    readonly lists?: (deps: ListDeps) => Partial<ListDeps>;
  } = {},
) {
  const { now = () => TINY_INFO.createdAtMs + 3_600_000 } = options;
  const { trained } = await tinyServing();
  const { observability: recording, ...recorded } = recordingObservability();
  const { observability = recording } = options;
  const modelStore = createMemoryModelStore();
  const candidateStore = createMemoryCandidateStore({ clock: now });
  const eventLog = createMemoryEventLog();
  const exposureLog = createMemoryExposureLog();
  const experiments = createMemoryExperimentStore();
  const leases = createMemoryLeaseStore();
  const tombstones = createMemoryTombstoneStore();
  const publishing = {
    modelStore,
    candidateStore,
    clock: now,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
  };
  const { fence } = (await leases.acquire('training', now(), 1_000))!;
  await publishVersion(publishing, {
    version: TINY_INFO.modelVersion,
    fence,
    files: trained.contents.files,
    candidates: trained.contents.candidates,
    popular: trained.contents.popular,
    expiresAtMs: now() + 60 * 86_400_000,
  });
  await leases.release('training');

  const stored = followStore(modelStore, (error) => {
    throw error;
  });
  const lists: ListDeps = {
    ...stored,
    candidateStore,
    eventLog,
    exposureLog,
    experiments: { current: () => experiments.list() },
    observability,
    now,
    newExposureId: newIds('exposure'),
  };
  const handlers: Readonly<Record<HttpFunction, HttpHandler>> = {
    recommend: createRecommendHandler({ ...lists, ...options.lists?.(lists) }),
    events: createEventsHandler({ eventLog, observability, now }),
    experiments: createExperimentsHandler({
      experiments,
      exposures: exposureLog,
      events: eventLog,
      observability,
      now,
    }),
    models: createModelsHandler({
      publishing,
      fences: leases,
      erasures: { load: () => Promise.resolve(() => undefined), erase: () => Promise.resolve(0) },
      load: loadServingModel,
      observability,
    }),
    users: createUsersHandler({
      modelStore,
      tombstones,
      candidates: { erase: (userId) => candidateStore.erase(userId) },
      eventLog,
      exposures: exposureLog,
      observability,
      now,
    }),
  };
  await stored.models.preload();
  await stored.foldIn.wait(TINY_INFO.modelVersion, 10_000);
  const functionOf = new Map(ROUTES.map(({ method, path, handledBy }) => [`${method} ${path}`, handledBy]));
  return {
    ...recorded,
    observability,
    nowMs: now(),
    handlers,
    dataset: trained.dataset,
    exposureLog,
    eventLog,
    experiments,
    /** Asks whatever function has the route. */
    ask: async (routeKey: string, request: TestRequest = {}) => {
      const {
        statusCode,
        headers = {},
        body = '',
      } = await handlers[functionOf.get(routeKey)!](httpEvent(routeKey, request));
      return { statusCode: statusCode ?? 200, headers, json: body === '' ? null : JSON.parse(body) };
    },
  };
}

function newIds(name: string): () => string {
  let n = 0;
  return () => `${name}-${++n}`;
}
