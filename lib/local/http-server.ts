import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2 } from 'aws-lambda';
import type { HttpFunction, RouteName } from '../../functions/routes.ts';
import { badRequest, type RequestProblem } from '../../functions/shared/problem.ts';
import { CORS_RULES } from '../cors.ts';
import { closeServer, listenOnLoopback } from './loopback.ts';
import type { PageFiles } from './page-files.ts';

/** A Lambda handler of HTTP API events, payload format 2.0. */
export type EventHandler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyResultV2>;

export interface HttpServer {
  readonly port: number;
  readonly url: string;
  /** Stops accepting, lets requests in flight finish for up to 3 s, closes what is left. */
  close(): Promise<void>;
}

/** What API Gateway takes at most. */
const LARGEST_BODY_BYTES = 10_485_760;
const GRACE_MS = 3_000;
/** How long a client may take for its headers, and for all of its request: API Gateway waits no longer than the latter either. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** How often it is looked whether one has taken longer. */
const TIMEOUT_CHECK_MS = 1_000;
/** How long a connection may be idle; a client that reuses one must not meet it being closed. */
const KEEP_ALIVE_MS = 65_000;

/** Pages of which origins may read answers: `['*']` are all. */
export interface Cors {
  readonly origins: readonly string[];
}

/**
 * Serves Lambda handlers over HTTP as API Gateway's HTTP API does: the same events, and the same answers where there is
 * no handler to ask (an unknown method is a 404 there too, HEAD and OPTIONS among them).
 *
 * @param options.port - 0 takes a free one.
 * @param options.cors - With it preflights are answered here, and whatever handlers say of CORS is left out, as API Gateway does; null
 *   says nothing of other origins.
 * @default null
 * @param options.page - Answers GET and HEAD where no route fits, as CloudFront in front of API Gateway does.
 * @default null
 * @param options.onError - Told what a handler rejected with; the caller gets a 500.
 */
export async function startHttpServer(options: {
  readonly port: number;
  readonly routes: readonly RouteName[];
  /** By function; the routes of a function that is left out are not there. */
  readonly handlers: Readonly<Partial<Record<HttpFunction, EventHandler>>>;
  readonly onError: (error: unknown) => void;
  readonly cors?: Cors | null;
  readonly page?: PageFiles | null;
}): Promise<HttpServer> {
  const { handlers, onError, cors = null, page = null } = options;
  const routes = bySpecificity(options.routes.filter(({ handledBy }) => handlers[handledBy] !== undefined));
  let closing = false;

  function reply(response: ServerResponse, result: APIGatewayProxyResultV2): void {
    // Asked for only now: a request may have begun before the server was told to close.
    if (closing) response.shouldKeepAlive = false;
    send(response, result, cors === null ? undefined : corsHeaders(cors, response.req));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (cors !== null && request.method === 'OPTIONS') return reply(response, { statusCode: 204 });
    const [rawPath = '/', rawQuery = ''] = splitOnce(request.url ?? '/', '?');
    const match = matchRoute(routes, request.method ?? 'GET', rawPath);
    if (match === undefined) {
      const notFound = (): void => reply(response, message(404, 'Not Found'));
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      return page === null || !isRead ? notFound() : page(request, response, notFound);
    }
    if ('field' in match) return reply(response, badRequest(match, randomUUID()));
    const body = await readBody(request);
    if (body === 'aborted') return undefined;
    if (body === 'too large') {
      // What is still to come is read by nobody.
      response.shouldKeepAlive = false;
      return reply(response, message(413, 'Request Entity Too Large'));
    }
    const event = toEvent(request, { ...match, rawPath, rawQuery, body });
    return reply(response, await handlers[match.route.handledBy]!(event));
  }

  const timeouts = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const server = createServer(timeouts, (request, response) => {
    // A client that hangs up is no failure of a handler; without a listener it would end the process.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    answer(request, response).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else reply(response, message(500, 'Internal Server Error'));
    });
  });
  const port = await listenOnLoopback(server, options.port);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () => {
      closing = true;
      return closeServer(server, GRACE_MS);
    },
  };
}

/** Fixed segments before `{name}`s, from left to right: the first route that fits is then the one API Gateway would choose. */
function bySpecificity(routes: readonly RouteName[]): readonly RouteName[] {
  return routes.toSorted((a, b) => specificity(a).localeCompare(specificity(b)));
}

/** `/artists/{artistId}/similar` is 010: the order of these texts is the order wanted. */
function specificity({ path }: RouteName): string {
  return path
    .split('/')
    .slice(1)
    .map((segment) => (segment.startsWith('{') ? '1' : '0'))
    .join('');
}

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html */
function corsHeaders({ origins }: Cors, request: IncomingMessage): Readonly<Record<string, string>> {
  const { origin, 'access-control-request-method': method } = request.headers;
  const all = origins.includes('*');
  // Another origin gets another answer: caches have to know.
  const vary: Readonly<Record<string, string>> = all ? {} : { vary: 'origin' };
  if (origin === undefined || !(all || origins.includes(origin))) return vary;
  const allowed = { ...vary, 'access-control-allow-origin': all ? '*' : origin };
  if (request.method !== 'OPTIONS')
    return { ...allowed, 'access-control-expose-headers': CORS_RULES.exposedHeaders.join(',') };
  if (!CORS_RULES.methods.some((known) => known === method)) return vary;
  return {
    ...allowed,
    'access-control-allow-methods': CORS_RULES.methods.join(','),
    'access-control-allow-headers': CORS_RULES.requestHeaders.join(','),
    'access-control-max-age': String(CORS_RULES.maxAgeSeconds),
  };
}

interface Match {
  readonly route: RouteName;
  readonly pathParameters: Record<string, string>;
}

function matchRoute(
  routes: readonly RouteName[],
  method: string,
  rawPath: string,
): Match | RequestProblem | undefined {
  const segments = rawPath.split('/');
  for (const route of routes) {
    const template = route.path.split('/');
    if (route.method !== method || template.length !== segments.length) continue;
    const pathParameters: Record<string, string> = {};
    const fits = template.every((part, i) => {
      const segment = segments[i]!;
      if (!part.startsWith('{')) return part === segment;
      pathParameters[part.slice(1, -1)] = segment;
      return segment !== '';
    });
    if (!fits) continue;
    for (const [name, value] of Object.entries(pathParameters)) {
      try {
        pathParameters[name] = decodeURIComponent(value);
      } catch {
        const shown = JSON.stringify(value.slice(0, 40));
        return { field: name, detail: `${name} is ${shown}: allowed is UTF-8, percent-encoded` };
      }
    }
    return { route, pathParameters };
  }
  return undefined;
}

function toEvent(
  request: IncomingMessage,
  {
    route,
    pathParameters,
    rawPath,
    rawQuery,
    body,
  }: Match & { rawPath: string; rawQuery: string; body: Buffer },
): APIGatewayProxyEventV2 {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (name !== 'cookie' && value !== undefined)
      headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    const before = query.get(name);
    query.set(name, before === undefined ? value : `${before},${value}`);
  }
  const isText = /^(text\/|application\/(.*\+)?(json|xml|javascript|x-www-form-urlencoded))/.test(
    headers['content-type'] ?? 'text/plain',
  );
  const now = new Date();
  const routeKey = `${route.method} ${route.path}`;
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: rawQuery,
    headers,
    isBase64Encoded: body.length > 0 && !isText,
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: headers['host'] ?? 'localhost',
      domainPrefix: 'local',
      http: {
        method: route.method,
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: now.toISOString(),
      timeEpoch: now.getTime(),
    },
    ...(request.headers.cookie === undefined ? {} : { cookies: request.headers.cookie.split(/; */) }),
    ...(rawQuery === '' ? {} : { queryStringParameters: Object.fromEntries(query) }),
    ...(Object.keys(pathParameters).length === 0 ? {} : { pathParameters }),
    ...(body.length === 0 ? {} : { body: body.toString(isText ? 'utf8' : 'base64') }),
  };
}

/** The whole body, or why there is none. */
function readBody(request: IncomingMessage): Promise<Buffer | 'too large' | 'aborted'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      // Read on, to nowhere: a connection that is cut in mid-request would take the answer with it.
      if (size > LARGEST_BODY_BYTES) {
        chunks.length = 0;
        resolve('too large');
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => resolve('aborted'));
  });
}

/** API Gateway takes what a handler returns without `statusCode` for the body of a 200. */
function send(
  response: ServerResponse,
  result: APIGatewayProxyResultV2,
  cors: Readonly<Record<string, string>> | undefined,
): void {
  const structured =
    typeof result === 'object' && 'statusCode' in result
      ? result
      : { statusCode: 200, body: typeof result === 'string' ? result : JSON.stringify(result) };
  const { statusCode = 200, headers = {}, body = '', cookies, isBase64Encoded = false } = structured;
  response.statusCode = statusCode;
  if (statusCode !== 204) response.setHeader('content-type', 'application/json');
  for (const [name, value] of Object.entries(headers)) {
    if (cors === undefined || !/^access-control-/i.test(name)) response.setHeader(name, String(value));
  }
  for (const [name, value] of Object.entries(cors ?? {})) response.setHeader(name, value);
  if (cookies !== undefined) response.setHeader('set-cookie', cookies);
  // Text leaves in one write with the headers, bytes in one of their own.
  response.end(isBase64Encoded ? Buffer.from(body, 'base64') : body);
}

function message(statusCode: number, text: string): APIGatewayProxyResultV2 {
  return {
    statusCode,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: text }),
  };
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
