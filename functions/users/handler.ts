import type {
  CandidateEraser,
  EventLog,
  ExposureArchive,
  ModelStore,
  TombstoneStore,
} from '@encore/core/serve';
import { guard } from '../shared/access.ts';
import { ADMIN_LIMITS, createDynamoClient, createS3Client } from '../shared/adapters/clients.ts';
import { createDynamoCandidateEraser } from '../shared/adapters/dynamo-candidate-eraser.ts';
import { createDynamoEventLog } from '../shared/adapters/dynamo-event-log.ts';
import { createDynamoExposureLog } from '../shared/adapters/dynamo-exposure-log.ts';
import { createDynamoTombstoneStore } from '../shared/adapters/dynamo-tombstone-store.ts';
import { createS3ModelStore } from '../shared/adapters/s3-model-store.ts';
import { createHttpFunction, type HttpHandler } from '../shared/http.ts';
import { ensureErasureKey, listenerHash } from '../shared/listener-hash.ts';
import { createObservability, type Observability } from '../shared/observability.ts';
import { accessRules, parseEnv } from '../shared/parse-env.ts';
import { EXPOSURES_TTL_DAYS } from '../shared/tables.ts';
import { within } from '../shared/within.ts';
import { usersContracts } from './contract.ts';
import { usersEnvironment } from './env.ts';

const DAY_MS = 86_400_000;
/** DynamoDB deletes what has expired within some days, not at once. */
const EXPIRY_LAG_DAYS = 4;
/** An HTTP API waits for 30 s; what is done by then need not be done again. */
const PATIENCE_MS = 25_000;

/** What the handler works with; tests give it stores in memory. */
export interface UsersDeps {
  /** Keeps the key of the tombstones' hashes. */
  readonly modelStore: ModelStore;
  readonly tombstones: Pick<TombstoneStore, 'add'>;
  readonly candidates: CandidateEraser;
  readonly eventLog: Pick<EventLog, 'erase'>;
  readonly exposures: Pick<ExposureArchive, 'erase'>;
  readonly observability: Observability;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * `DELETE /users/{userId}`: forgets a listener.
 *
 * The tombstone comes first, so that a training or an activation that is under way finds it when it is done, and whoever repeats
 * the request after a failure finds what is left. Everybody gets one: a data set may know a listener whom the stores do not.
 */
export function createUsersHandler(deps: UsersDeps): HttpHandler {
  const { modelStore, tombstones, candidates, eventLog, exposures, observability, now } = deps;

  async function erase(userId: string) {
    const at = now();
    await tombstones.add(listenerHash(userId, await ensureErasureKey(modelStore)), at);
    // Settled, not raced: no deletion may still be under way when the caller hears of a failure.
    const outcomes = await Promise.allSettled([
      candidates.erase(userId),
      eventLog.erase(userId),
      exposures.erase(userId, retainedDays(at)),
    ]);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    const [nCandidates, nEvents, nExposures] = outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value : 0,
    );
    return { candidates: nCandidates!, events: nEvents!, exposures: nExposures! };
  }

  return createHttpFunction(
    usersContracts,
    {
      'DELETE /users/{userId}': async ({ observability, params: { userId } }) => {
        const erased = await within(PATIENCE_MS, 'an erasure', erase(userId));
        observability.info('listener erased', {
          user: observability.pseudonym(userId),
          ...erased,
        });
        return { body: { userId, erased } };
      },
    },
    observability,
  );
}

/** The UTC days of which exposures may be stored, from tomorrow (clocks differ) back to what is about to expire. */
export function retainedDays(nowMs: number): readonly string[] {
  return Array.from({ length: EXPOSURES_TTL_DAYS + EXPIRY_LAG_DAYS + 2 }, (_, i) =>
    new Date(nowMs + (1 - i) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** Milliseconds that one call to a store may take, the SDK's retries included. */
const CALL_DEADLINE_MS = 5_000;

/**
 * The handler over AWS, or over whatever endpoints the variables name.
 *
 * @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function createUsersHandlerFromEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): HttpHandler {
  const environment = parseEnv(usersEnvironment, variables);
  const observability = createObservability('users', environment);
  const dynamo = createDynamoClient(environment, ADMIN_LIMITS);
  const call = { deadlineMs: CALL_DEADLINE_MS };
  const handler = createUsersHandler({
    modelStore: createS3ModelStore(createS3Client(environment, ADMIN_LIMITS), environment.BUCKET_NAME, call),
    tombstones: createDynamoTombstoneStore(dynamo, environment.TOMBSTONES_TABLE, call),
    candidates: createDynamoCandidateEraser(dynamo, environment.CANDIDATES_TABLE, call),
    eventLog: createDynamoEventLog(dynamo, environment.EVENTS_TABLE, call),
    exposures: createDynamoExposureLog(dynamo, environment.EXPOSURES_TABLE, call),
    observability,
    now: Date.now,
  });
  return guard(handler, accessRules(environment), observability);
}

let warm: HttpHandler | undefined;

/** What Lambda calls; adapters are made once per cold start. */
export const handler: HttpHandler = (event) => {
  warm ??= createUsersHandlerFromEnvironment(process.env);
  return warm(event);
};
