import { createRecommendHandler } from '../../../functions/recommend/handler.ts';
import type { ListDeps } from '../../../functions/recommend/list-service.ts';
import {
  createMemoryCandidateStore,
  createMemoryEventLog,
  createMemoryExposureLog,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { loadServingModel, type ServingModel } from '../../../layers/core/src/artifact/serving-model.ts';
import { CATALOG_FILE, MODEL_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import type { Experiment } from '../../../layers/core/src/experiment/assign-variant.ts';
import { loadFoldIn, type FoldInModel } from '../../../layers/core/src/fold-in/fold-in-model.ts';
import type { EventType, ListenerEvent } from '../../../layers/core/src/ports.ts';
import { TINY_INFO, trainTiny, type Trained } from '../../core/tiny.ts';
import { httpEvent, type TestRequest } from '../http-event.ts';
import { recordingObservability } from '../recording-observability.ts';

/** The clock of these tests: a moment after the tiny model was made. */
export const NOW = TINY_INFO.createdAtMs + 3_600_000;

/** A tiny model, read for serving. */
export interface TinyServing {
  readonly trained: Trained;
  readonly model: ServingModel;
  readonly foldIn: FoldInModel;
  readonly version: string;
}

let tiny: Promise<TinyServing> | undefined;

/** The same for all tests of a file: it takes a second to train. */
export function tinyServing(): Promise<TinyServing> {
  tiny ??= (async () => {
    const trained = await trainTiny('full');
    const { files } = trained.contents;
    const tensors = files.get(MODEL_FILE)!;
    return {
      trained,
      model: await loadServingModel({ tensors, catalog: files.get(CATALOG_FILE)! }),
      foldIn: loadFoldIn(tensors),
      version: TINY_INFO.modelVersion,
    };
  })();
  return tiny;
}

/** What goes wrong in a world, and what runs there. */
export interface WorldOptions {
  readonly experiments?: readonly Experiment[] | null;
  /** `false`: nothing new listeners are folded in from is loaded. */
  readonly withFoldIn?: boolean;
  readonly deps?: Partial<ListDeps>;
}

/** The recommend function over a tiny model, everything else in memory. */
export async function listWorld(options: WorldOptions = {}) {
  const { trained, model, foldIn, version } = await tinyServing();
  const { experiments = [], withFoldIn = true } = options;
  const candidateStore = createMemoryCandidateStore();
  await candidateStore.write(version, trained.contents.candidates, { expiresAtMs: Infinity });
  const eventLog = createMemoryEventLog();
  const exposureLog = createMemoryExposureLog();
  const recorded = recordingObservability();
  let nExposures = 0;
  const loaded = withFoldIn ? foldIn : null;
  const handler = createRecommendHandler({
    models: { current: () => Promise.resolve({ version, model }) },
    popular: { current: () => Promise.resolve(null) },
    foldIn: { get: () => loaded, wait: () => Promise.resolve(loaded) },
    candidateStore,
    eventLog,
    exposureLog,
    experiments: { current: () => Promise.resolve(experiments) },
    observability: recorded.observability,
    now: () => NOW,
    newExposureId: () => `exposure-${++nExposures}`,
    ...options.deps,
  });
  let nEvents = 0;
  return {
    ...recorded,
    ...trained,
    version,
    model,
    eventLog,
    exposureLog,
    candidateStore,
    handler,
    /** Stores that a listener did something, each a second after the one before. */
    did: (userId: string, type: EventType, artistId: string) => {
      const at = NOW - 60_000 + 1_000 * nEvents;
      const event: ListenerEvent = {
        id: `event-${nEvents++}`,
        userId,
        artistId,
        type,
        at,
        receivedAt: at,
        exposureId: null,
        plays: 1,
      };
      return eventLog.append([event]);
    },
    ask: async (routeKey: string, request: TestRequest = {}) => {
      const { statusCode, headers = {}, body = '' } = await handler(httpEvent(routeKey, request));
      return { statusCode, headers, json: body === '' ? null : JSON.parse(body) };
    },
  };
}

export const LIST = 'GET /users/{userId}/recommendations';
