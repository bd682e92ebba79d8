import { setTimeout as sleep } from 'node:timers/promises';

import type { Progress } from '@encore/core/train';
import type * as z from 'zod';

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
import type { Observability } from '../shared/observability.ts';
import { CANDIDATES_TTL_DAYS } from '../shared/tables.ts';
import type { trainEnvironment } from './env.ts';
import { rewriteDataset } from './erasures.ts';
import { findingLines } from './prepare-training.ts';
import type { TrainingPorts } from './training-ports.ts';

const DAY_MS = 86_400_000;
/** Lambda ends a run after 15 minutes; nobody else may begin while it could still be at work. */
const LEASE_MS = 20 * 60_000;
const CALL_DEADLINE_MS = 60_000;

/**
 * What a training works with, over AWS or over whatever endpoints the variables name.
 *
 * @param options.progress - Where the steps are shown. @default log lines
 */
export function createTrainingPorts(
  environment: z.output<typeof trainEnvironment>,
  observability: Observability,
  options: { readonly progress?: Progress } = {},
): Omit<TrainingPorts, 'onTuningIgnored'> {
  const s3 = createS3Client(environment, TRAINING_LIMITS);
  const dynamo = createDynamoClient(environment, TRAINING_LIMITS);
  const deadline = { deadlineMs: CALL_DEADLINE_MS };
  const modelStore = createS3ModelStore(s3, environment.BUCKET_NAME, deadline);
  const tombstones = createDynamoTombstoneStore(dynamo, environment.TOMBSTONES_TABLE, deadline);
  return {
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
  };
}

/** Counts and logs that a tuned choice could not be used. */
export function tuningIgnored(observability: Observability): TrainingPorts['onTuningIgnored'] {
  return (message) => {
    observability.count(METRICS.tuningIgnored);
    observability.warn(message);
  };
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
