import { EncoreError } from '@encore/core/serve';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type * as z from 'zod';
import type { Observability, RequestIds } from './observability.ts';
import { problemOf, problemResponse, type Problem } from './problem.ts';

/** A Lambda handler of HTTP API events, payload format 2.0, that always answers. */
export type HttpHandler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

/**
 * What a route takes and gives: requests are checked against it before a handler sees them, and the OpenAPI document is made
 * of it. Schemas of `params` and `query` read strings; parameters that `query` does not know are ignored.
 */
export interface RouteContract {
  /** Verb and noun, camel case: the name of the method in generated clients. */
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  /** Groups routes in documents. */
  readonly tag: string;
  /** Of the path's `{name}`s. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** JSON; a route without it reads no body. A request may go without one where the schema takes `undefined`. */
  readonly body?: z.ZodType;
  /** By status, what succeeds; `null` for an answer without a body. */
  readonly responses: Readonly<
    Record<number, { readonly description: string; readonly schema: z.ZodType | null }>
  >;
  /** Statuses of the problems that it may answer besides 500. */
  readonly problems: readonly (400 | 404 | 409 | 413 | 415 | 503)[];
  /** Whether answers carry an ETag and `If-None-Match` is honoured. */
  readonly etag?: boolean;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** A request as its route's contract read it. */
export interface RouteRequest<Contract extends RouteContract> {
  /** Speaks for this request: its ids are on every line. */
  readonly observability: Observability;
  readonly params: Parsed<Contract['params']>;
  readonly query: Parsed<Contract['query']>;
  readonly body: Parsed<Contract['body']>;
}

/** What a route answers; the body is sent as JSON. */
export interface RouteResponse {
  /** @default 200 */
  readonly status?: number;
  readonly body: unknown;
  /** Identifies the body, without quotes; only of routes whose contract has `etag`. */
  readonly etag?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One handler for each route of a function's contracts, by `METHOD /path`. */
export type RouteHandlers<Contracts extends Readonly<Record<string, RouteContract>>> = {
  readonly [Route in keyof Contracts]: (request: RouteRequest<Contracts[Route]>) => Promise<RouteResponse>;
};

/** Most bytes of a body, far above what any route allows in items. */
export const LARGEST_BODY_BYTES = 1_048_576;

/**
 * Makes one Lambda handler of a function's routes: parses, dispatches on API Gateway's route key, answers problems for whatever
 * is thrown, and sends the metrics.
 */
export function createHttpFunction<const Contracts extends Readonly<Record<string, RouteContract>>>(
  contracts: Contracts,
  handlers: RouteHandlers<Contracts>,
  observability: Observability,
): HttpHandler {
  return async (event) => {
    const { requestId } = event.requestContext;
    const ofRequest = observability.of(requestIds(event));
    try {
      const contract = Object.hasOwn(contracts, event.routeKey) ? contracts[event.routeKey] : undefined;
      if (contract === undefined) {
        throw new EncoreError('NOT_FOUND', `there is no route ${event.routeKey}`, {});
      }
      const request = readRequest(contract, event);
      if ('problem' in request) {
        logRefusal(ofRequest, request.problem);
        return withCorrelation(event, problemResponse(request.problem, requestId));
      }
      const handle: (request: RouteRequest<RouteContract>) => Promise<RouteResponse> =
        handlers[event.routeKey as keyof Contracts];
      return withCorrelation(event, respond(await handle({ ...request, observability: ofRequest }), event));
    } catch (error) {
      const problem = problemOf(error);
      if (problem.status >= 500) ofRequest.error('request failed', error, { route: event.routeKey });
      else logRefusal(ofRequest, problem);
      return withCorrelation(event, problemResponse(problem, requestId));
    } finally {
      ofRequest.flush();
    }
  };
}

/** A field that no contract knows is the caller's own text, which may name a listener. */
function logRefusal(observability: Observability, { field, isUnknownField = false, status }: Problem): void {
  observability.info('request refused', { field: isUnknownField ? null : field, status });
}

/** By what name the caller finds a request again: sent with it, and back with its answer. */
const CORRELATION_HEADER = 'x-correlation-id';

/** What a caller may call a request: printable ASCII without blanks. It is logged as it is, and must not name a listener. */
const CORRELATION_ID = /^[\x21-\x7e]{1,128}$/;

/** The ids of a request; a caller's name for it that is none is ignored. */
export function requestIds({ headers, requestContext }: APIGatewayProxyEventV2): RequestIds {
  const { requestId } = requestContext;
  const named = headers?.[CORRELATION_HEADER];
  return named !== undefined && CORRELATION_ID.test(named)
    ? { requestId, correlationId: named }
    : { requestId };
}

/** The same answer, with the caller's name for the request. */
export function withCorrelation(
  event: APIGatewayProxyEventV2,
  response: APIGatewayProxyStructuredResultV2,
): APIGatewayProxyStructuredResultV2 {
  const { correlationId } = requestIds(event);
  if (correlationId === undefined) return response;
  return { ...response, headers: { ...response.headers, [CORRELATION_HEADER]: correlationId } };
}

function readRequest(
  contract: RouteContract,
  event: APIGatewayProxyEventV2,
): Omit<RouteRequest<RouteContract>, 'observability'> | { readonly problem: Problem } {
  const params = check(contract.params, event.pathParameters ?? {});
  if ('problem' in params) return params;
  const query = check(contract.query, event.queryStringParameters ?? {});
  if ('problem' in query) return query;
  if (contract.body === undefined) return { params: params.value, query: query.value, body: undefined };
  const json = isWithoutBody(event, contract.body) ? { value: undefined } : readJson(event);
  if ('problem' in json) return json;
  const body = check(contract.body, json.value);
  if ('problem' in body) return body;
  return { params: params.value, query: query.value, body: body.value };
}

function check<Schema extends z.ZodType>(
  schema: Schema | undefined,
  found: unknown,
): { readonly value: z.output<Schema> | undefined } | { readonly problem: Problem } {
  if (schema === undefined) return { value: undefined };
  const parsed = schema.safeParse(found);
  if (parsed.success) return { value: parsed.data };
  return { problem: describeIssue(parsed.error.issues[0]!, found) };
}

/** The first thing that is wrong with a value: where, what was found and what is allowed. */
export function describeIssue(issue: z.core.$ZodIssue, found: unknown): Problem {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  const field = path.join('.') || 'body';
  const detail =
    unknown === undefined
      ? `${field} is ${show(valueAt(found, issue.path))}: ${issue.message}`
      : `there is no field ${field.slice(0, 80)}`;
  return {
    ...INVALID,
    detail,
    field: field.slice(0, 80),
    ...(unknown === undefined ? {} : { isUnknownField: true }),
  };
}

const INVALID = { status: 400, code: 'INVALID_REQUEST', title: 'The request is not valid' } as const;

function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? `a list of ${value.length}` : 'an object';
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 40) : value) ?? 'missing';
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (part, key) =>
      typeof part === 'object' && part !== null && Object.hasOwn(part, key)
        ? Reflect.get(part, key)
        : undefined,
    value,
  );
}

function isWithoutBody(event: APIGatewayProxyEventV2, schema: z.ZodType): boolean {
  return (event.body ?? '') === '' && schema.safeParse(undefined).success;
}

function readJson(
  event: APIGatewayProxyEventV2,
): { readonly value: unknown } | { readonly problem: Problem } {
  const contentType = Object.entries(event.headers ?? {}).find(
    ([name]) => name.toLowerCase() === 'content-type',
  )?.[1];
  if (contentType !== undefined && !/^application\/(.+\+)?json\s*(;|$)/i.test(contentType)) {
    return {
      problem: {
        status: 415,
        code: 'UNSUPPORTED_MEDIA_TYPE',
        title: 'The body is of another type than the route takes',
        detail: `content-type is ${JSON.stringify(contentType.slice(0, 60))}: allowed is application/json`,
        field: 'content-type',
      },
    };
  }
  const raw = event.body ?? '';
  const text = event.isBase64Encoded ? Buffer.from(raw, 'base64').toString('utf8') : raw;
  if (Buffer.byteLength(text) > LARGEST_BODY_BYTES) {
    return {
      problem: {
        status: 413,
        code: 'PAYLOAD_TOO_LARGE',
        title: 'The body is too large',
        detail: `body has more than ${LARGEST_BODY_BYTES} bytes: send less at once`,
        field: 'body',
      },
    };
  }
  if (text === '')
    return { problem: { ...INVALID, field: 'body', detail: 'body is missing: allowed is JSON' } };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return {
      problem: {
        ...INVALID,
        field: 'body',
        detail: `body is no JSON: it begins with ${show(text.slice(0, 40))}`,
      },
    };
  }
}

function respond(response: RouteResponse, event: APIGatewayProxyEventV2): APIGatewayProxyStructuredResultV2 {
  const { status = 200, body, etag, headers = {} } = response;
  if (etag === undefined) {
    return {
      statusCode: status,
      headers: { 'content-type': 'application/json', 'cache-control': 'private, no-store', ...headers },
      body: JSON.stringify(body),
    };
  }
  const tag = `"${etag}"`;
  // To be asked again each time: a model may be activated at any moment.
  const cached = { 'cache-control': 'no-cache', etag: tag, ...headers };
  if (isAmong(event.headers?.['if-none-match'], tag)) return { statusCode: 304, headers: cached, body: '' };
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', ...cached },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

/** Whether `If-None-Match` names an entity tag, compared weakly (RFC 9110, 13.1.2). */
function isAmong(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((part) => {
    const candidate = part.trim();
    return candidate === '*' || candidate.replace(/^W\//, '') === tag;
  });
}
