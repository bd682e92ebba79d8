import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2 } from 'aws-lambda';
import type { HttpFunction, Route } from '../../functions/routes.ts';
import { badRequest, type RequestProblem } from '../../functions/shared/problem.ts';
import { closeServer, listenOnLoopback } from './loopback.ts';

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

/**
 * Serves Lambda handlers over HTTP as API Gateway's HTTP API does: the same events, and the same answers where there is
 * no handler to ask (an unknown method is a 404 there too).
 *
 * @param options.port - 0 takes a free one.
 * @param options.onError - Told what a handler rejected with; the caller gets a 500.
 */
export async function startHttpServer(options: {
  readonly port: number;
  readonly routes: readonly Route[];
  /** By function; the routes of a function that is left out are not there. */
  readonly handlers: Readonly<Partial<Record<HttpFunction, EventHandler>>>;
  readonly onError: (error: unknown) => void;
}): Promise<HttpServer> {
  const { handlers, onError } = options;
  const routes = options.routes.filter(({ handledBy }) => handlers[handledBy] !== undefined);
  let closing = false;

  function reply(response: ServerResponse, result: APIGatewayProxyResultV2): void {
    // Asked for only now: a request may have begun before the server was told to close.
    if (closing) response.shouldKeepAlive = false;
    send(response, result);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [rawPath = '/', rawQuery = ''] = splitOnce(request.url ?? '/', '?');
    const match = matchRoute(routes, request.method ?? 'GET', rawPath);
    if (match === undefined) return reply(response, message(404, 'Not Found'));
    if ('field' in match) return reply(response, badRequest(match, randomUUID()));
    const body = await readBody(request);
    if (body === undefined) return reply(response, message(413, 'Request Entity Too Large'));
    const event = toEvent(request, { ...match, rawPath, rawQuery, body });
    return reply(response, await handlers[match.route.handledBy]!(event));
  }

  const server = createServer((request, response) => {
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

interface Match {
  readonly route: Route;
  readonly pathParameters: Record<string, string>;
}

function matchRoute(
  routes: readonly Route[],
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
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    query[name] = Object.hasOwn(query, name) ? `${query[name]},${value}` : value;
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
    ...(rawQuery === '' ? {} : { queryStringParameters: query }),
    ...(Object.keys(pathParameters).length === 0 ? {} : { pathParameters }),
    ...(body.length === 0 ? {} : { body: body.toString(isText ? 'utf8' : 'base64') }),
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size > LARGEST_BODY_BYTES) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** API Gateway takes what a handler returns without `statusCode` for the body of a 200. */
function send(response: ServerResponse, result: APIGatewayProxyResultV2): void {
  const structured =
    typeof result === 'object' && 'statusCode' in result
      ? result
      : { statusCode: 200, body: typeof result === 'string' ? result : JSON.stringify(result) };
  const { statusCode = 200, headers = {}, body = '', cookies, isBase64Encoded = false } = structured;
  response.statusCode = statusCode;
  response.setHeader('content-type', 'application/json');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value));
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
