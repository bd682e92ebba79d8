import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EncoreError } from '@encore/core/serve';
import { guard } from '../shared/access.ts';
import { createS3Client, createServingDynamoClient, MODEL_LIMITS } from '../shared/adapters/clients.ts';
import { createDynamoCandidateStore } from '../shared/adapters/dynamo-candidate-store.ts';
import { createDynamoEventLog } from '../shared/adapters/dynamo-event-log.ts';
import { createDynamoExperimentStore } from '../shared/adapters/dynamo-experiment-store.ts';
import { createDynamoExposureLog } from '../shared/adapters/dynamo-exposure-log.ts';
import { createS3ModelStore } from '../shared/adapters/s3-model-store.ts';
import { warmUp } from '../shared/adapters/warm-up.ts';
import { createExperimentSource } from '../shared/experiment-source.ts';
import { createHttpFunction, type HttpHandler } from '../shared/http.ts';
import { METRICS } from '../shared/metrics.ts';
import { createObservability } from '../shared/observability.ts';
import { accessRules, parseEnv } from '../shared/parse-env.ts';
import { createArtistRoutes } from './artists.ts';
import { artistRoutes } from './artists-contract.ts';
import { listContracts, type HeardArtistQuery } from './contract.ts';
import { recommendEnvironment } from './env.ts';
import { createListService, LIST_BUDGET_MS, type ListDeps, type ServedList } from './list-service.ts';
import { openApi } from './openapi.ts';
import { followStore } from './stored-models.ts';

const contracts = { ...listContracts, ...artistRoutes };

/**
 * Everything that is answered from the model in memory: lists, artists, readiness.
 *
 * Lists are answered with 200 whatever fails behind them: the personal list, else a fold-in of what the listener did lately, else
 * the popular list of the model in memory, else the stored popular list, else none.
 */
export function createRecommendHandler(deps: ListDeps): HttpHandler {
  const { models, observability } = deps;
  const serveList = createListService(deps);
  return createHttpFunction(
    contracts,
    {
      'GET /users/{userId}/recommendations': async ({
        observability,
        params: { userId },
        query: options,
      }) => {
        const list = await serveList({
          observability,
          listenerId: userId,
          artists: null,
          options,
        });
        return { body: { userId, ...listed(list) } };
      },
      'POST /recommendations': async ({
        observability,
        body: { artists, anonymousId = null, ...options },
      }) => {
        const list = await serveList({
          observability,
          listenerId: anonymousId,
          artists,
          options,
        });
        return { body: { ...listed(list), unresolved: list.unresolved.map(nameOf) } };
      },
      ...createArtistRoutes({ models, foldIn: (version) => deps.foldIn.get(version) }),
      'GET /health/live': () => Promise.resolve({ body: { status: 'live' } }),
      'GET /health/ready': async () => {
        const loaded = await models.current();
        if (loaded !== null) return { body: { status: 'ready' } };
        throw new EncoreError('STORE_UNAVAILABLE', 'no model is loaded');
      },
      'GET /openapi.json': () => Promise.resolve(openApi()),
    },
    observability,
  );
}

/** What every list says. */
function listed(list: ServedList): Omit<ServedList, 'unresolved'> {
  const { modelVersion, policy, experiment, variant, exposureId, recommendations } = list;
  return { modelVersion, policy, experiment, variant, exposureId, recommendations };
}

/** An artist as the caller named it. */
function nameOf(query: HeardArtistQuery): { readonly id: string } | { readonly name: string } {
  return 'id' in query ? { id: query.id } : { name: query.name };
}

/** Milliseconds that one call to a store may take. */
const CALL_DEADLINE_MS = 120;
/** The same for the files of a model, which are fetched behind the requests' backs. */
const MODEL_DEADLINE_MS = 10_000;

/** How long a start on Lambda waits for what requests need. */
const PRELOAD_PATIENCE_MS = 3_000;
/** How long a start waits for what new listeners are folded in from. */
const FOLD_IN_PATIENCE_MS = 10_000;

/** The function, and what makes it ready before somebody waits for it. */
export interface RecommendFunction {
  readonly handler: HttpHandler;
  /** Loads all that requests need; resolves once it is there or could not be had. */
  readonly preload: () => Promise<void>;
}

/**
 * The function over AWS, or over whatever endpoints the variables name.
 *
 * @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function createRecommendFunctionFromEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): RecommendFunction {
  const environment = parseEnv(recommendEnvironment, variables);
  const observability = createObservability('recommend', environment);
  const s3 = createS3Client(environment, MODEL_LIMITS);
  const dynamo = createServingDynamoClient(environment);
  const modelStore = createS3ModelStore(s3, environment.BUCKET_NAME, { deadlineMs: MODEL_DEADLINE_MS });
  const { STORE_PATIENCE: patience } = environment;
  const call = { deadlineMs: CALL_DEADLINE_MS * patience };
  const stored = followStore(modelStore, (error) => {
    observability.count(METRICS.modelRefreshFailed);
    observability.error('the model could not be refreshed', error);
  });
  const candidateStore = createDynamoCandidateStore(dynamo, environment.CANDIDATES_TABLE, call);
  const experiments = createExperimentSource(
    createDynamoExperimentStore(dynamo, environment.EXPERIMENTS_TABLE, call),
    observability,
  );
  const handler = createRecommendHandler({
    ...stored,
    candidateStore,
    eventLog: createDynamoEventLog(dynamo, environment.EVENTS_TABLE, call),
    exposureLog: createDynamoExposureLog(dynamo, environment.EXPOSURES_TABLE, call),
    experiments,
    observability,
    now: Date.now,
    newExposureId: randomUUID,
    budgetMs: LIST_BUDGET_MS * patience,
  });
  return {
    handler: guard(handler, accessRules(environment), observability),
    preload: async () => {
      await Promise.all([stored.models.preload(), experiments.current(), warmUp(candidateStore)]);
      const loaded = await stored.models.current();
      // Decoding it takes a fifth of a second: now, and not while somebody waits for a list.
      if (loaded !== null) await stored.foldIn.wait(loaded.version, FOLD_IN_PATIENCE_MS);
    },
  };
}

let warm: RecommendFunction | undefined;
if (process.env['AWS_LAMBDA_FUNCTION_NAME'] !== undefined) {
  warm = createRecommendFunctionFromEnvironment(process.env);
  // While the platform starts the process, and not while somebody waits for a list.
  await Promise.race([warm.preload(), sleep(PRELOAD_PATIENCE_MS, undefined, { ref: false })]);
}

/** What Lambda calls; adapters are made once per cold start. */
export const handler: HttpHandler = (event) => {
  warm ??= createRecommendFunctionFromEnvironment(process.env);
  return warm.handler(event);
};
