import type { EventLog, ExperimentRevision, ExperimentStore, ExposureArchive } from '@encore/core/serve';
import { guard } from '../shared/access.ts';
import { createDynamoClient, EVENT_LIMITS } from '../shared/adapters/clients.ts';
import { createDynamoEventLog } from '../shared/adapters/dynamo-event-log.ts';
import { createDynamoExperimentStore } from '../shared/adapters/dynamo-experiment-store.ts';
import { createDynamoExposureLog } from '../shared/adapters/dynamo-exposure-log.ts';
import { BUILT_IN } from '../shared/built-in-experiment.ts';
import { createHttpFunction, type HttpHandler } from '../shared/http.ts';
import { METRICS } from '../shared/metrics.ts';
import { createObservability, type Observability } from '../shared/observability.ts';
import { accessRules, parseEnv } from '../shared/parse-env.ts';
import { poisonedItemLog } from '../shared/poisoned-item-log.ts';
import { changeExperiment, readRevisions } from './change-experiment.ts';
import { experimentsContracts, type ExperimentView } from './contract.ts';
import { experimentsEnvironment } from './env.ts';
import { READ_LIMITS, readResults, unknownExperiment, type ReadLimits } from './read-results.ts';

/** What the handler works with; tests give it stores in memory. */
export interface ExperimentsDeps {
  readonly experiments: ExperimentStore;
  readonly exposures: Pick<ExposureArchive, 'ofDay'>;
  readonly events: Pick<EventLog, 'ofDay'>;
  readonly observability: Observability;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** @default READ_LIMITS */
  readonly limits?: ReadLimits;
}

/** `GET /experiments`, `PUT /experiments/{key}` and `GET /experiments/{key}/results`. */
export function createExperimentsHandler(deps: ExperimentsDeps): HttpHandler {
  const { experiments, exposures, events, observability, now, limits = READ_LIMITS } = deps;
  return createHttpFunction(
    experimentsContracts,
    {
      'GET /experiments': async () => {
        const stored = await experiments.list();
        const all = stored.some(({ key }) => key === BUILT_IN.key) ? stored : [BUILT_IN, ...stored];
        return {
          body: { experiments: all.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(viewOf) },
        };
      },

      'PUT /experiments/{key}': async ({ observability, params: { key }, body }) => {
        const { changed, experiment } = await changeExperiment(experiments, key, {
          change: body,
          now: now(),
        });
        const { revision, status, readOutFrom } = experiment;
        observability.info('experiment configured', {
          experiment: key,
          changed,
          revision,
          status,
          readOutFrom,
        });
        return { body: { changed, experiment: viewOf(experiment) } };
      },

      'GET /experiments/{key}/results': async ({ observability, params: { key }, query: { until } }) => {
        const revisions = await readRevisions(experiments, key);
        if (revisions.length === 0) throw unknownExperiment(key);
        const startedAt = now();
        const results = await readResults(revisions, { exposures, events, now, limits, until });
        if (!results.complete) observability.count(METRICS.readOutIncomplete);
        observability.info('experiment read out', {
          experiment: key,
          revision: results.revision,
          listeners: results.listeners,
          exposures: results.exposures,
          complete: results.complete,
          ms: now() - startedAt,
        });
        return { body: results };
      },
    },
    observability,
  );
}

function viewOf(revision: ExperimentRevision): ExperimentView {
  const { key, kind, seed, coverage, layer, variants, status, createdAt, readOutFrom } = revision;
  const builtIn = createdAt === BUILT_IN.createdAt;
  return {
    key,
    revision: revision.revision,
    kind,
    seed,
    coverage,
    ...(layer === undefined ? {} : { layer }),
    variants,
    status,
    createdAt: builtIn ? null : new Date(createdAt).toISOString(),
    readOutFrom,
    builtIn,
  };
}

/** Milliseconds that one call to a store may take: a page of a day, or a write. */
const CALL_DEADLINE_MS = 5_000;

/**
 * The handler over AWS, or over whatever endpoints the variables name.
 *
 * @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function createExperimentsHandlerFromEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): HttpHandler {
  const environment = parseEnv(experimentsEnvironment, variables);
  const observability = createObservability('experiments', environment);
  const dynamo = createDynamoClient(environment, EVENT_LIMITS);
  const call = { deadlineMs: CALL_DEADLINE_MS };
  const onPoison = poisonedItemLog(observability);
  const handler = createExperimentsHandler({
    experiments: createDynamoExperimentStore(dynamo, environment.EXPERIMENTS_TABLE, { ...call, onPoison }),
    exposures: createDynamoExposureLog(dynamo, environment.EXPOSURES_TABLE, { ...call, onPoison }),
    events: createDynamoEventLog(dynamo, environment.EVENTS_TABLE, call),
    observability,
    now: Date.now,
  });
  return guard(handler, accessRules(environment), observability);
}

let warm: HttpHandler | undefined;

/** What Lambda calls; adapters are made once per cold start. */
export const handler: HttpHandler = (event) => {
  warm ??= createExperimentsHandlerFromEnvironment(process.env);
  return warm(event);
};
