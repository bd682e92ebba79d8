import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { integerQuery, numberField, userIdText } from '../../../functions/shared/fields.ts';
import {
  createHttpFunction,
  LARGEST_BODY_BYTES,
  type RouteContract,
  type RouteResponse,
} from '../../../functions/shared/http.ts';
import type { Observability } from '../../../functions/shared/observability.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import { httpEvent, type TestRequest } from '../http-event.ts';
import { recordingObservability } from '../recording-observability.ts';

const contracts = {
  'GET /things/{userId}': {
    operationId: 'getThing',
    tag: 'Things',
    summary: 'A thing',
    params: z.object({ userId: userIdText }),
    query: z.object({ n: integerQuery(1, 10, 5, 'how many') }),
    responses: { 200: { description: 'It', schema: null } },
    problems: [400, 404],
  },
  'POST /things': {
    operationId: 'addThing',
    tag: 'Things',
    summary: 'Adds a thing',
    body: z.strictObject({ items: z.array(z.strictObject({ weight: numberField(0, 1) })) }),
    responses: { 201: { description: 'Added', schema: null } },
    problems: [400, 413, 415],
  },
} as const satisfies Readonly<Record<string, RouteContract>>;

function setUp(
  answer: (request: {
    readonly observability: Observability;
  }) => RouteResponse | Promise<RouteResponse> = () => ({
    body: {},
  }),
) {
  const recorded = recordingObservability();
  const seen: unknown[] = [];
  const handler = createHttpFunction(
    contracts,
    {
      'GET /things/{userId}': async ({ params, query, observability }) => {
        seen.push({ params, query });
        return answer({ observability });
      },
      'POST /things': async ({ body, observability }) => {
        seen.push(body);
        return answer({ observability });
      },
    },
    recorded.observability,
  );
  return {
    ...recorded,
    seen,
    ask: async (routeKey: string, request: TestRequest = {}) => {
      const { statusCode, headers, body } = await handler(httpEvent(routeKey, request));
      const json: Record<string, unknown> | null = body === '' ? null : JSON.parse(body!);
      return { statusCode, headers, json };
    },
  };
}

describe('a function of HTTP routes', () => {
  it('hands a handler what the contract made of the request', async () => {
    const { ask, seen, nFlushed } = setUp(() => ({ body: { done: true } }));
    const answer = await ask('GET /things/{userId}', {
      params: { userId: 'ü' },
      query: { n: '7', other: 'x' },
    });
    expect(seen).toEqual([{ params: { userId: 'ü' }, query: { n: 7 } }]);
    expect(answer).toEqual({
      statusCode: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'private, no-store' },
      json: { done: true },
    });
    expect(nFlushed()).toBe(1);
  });

  it.each([
    [
      'query',
      'GET /things/{userId}',
      { params: { userId: 'a' }, query: { n: '11' } },
      'n',
      'n is "11": allowed is an integer from 1 to 10',
    ],
    [
      'query',
      'GET /things/{userId}',
      { params: { userId: 'a' }, query: { n: '1e1' } },
      'n',
      'n is "1e1": allowed is an integer from 1 to 10',
    ],
    [
      'path',
      'GET /things/{userId}',
      { params: { userId: '\ud800' } },
      'userId',
      'userId is "\\ud800": allowed is 1 to 128 characters of well-formed Unicode',
    ],
    [
      'path',
      'GET /things/{userId}',
      {},
      'userId',
      'userId is missing: allowed is 1 to 128 characters of well-formed Unicode',
    ],
    ['body', 'POST /things', {}, 'body', 'body is missing: allowed is JSON'],
    ['body', 'POST /things', { body: '{"items"' }, 'body', 'body is no JSON: it begins with "{\\"items\\""'],
    [
      'body',
      'POST /things',
      { body: { items: [{ weight: 1 }, { weight: 2 }] } },
      'items.1.weight',
      'items.1.weight is 2: allowed is a number from 0 to 1',
    ],
    ['body', 'POST /things', { body: { items: [], more: 1 } }, 'more', 'there is no field more'],
    [
      'body',
      'POST /things',
      { body: '{"items":[],"__proto__":{"x":1}}' },
      '__proto__',
      'there is no field __proto__',
    ],
  ])(
    'refuses a bad %s with the field, what was found and what is allowed',
    async (_, route, request, field, detail) => {
      const { ask, seen } = setUp();
      const { statusCode, headers, json } = await ask(route, request);
      expect(statusCode).toBe(400);
      expect(headers).toMatchObject({ 'content-type': 'application/problem+json' });
      expect(json).toEqual({
        type: 'urn:encore:problem:invalid-request',
        title: 'The request is not valid',
        status: 400,
        detail,
        code: 'INVALID_REQUEST',
        field,
        requestId: 'request-1',
      });
      expect(seen).toEqual([]);
    },
  );

  it('takes JSON only, by its content-type, in text or base64', async () => {
    const { ask, seen } = setUp(() => ({ status: 201, body: {} }));
    const body = { items: [{ weight: 0.5 }] };
    expect((await ask('POST /things', { body, headers: { 'content-type': 'text/plain' } })).statusCode).toBe(
      415,
    );
    expect(
      (await ask('POST /things', { body, headers: { 'content-type': 'application/jsonp' } })).statusCode,
    ).toBe(415);
    expect(
      (
        await ask('POST /things', {
          body,
          headers: { 'content-type': 'application/vnd.x+json; charset=utf-8' },
        })
      ).statusCode,
    ).toBe(201);
    const handler = createHttpFunction(
      contracts,
      {
        'GET /things/{userId}': async () => ({ body: {} }),
        'POST /things': async (request) => ({ body: request.body }),
      },
      recordingObservability().observability,
    );
    const encoded = Buffer.from(JSON.stringify(body)).toString('base64');
    const response = await handler({
      ...httpEvent('POST /things', { body: encoded }),
      isBase64Encoded: true,
    });
    expect(JSON.parse(response.body!)).toEqual(body);
    expect(seen).toHaveLength(1);
  });

  it('refuses a body of more bytes than any route needs, counting bytes and not characters', async () => {
    const { ask } = setUp();
    const body = JSON.stringify({ items: [], more: 'ü'.repeat(LARGEST_BODY_BYTES / 2) });
    expect(await ask('POST /things', { body })).toMatchObject({
      statusCode: 413,
      json: { code: 'PAYLOAD_TOO_LARGE', field: 'body' },
    });
  });

  it.each([
    [
      new EncoreError('NOT_FOUND', 'there is no thing 7', { field: 'userId' }),
      404,
      'NOT_FOUND',
      'there is no thing 7',
      undefined,
    ],
    [new EncoreError('CONFLICT', 'it runs already'), 409, 'CONFLICT', 'it runs already', undefined],
    [
      new EncoreError('STORE_UNAVAILABLE', 'dynamodb table secret-name is away'),
      503,
      'STORE_UNAVAILABLE',
      'A store did not answer in time: try again.',
      '1',
    ],
    [
      new EncoreError('SHAPE_MISMATCH', 'internals'),
      500,
      'INTERNAL',
      'The request may be right; the log knows more under its requestId.',
      undefined,
    ],
    [
      new Error('internals'),
      500,
      'INTERNAL',
      'The request may be right; the log knows more under its requestId.',
      undefined,
    ],
  ])('answers what is thrown as a problem: %s', async (thrown, status, code, detail, retryAfter) => {
    const { ask, logged } = setUp(() => Promise.reject(thrown));
    const { statusCode, headers, json } = await ask('GET /things/{userId}', { params: { userId: 'a' } });
    expect({ statusCode, json }).toMatchObject({
      statusCode: status,
      json: { status, code, detail, requestId: 'request-1' },
    });
    expect(headers!['retry-after']).toBe(retryAfter);
    expect(logged).toHaveLength(1);
  });

  it('has no other route, not even one that every object inherits', async () => {
    const { ask } = setUp();
    expect((await ask('GET /nothing')).statusCode).toBe(404);
    expect((await ask('constructor')).statusCode).toBe(404);
    expect((await ask('__proto__')).statusCode).toBe(404);
  });

  it('answers 304 to whoever has the body already, comparing entity tags weakly', async () => {
    const { ask } = setUp(() => ({ body: { a: 1 }, etag: 'v1-x' }));
    const params = { userId: 'a' };
    const first = await ask('GET /things/{userId}', { params });
    expect(first).toMatchObject({
      statusCode: 200,
      headers: { etag: '"v1-x"', 'cache-control': 'no-cache' },
      json: { a: 1 },
    });
    for (const tag of ['"v1-x"', 'W/"v1-x"', '"other", "v1-x"', '*']) {
      const again = await ask('GET /things/{userId}', { params, headers: { 'if-none-match': tag } });
      expect(again).toMatchObject({ statusCode: 304, headers: { etag: '"v1-x"' }, json: null });
    }
    const other = await ask('GET /things/{userId}', { params, headers: { 'if-none-match': '"v1"' } });
    expect(other.statusCode).toBe(200);
  });

  it('never fails for what a request holds', async () => {
    const { ask } = setUp();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET /things/{userId}', 'POST /things'),
        fc.record(
          {
            params: fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
            query: fc.dictionary(fc.string(), fc.string({ unit: 'binary' })),
            headers: fc.dictionary(fc.constantFrom('content-type', 'if-none-match'), fc.string()),
            body: fc.oneof(fc.json(), fc.string({ unit: 'binary' })),
          },
          { requiredKeys: [] },
        ),
        async (route, request) => {
          const { statusCode } = await ask(route, request);
          expect(statusCode).toBeLessThan(500);
        },
      ),
      { seed: 4, numRuns: 500 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

/** Asks under a name for the request. */
const askAs = async (id: string) => {
  const world = setUp((request) => {
    request.observability.info('asked');
    return { body: {} };
  });
  const headers = { 'x-correlation-id': id };
  return { ...world, ...(await world.ask('GET /things/{userId}', { params: { userId: 'a' }, headers })) };
};

describe('what a caller calls a request', () => {
  it('is on its lines and in its answer', async () => {
    const { headers, logged } = await askAs('page-7:~');
    expect(headers!['x-correlation-id']).toBe('page-7:~');
    expect(logged).toEqual([['asked', { requestId: 'request-1', correlationId: 'page-7:~' }]]);
  });

  it('is in the answer to a request that was refused, and that failed', async () => {
    const { ask } = setUp(() => {
      throw new Error('broken');
    });
    const headers = { 'x-correlation-id': 'c1' };
    for (const params of [{}, { userId: 'a' }]) {
      const answer = await ask('GET /things/{userId}', { params, headers });
      expect(answer.headers).toMatchObject({ 'x-correlation-id': 'c1' });
    }
  });

  it.each(['', 'a b', 'ü', 'a\nb', 'x'.repeat(129)])('is ignored where it is %j', async (id) => {
    const { statusCode, headers, logged } = await askAs(id);
    expect(statusCode).toBe(200);
    expect(headers).not.toHaveProperty('x-correlation-id');
    expect(logged).toEqual([['asked', { requestId: 'request-1' }]]);
  });

  it('may be as long as 128 characters', async () => {
    const { headers } = await askAs('x'.repeat(128));
    expect(headers!['x-correlation-id']).toBe('x'.repeat(128));
  });
});

it('does not log a field that the caller made up', async () => {
  const { ask, logged } = setUp();
  const { json } = await ask('POST /things', { body: { items: [], 'listener-51': 1 } });
  expect(json).toMatchObject({ field: 'listener-51' });
  expect(logged).toEqual([['request refused', { requestId: 'request-1', field: null, status: 400 }]]);
});
