import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { createEventsHandler } from '../../../functions/events/handler.ts';
import type { EventLog } from '../../../layers/core/src/ports.ts';
import { silentObservability } from '../recording-observability.ts';

/** One line of an answer. */
export interface Result {
  readonly status: 'accepted' | 'duplicate' | 'refused';
  readonly id?: string;
  readonly code?: string;
  readonly field?: string;
  readonly detail?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: { readonly results: readonly Result[]; readonly [field: string]: unknown };
}

/** The real handler over a log, and what it counted and logged. */
export function eventsClient(eventLog: Pick<EventLog, 'append'>, now: () => number) {
  const counted = new Map<string, number>();
  const logged: unknown[] = [];
  const observability = silentObservability({
    info: (message, fields) => logged.push([message, fields]),
    warn: (message, fields) => logged.push([message, fields]),
    error: (message, error, fields) => logged.push([message, String(error), fields]),
    count: (metric, amount = 1) => counted.set(metric, (counted.get(metric) ?? 0) + amount),
    pseudonym: (userId) => `hash-of-${userId.length}`,
  });
  const handler = createEventsHandler({ eventLog, observability, now });
  return {
    counted,
    logged,
    post: async (body: unknown): Promise<Answer> => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const { statusCode, headers = {}, body: answer } = await handler(requestOf(text));
      return { status: statusCode!, headers, body: JSON.parse(answer!) };
    },
  };
}

function requestOf(body: string): APIGatewayProxyEventV2 {
  return {
    version: '2.0',
    routeKey: 'POST /events',
    rawPath: '/events',
    rawQueryString: '',
    headers: { 'content-type': 'application/json' },
    requestContext: {
      accountId: '',
      apiId: '',
      domainName: '',
      domainPrefix: '',
      http: { method: 'POST', path: '/events', protocol: '', sourceIp: '', userAgent: '' },
      requestId: 'request-1',
      routeKey: 'POST /events',
      stage: '',
      time: '',
      timeEpoch: 0,
    },
    body,
    isBase64Encoded: false,
  };
}
