import { randomUUID } from 'node:crypto';
import {
  assignVariant,
  DEFAULT_EXPERIMENT,
  isEncoreError,
  recommend,
  type CandidateStore,
  type Experiment,
  type Exposure,
  type ExposureLog,
  type Policy,
  type RecommendedList,
} from '@encore/core/serve';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import {
  createDynamoClient,
  createS3Client,
  MODEL_LIMITS,
  SERVING_LIMITS,
} from '../shared/adapters/clients.ts';
import { createDynamoCandidateStore } from '../shared/adapters/dynamo-candidate-store.ts';
import { createDynamoExposureLog } from '../shared/adapters/dynamo-exposure-log.ts';
import { createS3ModelStore } from '../shared/adapters/s3-model-store.ts';
import { METRICS } from '../shared/metrics.ts';
import { createObservability, type Observability } from '../shared/observability.ts';
import { parseEnv } from '../shared/parse-env.ts';
import { badRequest } from '../shared/problem.ts';
import { recommendEnvironment } from './env.ts';
import type { PopularList } from './load-model.ts';
import type { LoadedModel, ModelSource } from './model-source.ts';
import { parseRecommendRequest } from './request.ts';
import { followStore } from './stored-models.ts';

/** What the handler works with; tests give it stores in memory. */
export interface RecommendDeps<Model> {
  readonly models: ModelSource<Model>;
  /** Asked only while there is no model in memory. */
  readonly popular: ModelSource<PopularList | undefined>;
  readonly candidateStore: Pick<CandidateStore, 'read'>;
  readonly exposureLog: ExposureLog;
  readonly experiment: Experiment;
  /** Ranks one listener's candidates, or the popular artists where `record` is `undefined`. */
  readonly recommend: (
    model: Model,
    record: Uint8Array | undefined,
    options: { readonly n: number; readonly ranker: string },
  ) => RecommendedList;
  readonly observability: Observability;
  readonly now: () => number;
  readonly newExposureId: () => string;
}

export type HttpHandler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

/** What ranks for listeners outside of the experiment. */
const CONTROL_RANKER = 'lr';

/** A list to serve, whatever made it. */
interface ServedList {
  /** The version that made it, `null` where none did. */
  readonly modelVersion: string | null;
  readonly policy: Policy;
  readonly ranker: RecommendedList['ranker'];
  readonly recommendations: RecommendedList['recommendations'];
  readonly featuresHash: string;
}

const NO_LIST: ServedList = {
  modelVersion: null,
  policy: 'none',
  ranker: null,
  recommendations: [],
  featuresHash: '',
};

/**
 * `GET /users/{userId}/recommendations`: which artists a listener should hear next.
 *
 * Answers 200 whatever fails behind it: the personal list, else the popular list of the model in memory, else
 * the stored popular list, else none.
 * The exposure is written before the answer leaves; `exposureId` is null where it is not certain to be stored.
 */
export function createRecommendHandler<Model>(deps: RecommendDeps<Model>): HttpHandler {
  const { models, popular, candidateStore, exposureLog, experiment, observability, now, newExposureId } =
    deps;

  async function readRecord(
    userId: string,
    version: string,
    requestId: string,
  ): Promise<Uint8Array | undefined> {
    try {
      return await candidateStore.read(userId, version);
    } catch (error) {
      observability.count(METRICS.personalListFailed);
      observability.error('candidates could not be read', error, {
        requestId,
        user: observability.pseudonym(userId),
      });
      return undefined;
    }
  }

  function makeList(
    { model, version }: LoadedModel<Model>,
    record: Uint8Array | undefined,
    { n, ranker, requestId }: { readonly n: number; readonly ranker: string; readonly requestId: string },
  ): ServedList {
    try {
      return { modelVersion: version, ...deps.recommend(model, record, { n, ranker }) };
    } catch (error) {
      observability.count(METRICS.personalListFailed);
      observability.error('candidates could not be ranked', error, { requestId, modelVersion: version });
    }
    try {
      return { modelVersion: version, ...deps.recommend(model, undefined, { n, ranker }) };
    } catch (error) {
      observability.error('the popular list could not be made', error, { requestId, modelVersion: version });
      return { ...NO_LIST, modelVersion: version };
    }
  }

  async function listWithoutModel(n: number): Promise<ServedList> {
    observability.count(METRICS.modelMissing);
    const stored = await popular.current();
    if (stored?.model === undefined) return NO_LIST;
    const { modelVersion, recommendations } = stored.model;
    return { ...NO_LIST, modelVersion, policy: 'popular', recommendations: recommendations.slice(0, n) };
  }

  /** @returns The id under which the exposure is stored, `null` where that is not certain. */
  async function logExposure(exposure: Exposure, requestId: string): Promise<string | null> {
    try {
      await exposureLog.append(exposure);
      return exposure.exposureId;
    } catch (error) {
      const refused = isEncoreError(error) && error.details['outcome'] === 'refused';
      observability.count(refused ? METRICS.exposureUnlogged : METRICS.exposureUncertain);
      observability.error('exposure was not confirmed', error, {
        requestId,
        exposureId: exposure.exposureId,
      });
      return null;
    }
  }

  return async (event) => {
    const { requestId } = event.requestContext;
    const parsed = parseRecommendRequest(event);
    if ('problem' in parsed) {
      observability.info('request refused', { requestId, field: parsed.problem.field });
      return badRequest(parsed.problem, requestId);
    }
    const { userId, n } = parsed.request;
    const assignment = assignVariant(experiment, userId);
    const ranker = assignment?.ranker ?? CONTROL_RANKER;
    const loaded = await models.current();
    const list =
      loaded === null
        ? await listWithoutModel(n)
        : makeList(loaded, await readRecord(userId, loaded.version, requestId), { n, ranker, requestId });
    const { modelVersion } = list;
    const exposureId = await logExposure(
      {
        exposureId: newExposureId(),
        userId,
        at: now(),
        modelVersion,
        policy: list.policy,
        experiment: assignment?.experiment ?? null,
        revision: assignment?.revision ?? null,
        variant: assignment?.variant ?? null,
        forced: false,
        propensity: assignment?.propensity ?? 1,
        ranker: list.ranker,
        firstRank: 1,
        teams: null,
        artistIds: list.recommendations.map(({ artistId }) => artistId),
        featuresHash: list.featuresHash,
      },
      requestId,
    );
    observability.count(METRICS.listServed);
    observability.info('list served', {
      requestId,
      user: observability.pseudonym(userId),
      exposureId,
      modelVersion,
      policy: list.policy,
      variant: assignment?.variant ?? null,
      ranker: list.ranker,
      nArtists: list.recommendations.length,
    });
    observability.flush();
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'private, no-store' },
      body: JSON.stringify({
        userId,
        modelVersion,
        policy: list.policy,
        experiment: assignment?.experiment ?? null,
        variant: assignment?.variant ?? null,
        exposureId,
        recommendations: list.recommendations,
      }),
    };
  };
}

/** Milliseconds that one call to a store may take while somebody waits for the list. */
const CALL_DEADLINE_MS = 1_000;
/** The same for the files of a model, which are fetched behind the requests' backs. */
const MODEL_DEADLINE_MS = 10_000;

/**
 * The handler over AWS, or over whatever endpoints the variables name.
 *
 * @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function createRecommendHandlerFromEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): HttpHandler {
  const environment = parseEnv(recommendEnvironment, variables);
  const observability = createObservability('recommend', environment);
  const s3 = createS3Client(environment, MODEL_LIMITS);
  const dynamo = createDynamoClient(environment, SERVING_LIMITS);
  const modelStore = createS3ModelStore(s3, environment.BUCKET_NAME, { deadlineMs: MODEL_DEADLINE_MS });
  const call = { deadlineMs: CALL_DEADLINE_MS };
  return createRecommendHandler({
    ...followStore(modelStore, (error) => {
      observability.count(METRICS.modelRefreshFailed);
      observability.error('the model could not be refreshed', error);
    }),
    candidateStore: createDynamoCandidateStore(dynamo, environment.CANDIDATES_TABLE, call),
    exposureLog: createDynamoExposureLog(dynamo, environment.EXPOSURES_TABLE, call),
    experiment: DEFAULT_EXPERIMENT,
    recommend,
    observability,
    now: Date.now,
    newExposureId: randomUUID,
  });
}

let warm: HttpHandler | undefined;

/** What Lambda calls; adapters are made once per cold start. */
export const handler: HttpHandler = (event) => {
  warm ??= createRecommendHandlerFromEnvironment(process.env);
  return warm(event);
};
