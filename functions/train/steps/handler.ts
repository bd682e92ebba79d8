import { METRICS } from '../../shared/metrics.ts';
import { createObservability, type Observability } from '../../shared/observability.ts';
import { isEncoreError } from '@encore/core/train';
import { parseEnv } from '../../shared/parse-env.ts';
import { createTrainingPorts, tuningIgnored } from '../create-training-ports.ts';
import { trainEnvironment } from '../env.ts';
import type { TrainingContext } from '../handler.ts';
import type { TrainingPorts } from '../training-ports.ts';
import { parseStepRequest } from './request.ts';
import { runStep, type StepAnswer } from './run-step.ts';

/** What is kept back of an invocation's time, to stop in order. */
const RESERVE_MS = 20_000;
/** A workflow is cut off after 12 hours; nobody else may begin while it could still be at work. */
const LEASE_MS = 13 * 3_600_000;

export type StepHandler = (event: unknown, context: TrainingContext) => Promise<StepAnswer>;

/** One step of the training workflow: parses the request and runs it. A failure is thrown under its code, which states can match. */
export function createStepHandler(ports: TrainingPorts, observability: Observability): StepHandler {
  return async (event, context) => {
    const ofStep = observability.of({ requestId: context.awsRequestId });
    try {
      const request = parseStepRequest(event);
      const deadlineMs = ports.clock() + context.getRemainingTimeInMillis() - RESERVE_MS;
      const answer = await runStep(ports, request, { deadlineMs });
      if (request.step === 'publish' && 'outcome' in answer && answer.outcome === 'published') {
        ofStep.count(METRICS.trainingPublished);
      }
      if (request.step === 'release' && request.failed) ofStep.count(METRICS.trainingFailed);
      ofStep.info('training step ended', { ...request, input: undefined });
      return answer;
    } catch (error) {
      ofStep.error('training step failed', error);
      throw namedByCode(error);
    } finally {
      ofStep.flush();
    }
  };
}

/**
 * Step Functions matches errors by their name alone. What failed as a store did not answer is named so, whatever was tried in vain
 * meanwhile: it is worth asking again.
 */
function namedByCode(error: unknown): unknown {
  if (!isEncoreError(error)) return error;
  const named = new Error(error.message, { cause: error });
  const { cause } = error;
  named.name = isEncoreError(cause) && cause.code === 'STORE_UNAVAILABLE' ? cause.code : error.code;
  return named;
}

/**
 * The handler over AWS, or over whatever endpoints the variables name.
 *
 * @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function createStepHandlerFromEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): StepHandler {
  const environment = parseEnv(trainEnvironment, variables);
  const observability = createObservability('train', environment);
  const ports = createTrainingPorts(environment, observability);
  return createStepHandler(
    { ...ports, leaseMs: LEASE_MS, onTuningIgnored: tuningIgnored(observability) },
    observability,
  );
}

let warm: StepHandler | undefined;

/** What Lambda calls; adapters are made once per cold start. */
export const handler: StepHandler = (event, context) => {
  warm ??= createStepHandlerFromEnvironment(process.env);
  return warm(event, context);
};
