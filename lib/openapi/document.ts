import * as z from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { ROUTES, type Route } from '../../functions/routes.ts';
import type { RouteContract } from '../../functions/shared/http.ts';

/** What every refusal and failure looks like. */
const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What was found and what is allowed.'),
    code: z.string().describe('Stable: switch on this.'),
    field: z.string().optional().describe('The part of the request that is wrong.'),
    requestId: z.string().describe('Find it in the log.'),
  })
  .meta({ id: 'Problem', description: 'Problem details, RFC 9457.' });

const PROBLEMS = {
  400: 'The request is not valid',
  401: 'It is not known who asks',
  403: 'Whoever asks may not do that',
  404: 'There is no such thing',
  409: 'Not possible as things are',
  413: 'The body is too large',
  415: 'The body is no JSON by its content-type',
  503: 'A store did not answer; ask again after Retry-After seconds',
} as const;

/** What any route answers that is not for everybody, where callers are known at all. */
const ACCESS = [401, 403] as const;

/**
 * The HTTP API as an OpenAPI 3.1 document: one operation for each route of `functions/routes.ts`, made of the contract that
 * requests are checked against.
 *
 * @param contracts - By `METHOD /path`; exactly the routes that there are.
 * @throws Error when a route has no contract, or a contract no route.
 */
export function openApiDocument(
  contracts: Readonly<Record<string, RouteContract>>,
  { version }: { readonly version: string },
): object {
  const keys = new Set(ROUTES.map(({ method, path }) => `${method} ${path}`));
  const unknown = Object.keys(contracts).filter((key) => !keys.has(key));
  if (unknown.length > 0) throw new Error(`no route for the contracts ${unknown.join(', ')}`);
  const paths: ZodOpenApiPathsObject = {};
  for (const route of ROUTES) {
    const key = `${route.method} ${route.path}`;
    const contract = contracts[key];
    if (contract === undefined) throw new Error(`no contract for the route ${key}`);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, contract) };
  }
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Encore',
      version,
      description: 'Recommends musicians, says why, and says under which experiment it did.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    components: {
      securitySchemes: {
        signature: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description:
            'AWS Signature Version 4, service execute-api: where a deployment knows its callers by IAM. A server on this machine asks for nothing.',
        },
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            'Where people sign in: the token’s subject is the listener. Experiments, activation and erasure ask for a scope besides.',
        },
      },
    },
    paths,
  });
}

function operation({ method, access }: Route, contract: RouteContract): ZodOpenApiOperationObject {
  const { operationId, tag, summary, description, params, query, body, responses, problems, etag } = contract;
  return {
    operationId,
    tags: [tag],
    summary,
    security: access === 'public' ? [{}] : [{ signature: [] }, { token: [] }, {}],
    ...(description === undefined ? {} : { description }),
    ...(params === undefined && query === undefined
      ? {}
      : {
          requestParams: {
            ...(params === undefined ? {} : { path: params }),
            ...(query === undefined ? {} : { query }),
          },
        }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: !(method === 'POST' && body.safeParse(undefined).success),
            content: { 'application/json': { schema: body } },
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(responses).map(([status, { description, schema }]) => [
          status,
          schema === null ? { description } : { description, content: { 'application/json': { schema } } },
        ]),
      ),
      ...(etag === true ? { 304: { description: 'As the ETag in If-None-Match says' } } : {}),
      ...Object.fromEntries(
        [...(access === 'public' ? [] : ACCESS), ...problems].map((status) => [
          status,
          { description: PROBLEMS[status], content: { 'application/problem+json': { schema: problem } } },
        ]),
      ),
      500: {
        description: 'Something went wrong on our side',
        content: { 'application/problem+json': { schema: problem } },
      },
    },
  };
}
