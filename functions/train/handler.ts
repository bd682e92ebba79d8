import type { Progress } from '@encore/core/train';
import type { Context } from 'aws-lambda';

import { METRICS } from '../shared/metrics.ts';
import { createObservability, type Observability } from '../shared/observability.ts';
import { parseEnv } from '../shared/parse-env.ts';
import { createTrainingPorts, tuningIgnored } from './create-training-ports.ts';
import { trainEnvironment } from './env.ts';
import { parseTrainingEvent } from './request.ts';
import { runTraining, type TrainingResult } from './run-training.ts';
import type { TrainingPorts } from './training-ports.ts';

/** What is kept back of a run's time, to stop in order. */
const RESERVE_MS = 20_000;

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
  const onTuningIgnored = tuningIgnored(observability);
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
  return createTrainHandler(createTrainingPorts(environment, observability, options), observability);
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
