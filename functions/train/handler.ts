import { EncoreError, type Progress } from '@encore/core/train';
import type { Context } from 'aws-lambda';

import { GAUGES, METRICS } from '../shared/metrics.ts';
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
 * A failure is thrown, so that Lambda tries again and its dead letter queue sees it. So is a run that is out of time: the next
 * attempt, or the next run, finishes what it left.
 */
export function createTrainHandler(
  ports: Omit<TrainingPorts, 'onTuningIgnored' | 'onPassedOver'>,
  observability: Observability,
): TrainHandler {
  return async (event, context) => {
    const requestId = context.awsRequestId;
    const ofRun = observability.of({ requestId });
    const startedAt = ports.clock();
    try {
      const result = await runTraining(
        {
          ...ports,
          onPassedOver: (cause) => ofRun.warn('an unfinished version cannot be finished', { cause }),
          onTuningIgnored: tuningIgnored(ofRun),
        },
        parseTrainingEvent(event),
        {
          holder: requestId,
          deadlineMs: ports.clock() + context.getRemainingTimeInMillis() - RESERVE_MS,
        },
      );
      const { outcome, modelVersion, timings } = result;
      if (outcome === 'published') ofRun.count(METRICS.trainingPublished);
      if (outcome !== 'busy') {
        const seconds = (ports.clock() - startedAt) / 1000;
        ofRun.gauge(GAUGES.trainingSeconds, seconds, {
          outcome,
          modelVersion: modelVersion ?? 'none',
          ...secondsOf(timings),
        });
      }
      ofRun.info('training ended', { ...result });
      if (outcome === 'deadline') throw outOfTime(result);
      return result;
    } catch (error) {
      ofRun.count(METRICS.trainingFailed);
      ofRun.error('training failed', error);
      throw error;
    } finally {
      ofRun.flush();
    }
  };
}

/** How long each step took, as properties: `candidatesSeconds`. */
function secondsOf(timings: TrainingResult['timings']): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(timings).map(([step, ms]) => [`${step}Seconds`, ms / 1000]));
}

function outOfTime({ modelVersion }: TrainingResult): EncoreError {
  return new EncoreError(
    'PUBLISH_FAILED',
    modelVersion === null
      ? 'the training ran out of time before it had a model; expected time to drain events, read, train and publish'
      : `the training ran out of time while publishing version ${modelVersion}; nothing of it is served, the next attempt goes on`,
    { modelVersion },
  );
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
