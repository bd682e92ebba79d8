import {
  assignVariant,
  isEncoreError,
  type CandidateStore,
  type Experiment,
  type Exposure,
  type ExposureLog,
  type Policy,
  type RecommendedList,
} from '@encore/core/serve';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { METRICS } from '../shared/metrics.ts';
import type { Observability } from '../shared/observability.ts';
import { badRequest } from '../shared/problem.ts';
import type { LoadedModel, ModelSource } from './model-source.ts';
import { parseRecommendRequest } from './request.ts';

/** What the handler works with; tests give it stores in memory. */
export interface RecommendDeps<Model> {
  readonly models: ModelSource<Model>;
  readonly candidateStore: Pick<CandidateStore, 'read'>;
  readonly exposureLog: ExposureLog;
  readonly experiment: Experiment;
  /** Ranks one listener's candidates, or the popular artists where `record` is `undefined`. */
  readonly recommend: (
    model: Model,
    record: Uint8Array | undefined,
    options: { readonly n: number },
  ) => RecommendedList;
  readonly observability: Observability;
  readonly now: () => number;
  readonly newExposureId: () => string;
}

export type HttpHandler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

/** A list to serve, whatever made it. */
interface ServedList {
  readonly policy: Policy;
  readonly recommendations: RecommendedList['recommendations'];
  readonly featuresHash: string;
}

const NO_LIST: ServedList = { policy: 'none', recommendations: [], featuresHash: '' };

/**
 * `GET /users/{userId}/recommendations`: which artists a listener should hear next.
 *
 * Answers 200 whatever fails behind it: the personal list, else the popular list of the model in memory, else none.
 * The exposure is written before the answer leaves; `exposureId` is null where it is not certain to be stored.
 */
export function createRecommendHandler<Model>(deps: RecommendDeps<Model>): HttpHandler {
  const { models, candidateStore, exposureLog, experiment, observability, now, newExposureId } = deps;

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
    { n, requestId }: { readonly n: number; readonly requestId: string },
  ): ServedList {
    try {
      return deps.recommend(model, record, { n });
    } catch (error) {
      observability.count(METRICS.personalListFailed);
      observability.error('candidates could not be ranked', error, { requestId, modelVersion: version });
    }
    try {
      return deps.recommend(model, undefined, { n });
    } catch (error) {
      observability.error('the popular list could not be made', error, { requestId, modelVersion: version });
      return NO_LIST;
    }
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
    const loaded = await models.current();
    if (loaded === null) observability.count(METRICS.modelMissing);
    const list =
      loaded === null
        ? NO_LIST
        : makeList(loaded, await readRecord(userId, loaded.version, requestId), { n, requestId });
    const modelVersion = loaded?.version ?? null;
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
        propensity: assignment?.propensity ?? 1,
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
