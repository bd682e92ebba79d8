import { setTimeout as sleep } from 'node:timers/promises';

import type { Progress } from '@encore/core/train';
import type { Context } from 'aws-lambda';

import { createDynamoClient, createS3Client, TRAINING_LIMITS } from '../shared/adapters/clients.ts';
import { createDynamoCandidateEraser } from '../shared/adapters/dynamo-candidate-eraser.ts';
import { createDynamoCandidateStore } from '../shared/adapters/dynamo-candidate-store.ts';
import { createDynamoEventLog } from '../shared/adapters/dynamo-event-log.ts';
import { createDynamoLeaseStore } from '../shared/adapters/dynamo-lease-store.ts';
import { createDynamoTombstoneStore } from '../shared/adapters/dynamo-tombstone-store.ts';
import { datasetKey, openS3Dataset } from '../shared/adapters/s3-dataset.ts';
import { createS3ModelStore } from '../shared/adapters/s3-model-store.ts';
import { createWorkerParallelMap } from '../shared/adapters/worker-parallel-map.ts';
import { loadErasures } from '../shared/listener-hash.ts';
import { METRICS } from '../shared/metrics.ts';
import { createObservability, type Observability } from '../shared/observability.ts';
import { parseEnv } from '../shared/parse-env.ts';
import { CANDIDATES_TTL_DAYS } from '../shared/tables.ts';
import { trainEnvironment } from './env.ts';
import { rewriteDataset } from './erasures.ts';
import { findingLines } from './prepare-training.ts';
import { parseTrainingEvent } from './request.ts';
import { runTraining, type TrainingResult } from './run-training.ts';
import type { TrainingPorts } from './training-ports.ts';

const DAY_MS = 86_400_000;
/** Lambda ends a run after 15 minutes; nobody else may begin while it could still be at work. */
const LEASE_MS = 20 * 60_000;
/** What is kept back of a run's time, to stop in order. */
const RESERVE_MS = 20_000;
const CALL_DEADLINE_MS = 60_000;

/** What of a Lambda's context a training uses. */
export type TrainingContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>;

export type TrainHandler = (event: unknown, context: TrainingContext) => Promise<TrainingResult>;

/**
 * The scheduled training: parses the event, runs it, and says how it ended.
 *
 * A failure is thrown, so that the schedule's retries and its dead letter queue see it.
 */
export function createTrainHandler(
  ports: Omit<TrainingPorts, 'onTuningIgnored'>,
  observability: Observability,
): TrainHandler {
  const onTuningIgnored = (message: string): void => {
    observability.count(METRICS.tuningIgnored);
    observability.warn(message);
  };
  return async (event, context) => {
    const requestId = context.awsRequestId;
    try {
      const result = await runTraining({ ...ports, onTuningIgnored }, parseTrainingEvent(event), {
        holder: requestId,
        deadlineMs: ports.clock() + context.getRemainingTimeInMillis() - RESERVE_MS,
      });
      if (result.outcome === 'published') observability.count(METRICS.trainingPublished);
      // Every run may end like this, and none would publish: somebody has to know.
      if (result.outcome === 'deadline') observability.count(METRICS.trainingFailed);
      observability.info('training ended', { requestId, ...result });
      return result;
    } catch (error) {
      observability.count(METRICS.trainingFailed);
      observability.error('training failed', error, { requestId });
      throw error;
    } finally {
      observability.flush();
    }
  };
}

/**
 * The handler over AWS, or over whatever endpoints the variables name.
 *
 * @param options.progress - Where the steps are shown. @default log lines
 * @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function createTrainHandlerFromEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  options: { readonly progress?: Progress } = {},
): TrainHandler {
  const environment = parseEnv(trainEnvironment, variables);
  const observability = createObservability('train', environment);
  const s3 = createS3Client(environment, TRAINING_LIMITS);
  const dynamo = createDynamoClient(environment, TRAINING_LIMITS);
  const deadline = { deadlineMs: CALL_DEADLINE_MS };
  const modelStore = createS3ModelStore(s3, environment.BUCKET_NAME, deadline);
  const tombstones = createDynamoTombstoneStore(dynamo, environment.TOMBSTONES_TABLE, deadline);
  return createTrainHandler(
    {
      openDataset: (dataset) =>
        Promise.resolve(openS3Dataset(s3, { bucket: environment.BUCKET_NAME, dataset, ...deadline })),
      modelStore,
      // Publishing reads back what it has just written.
      candidateStore: createDynamoCandidateStore(dynamo, environment.CANDIDATES_TABLE, {
        ...deadline,
        consistentRead: true,
      }),
      leaseStore: createDynamoLeaseStore(dynamo, environment.LEASES_TABLE, {
        ...deadline,
        leaseName: 'training',
      }),
      parallel: createWorkerParallelMap(),
      progress: options.progress ?? logProgress(observability),
      clock: Date.now,
      sleep,
      random: Math.random,
      events: {
        eventLog: createDynamoEventLog(dynamo, environment.EVENTS_TABLE, deadline),
        onPoison: (key) => {
          observability.count(METRICS.eventsPoisoned);
          // The key names the listener.
          observability.warn('an event could not be read', { item: observability.pseudonym(key) });
        },
      },
      erasure: {
        readErasures: () => loadErasures(tombstones, modelStore),
        candidateEraser: createDynamoCandidateEraser(dynamo, environment.CANDIDATES_TABLE, deadline),
        rewriteDataset: (dataset, erased) =>
          rewriteDataset(modelStore, (file) => datasetKey(dataset, file), erased),
      },
      codeVersion: environment.CODE_VERSION,
      candidatesTtlMs: CANDIDATES_TTL_DAYS * DAY_MS,
      leaseMs: LEASE_MS,
      onReport: (report) => {
        for (const line of findingLines(report)) observability.warn(line);
      },
    },
    observability,
  );
}

function logProgress(observability: Observability): Progress {
  return {
    step: (name, total) => {
      observability.info('training step begins', { step: name, total });
      return {
        advance: () => undefined,
        end: () => observability.info('training step ended', { step: name }),
      };
    },
  };
}

let warm: TrainHandler | undefined;

/** What Lambda calls; adapters are made once per cold start. */
export const handler: TrainHandler = (event, context) => {
  warm ??= createTrainHandlerFromEnvironment(process.env);
  return warm(event, context);
};

/**
 * A context for a run outside of Lambda, which nobody cuts short.
 *
 * Always the same holder: only one process can open the local stores, so a lease found there is one that died.
 */
export function localContext(): TrainingContext {
  return { awsRequestId: 'local', getRemainingTimeInMillis: () => 24 * 3_600_000 };
}
