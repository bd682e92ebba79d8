import { loadServingModel } from '@encore/core/serve';
import type { Context } from 'aws-lambda';
import { createDynamoClient, createS3Client, TRAINING_LIMITS } from '../shared/adapters/clients.ts';
import { createDynamoExperimentStore } from '../shared/adapters/dynamo-experiment-store.ts';
import { createDynamoExposureLog } from '../shared/adapters/dynamo-exposure-log.ts';
import { createVersionStores } from '../shared/adapters/version-stores.ts';
import { METRICS } from '../shared/metrics.ts';
import { createObservability, type Observability } from '../shared/observability.ts';
import { parseEnv } from '../shared/parse-env.ts';
import { poisonedItemLog } from '../shared/poisoned-item-log.ts';
import { CANDIDATES_TTL_DAYS } from '../shared/tables.ts';
import { checkExperiments, type ExperimentCheck, type ExperimentsCheckDeps } from './check-experiments.ts';
import { checkModel, type ModelCheck, type ModelCheckDeps } from './check-model.ts';
import { upkeepEnvironment } from './env.ts';
import { parseUpkeepEvent, type UpkeepEvent } from './request.ts';

const DAY_MS = 86_400_000;
const CALL_DEADLINE_MS = 60_000;
/** What is kept back of a run's time, to stop in order. */
const RESERVE_MS = 20_000;

/** What of a Lambda's context the upkeep uses. */
export type UpkeepContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>;

export type UpkeepHandler = (
  event: unknown,
  context: UpkeepContext,
) => Promise<ModelCheck | readonly ExperimentCheck[]>;

/** What the handler works with; tests give it stores in memory. */
export interface UpkeepDeps {
  readonly model: Omit<ModelCheckDeps, 'gauge'>;
  readonly experiments: Omit<ExperimentsCheckDeps, 'gauge'>;
  readonly observability: Observability;
}

/**
 * The scheduled upkeep: measures what is served and keeps its candidates from expiring, or checks the experiments that run.
 *
 * A failure is counted and thrown, so that Lambda tries again and its dead letter queue sees it; what was measured before it is sent.
 */
export function createUpkeepHandler({ model, experiments, observability }: UpkeepDeps): UpkeepHandler {
  return async (event, context) => {
    const ofRun = observability.of({ requestId: context.awsRequestId });
    const gauge: Observability['gauge'] = (...measured) => ofRun.gauge(...measured);
    let check: UpkeepEvent['check'] | undefined;
    try {
      ({ check } = parseUpkeepEvent(event));
      const deadlineMs = model.publishing.clock() + context.getRemainingTimeInMillis() - RESERVE_MS;
      const found =
        check === 'model'
          ? await checkModel({ ...model, gauge }, { deadlineMs })
          : await checkExperiments({ ...experiments, gauge });
      ofRun.info('upkeep ended', { check, found });
      return found;
    } catch (error) {
      ofRun.count(METRICS.upkeepFailed);
      ofRun.error('upkeep failed', error, { check });
      throw error;
    } finally {
      ofRun.flush();
    }
  };
}

/**
 * The handler over AWS, or over whatever endpoints the variables name.
 *
 * @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function createUpkeepHandlerFromEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): UpkeepHandler {
  const environment = parseEnv(upkeepEnvironment, variables);
  const observability = createObservability('upkeep', environment);
  const s3 = createS3Client(environment, TRAINING_LIMITS);
  const dynamo = createDynamoClient(environment, TRAINING_LIMITS);
  const call = { deadlineMs: CALL_DEADLINE_MS };
  const onPoison = poisonedItemLog(observability);
  return createUpkeepHandler({
    model: {
      ...createVersionStores({ s3, dynamo }, environment, call),
      load: loadServingModel,
      candidatesTtlMs: CANDIDATES_TTL_DAYS * DAY_MS,
    },
    experiments: {
      experiments: createDynamoExperimentStore(dynamo, environment.EXPERIMENTS_TABLE, { ...call, onPoison }),
      exposures: createDynamoExposureLog(dynamo, environment.EXPOSURES_TABLE, { ...call, onPoison }),
      now: Date.now,
    },
    observability,
  });
}

let warm: UpkeepHandler | undefined;

/** What Lambda calls; adapters are made once per cold start. */
export const handler: UpkeepHandler = (event, context) => {
  warm ??= createUpkeepHandlerFromEnvironment(process.env);
  return warm(event, context);
};
