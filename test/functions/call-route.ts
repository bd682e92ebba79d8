import type { HttpHandler } from '../../functions/shared/http.ts';
import type { Observability } from '../../functions/shared/observability.ts';

/** The fields that tests look into, each of some route. */
export interface AnswerBody {
  readonly pointer: unknown;
  readonly total: number;
  readonly versions: readonly { readonly version: string }[];
  readonly erased: Readonly<Record<'candidates' | 'events' | 'exposures', number>>;
  readonly modelVersion: string;
  readonly policy: string;
  readonly recommendations: readonly unknown[];
}

export interface Called {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Parsed; `null` where there is none. */
  readonly body: AnswerBody;
}

/** Calls one route of a handler as API Gateway does. */
export async function callRoute(
  handler: HttpHandler,
  routeKey: string,
  request: {
    readonly params?: Record<string, string>;
    readonly query?: Record<string, string>;
    /** JSON, or text as it is. */
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<Called> {
  const { params, query, body, headers = {} } = request;
  const [method = '', path = ''] = routeKey.split(' ');
  const rawPath = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params?.[name] ?? ''),
  );
  const {
    statusCode,
    headers: sent = {},
    body: text = '',
  } = await handler({
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    isBase64Encoded: false,
    requestContext: {
      accountId: '0',
      apiId: 'test',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId: 'request-1',
      routeKey,
      stage: '$default',
      time: '2026-11-24T00:00:00Z',
      timeEpoch: 0,
    },
    ...(params === undefined ? {} : { pathParameters: params }),
    ...(query === undefined ? {} : { queryStringParameters: query }),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: statusCode!, headers: sent, body: JSON.parse(text === '' ? 'null' : text) };
}

/** An observability that keeps what it is told. */
export function recordingObservability(): {
  readonly logged: unknown[];
  readonly observability: Observability;
} {
  const logged: unknown[] = [];
  return {
    logged,
    observability: {
      info: (message, fields) => logged.push([message, fields]),
      warn: (message, fields) => logged.push([message, fields]),
      error: (message, error, fields) => logged.push([message, String(error), fields]),
      count: () => undefined,
      flush: () => undefined,
      pseudonym: () => 'a-pseudonym',
    },
  };
}
