import { eventId, eventKey, type EventLog, type ListenerEvent } from '@encore/core/serve';
import { guard } from '../shared/access.ts';
import { createDynamoClient, EVENT_LIMITS } from '../shared/adapters/clients.ts';
import { createDynamoEventLog } from '../shared/adapters/dynamo-event-log.ts';
import { createHttpFunction, describeIssue, type HttpHandler } from '../shared/http.ts';
import { METRICS } from '../shared/metrics.ts';
import { createObservability, type Observability } from '../shared/observability.ts';
import { accessRules, parseEnv } from '../shared/parse-env.ts';
import {
  eventField,
  eventsContracts,
  NEWEST_EVENT_MINUTES,
  OLDEST_EVENT_DAYS,
  type EventResult,
} from './contract.ts';
import { eventsEnvironment } from './env.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** What the handler works with; tests give it a log in memory. */
export interface EventsDeps {
  readonly eventLog: Pick<EventLog, 'append'>;
  readonly observability: Observability;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * `POST /events`: what listeners did.
 *
 * An event is `accepted` or `duplicate` in an answer only once it is stored. Where any of a request's could not be, the whole request
 * is answered 503 and nothing of it is acknowledged; what was stored by then stays, and is a duplicate when the request comes again.
 */
export function createEventsHandler({ eventLog, observability, now }: EventsDeps): HttpHandler {
  return createHttpFunction(
    eventsContracts,
    {
      'POST /events': async ({ observability, body }) => {
        const receivedAt = now();
        const results: EventResult[] = [];
        const distinct: ListenerEvent[] = [];
        /** Where in `results` each of `distinct` stands. */
        const places: number[] = [];
        const seen = new Set<string>();
        for (const [i, found] of body.events.entries()) {
          const read = await readEvent(found, receivedAt);
          if ('refusal' in read) {
            results[i] = read.refusal;
            continue;
          }
          const { event } = read;
          const key = eventKey(event);
          results[i] = { status: 'duplicate', id: event.id };
          if (seen.has(key)) continue;
          seen.add(key);
          places.push(i);
          distinct.push(event);
        }
        const refused = results.filter(({ status }) => status === 'refused').length;
        let outcomes: Awaited<ReturnType<EventLog['append']>> = [];
        try {
          if (distinct.length > 0) outcomes = await eventLog.append(distinct);
        } catch (error) {
          // Refusals too are told again with the repeated request, and counted then.
          observability.count(METRICS.eventsFailed, results.length - refused);
          throw error;
        }
        outcomes.forEach((outcome, e) => {
          if (outcome === 'stored') results[places[e]!] = { ...results[places[e]!]!, status: 'accepted' };
        });
        const accepted = outcomes.filter((outcome) => outcome === 'stored').length;
        const duplicate = results.length - refused - accepted;
        observability.count(METRICS.eventsAccepted, accepted);
        observability.count(METRICS.eventsDuplicate, duplicate);
        observability.count(METRICS.eventsRefused, refused);
        const listeners = new Set(distinct.map(({ userId }) => userId));
        observability.info('events stored', {
          accepted,
          duplicate,
          refused,
          listeners: listeners.size,
          // One listener's own page: the usual sender.
          ...(listeners.size === 1 ? { user: observability.pseudonym(distinct[0]!.userId) } : {}),
        });
        return { body: { results } };
      },
    },
    observability,
  );
}

/** Reads one event of a request. */
async function readEvent(
  found: unknown,
  receivedAt: number,
): Promise<{ readonly event: ListenerEvent } | { readonly refusal: EventResult }> {
  const parsed = eventField.safeParse(found);
  if (!parsed.success) {
    const { code, field, detail } = describeIssue(parsed.error.issues[0]!, found);
    // What is no object has no field.
    const place = field === 'body' ? {} : { field };
    return {
      refusal: { status: 'refused', code, ...place, detail: detail.replace(/^body is/, 'the event is') },
    };
  }
  const { id, userId, artistId, type, at, exposureId, plays } = parsed.data;
  const from = receivedAt - OLDEST_EVENT_DAYS * DAY_MS;
  const to = receivedAt + NEWEST_EVENT_MINUTES * MINUTE_MS;
  if (at < from || at > to) {
    return {
      refusal: {
        status: 'refused',
        code: 'INVALID_REQUEST',
        field: 'at',
        detail: `at is ${iso(at)}: allowed is from ${iso(from)} to ${iso(to)}`,
      },
    };
  }
  return {
    event: {
      id: id ?? (await eventId({ userId, artistId, type, at })),
      userId,
      artistId,
      type,
      at,
      receivedAt,
      exposureId: exposureId ?? null,
      plays: plays ?? 1,
    },
  };
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** Milliseconds that storing one request's events may take. */
const APPEND_DEADLINE_MS = 5_000;

/**
 * The handler over AWS, or over whatever endpoints the variables name.
 *
 * @throws EncoreError `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function createEventsHandlerFromEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): HttpHandler {
  const environment = parseEnv(eventsEnvironment, variables);
  const observability = createObservability('events', environment);
  const dynamo = createDynamoClient(environment, EVENT_LIMITS);
  const handler = createEventsHandler({
    eventLog: createDynamoEventLog(dynamo, environment.EVENTS_TABLE, { deadlineMs: APPEND_DEADLINE_MS }),
    observability,
    now: Date.now,
  });
  return guard(handler, accessRules(environment), observability);
}

let warm: HttpHandler | undefined;

/** What Lambda calls; adapters are made once per cold start. */
export const handler: HttpHandler = (event) => {
  warm ??= createEventsHandlerFromEnvironment(process.env);
  return warm(event);
};
