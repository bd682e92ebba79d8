import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2 } from 'aws-lambda';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ROUTES, type RouteName } from '../../../functions/routes.ts';
import {
  startHttpServer,
  type Cors,
  type EventHandler,
  type HttpServer,
} from '../../../lib/local/http-server.ts';

const POST: RouteName = { method: 'POST', path: '/things', handledBy: 'recommend' };

const open: HttpServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function serve(
  handler: EventHandler,
  onError: (error: unknown) => void = () => undefined,
  cors: Cors | null = null,
): Promise<HttpServer> {
  const server = await startHttpServer({
    port: 0,
    routes: [...ROUTES, POST],
    handlers: { recommend: handler },
    onError,
    cors,
  });
  open.push(server);
  return server;
}

/** A server whose handler keeps the events it was given. */
async function record(): Promise<{ readonly url: string; readonly events: APIGatewayProxyEventV2[] }> {
  const events: APIGatewayProxyEventV2[] = [];
  const { url } = await serve((event) => {
    events.push(event);
    return Promise.resolve({ statusCode: 200, body: '{}' });
  });
  return { url, events };
}

describe('the local HTTP server', () => {
  it('hands over the event that API Gateway would, path decoded, headers in lower case', async () => {
    const { url, events } = await record();
    await fetch(`${url}/users/a%20b%2Fc/recommendations?n=5&tag=x&tag=y+z&empty=`, {
      headers: { 'X-Some-Header': 'Value', cookie: 'a=1; b=2' },
    });
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      version: '2.0',
      routeKey: 'GET /users/{userId}/recommendations',
      rawPath: '/users/a%20b%2Fc/recommendations',
      rawQueryString: 'n=5&tag=x&tag=y+z&empty=',
      cookies: ['a=1', 'b=2'],
      headers: { 'x-some-header': 'Value' },
      queryStringParameters: { n: '5', tag: 'x,y z', empty: '' },
      pathParameters: { userId: 'a b/c' },
      isBase64Encoded: false,
      requestContext: {
        http: { method: 'GET', path: '/users/a%20b%2Fc/recommendations', sourceIp: '127.0.0.1' },
        stage: '$default',
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    });
    expect(events[0]).not.toHaveProperty('body');
    expect(events[0]!.headers).not.toHaveProperty('cookie');
  });

  it('leaves query parameters out where there are none', async () => {
    const { url, events } = await record();
    await fetch(`${url}/users/51/recommendations`);
    expect(events[0]).not.toHaveProperty('queryStringParameters');
    expect(events[0]!.rawQueryString).toBe('');
  });

  it('passes JSON on as text and other bytes in base64', async () => {
    const { url, events } = await record();
    const json = '{"name":"Björk"}';
    await fetch(`${url}/things`, {
      method: 'POST',
      body: json,
      headers: { 'content-type': 'application/json' },
    });
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await fetch(`${url}/things`, { method: 'POST', body: bytes, headers: { 'content-type': 'image/png' } });
    expect(events.map(({ body, isBase64Encoded }) => ({ body, isBase64Encoded }))).toEqual([
      { body: json, isBase64Encoded: false },
      { body: Buffer.from(bytes).toString('base64'), isBase64Encoded: true },
    ]);
  });

  it.each([
    ['an unknown path', 'GET', '/nothing/here'],
    ['a path with an empty parameter', 'GET', '/users//recommendations'],
    ['a trailing slash', 'GET', '/users/51/recommendations/'],
    ['a known path under another method', 'DELETE', '/users/51/recommendations'],
  ])('answers %s with 404, as API Gateway does', async (_, method, path) => {
    const { url, events } = await record();
    const response = await fetch(`${url}${path}`, { method });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ message: 'Not Found' });
    expect(events).toHaveLength(0);
  });

  it('answers 400 to a path that cannot be decoded, naming the field', async () => {
    const { url, events } = await record();
    const response = await fetch(`${url}/users/%E0%A4%A/recommendations`);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({
      field: 'userId',
      detail: 'userId is "%E0%A4%A": allowed is UTF-8, percent-encoded',
    });
    expect(events).toHaveLength(0);
  });

  it('answers 413 to more than 10 MB', async () => {
    const { url, events } = await record();
    const response = await fetch(`${url}/things`, { method: 'POST', body: new Uint8Array(10_485_761) });
    expect(response.status).toBe(413);
    expect(events).toHaveLength(0);
  });

  it.each<[string, APIGatewayProxyResultV2, number, string, string]>([
    [
      'a whole answer',
      { statusCode: 201, headers: { 'content-type': 'text/plain' }, body: 'made' },
      201,
      'text/plain',
      'made',
    ],
    ['an object without a status', { body: 'x' }, 200, 'application/json', '{"body":"x"}'],
    ['a string', '"hello"', 200, 'application/json', '"hello"'],
    [
      'base64',
      { statusCode: 200, body: 'aGVsbG8=', isBase64Encoded: true },
      200,
      'application/json',
      'hello',
    ],
  ])('sends %s back', async (_, result, status, type, body) => {
    const { url } = await serve(() => Promise.resolve(result));
    const response = await fetch(`${url}/users/51/recommendations`);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe(type);
    expect(await response.text()).toBe(body);
  });

  it('sends every cookie in a header of its own', async () => {
    const { url } = await serve(() => Promise.resolve({ statusCode: 204, cookies: ['a=1', 'b=2; Path=/'] }));
    const response = await fetch(`${url}/users/51/recommendations`);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2; Path=/']);
  });

  it('hides what a handler rejected with behind a 500 and reports it', async () => {
    const errors: unknown[] = [];
    const failure = new Error('secret');
    const { url } = await serve(
      () => Promise.reject(failure),
      (error) => errors.push(error),
    );
    const response = await fetch(`${url}/users/51/recommendations`);
    expect(response.status).toBe(500);
    expect(await response.text()).toBe('{"message":"Internal Server Error"}');
    expect(errors).toEqual([failure]);
  });

  it('finishes a request in flight when it closes, and takes no new one', async () => {
    const started = Promise.withResolvers<void>();
    const result = Promise.withResolvers<APIGatewayProxyResultV2>();
    const server = await serve(() => {
      started.resolve();
      return result.promise;
    });
    const late = fetch(`${server.url}/users/51/recommendations`);
    await started.promise;
    const closed = server.close();
    await expect(fetch(`${server.url}/users/52/recommendations`)).rejects.toThrow('fetch failed');
    result.resolve({ statusCode: 200, body: '"late"' });
    expect(await (await late).json()).toBe('late');
    await closed;
    open.length = 0;
  });

  it('closes while a client keeps its idle connection', async () => {
    const server = await serve(() => Promise.resolve({ statusCode: 200, body: '{}' }));
    const agent = new Agent({ keepAlive: true });
    await new Promise<void>((resolve, reject) => {
      httpRequest(`${server.url}/users/51/recommendations`, { agent }, (response) => {
        response.resume();
        response.on('end', resolve);
      })
        .on('error', reject)
        .end();
    });
    await server.close();
    open.length = 0;
    agent.destroy();
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  });

  it('listens on the loopback interface only', async () => {
    const { url } = await serve(() => Promise.resolve('{}'));
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });
});

/** Sends bytes over a bare connection; resolves to all that came back until the server closed it. */
function exchange(port: number, sent: string | Buffer, { end = false } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      if (end) socket.end(sent);
      else socket.write(sent);
    });
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    socket.on('close', () => resolve(answer));
    // A reset is a way to close, too.
    socket.on('error', () => undefined);
    socket.setTimeout(5_000, () => {
      socket.destroy();
      reject(new Error(`no end within 5 s of ${JSON.stringify(sent.toString('latin1').slice(0, 300))}`));
    });
  });
}

const handle = async (path: string, routes: readonly RouteName[]): Promise<unknown> => {
  const server = await startHttpServer({
    port: 0,
    routes,
    handlers: { recommend: ({ routeKey }) => Promise.resolve(JSON.stringify(routeKey)) },
    onError: () => undefined,
  });
  open.push(server);
  return (await fetch(`${server.url}${path}`)).json();
};
const table = (...paths: readonly RouteName['path'][]): readonly RouteName[] =>
  paths.map((path) => ({ method: 'GET', path, handledBy: 'recommend' }));

describe('a fixed segment', () => {
  it.each([
    ['/artists/popular', 'GET /artists/popular'],
    ['/artists/289', 'GET /artists/{artistId}'],
    ['/artists/popular/similar', 'GET /artists/{artistId}/similar'],
    ['/models/current/report', 'GET /models/current/report'],
    ['/models/v1/report', 'GET /models/{version}/report'],
  ])('is matched before a parameter, whatever the order of the table: %s', async (path, routeKey) => {
    const routes = table(
      '/artists/{artistId}',
      '/artists/popular',
      '/artists/{artistId}/similar',
      '/models/{version}/report',
      '/models/current/report',
    );
    expect(await handle(path, routes)).toBe(routeKey);
    expect(await handle(path, routes.toReversed())).toBe(routeKey);
  });
});

const ORIGINS = ['https://shop.example', 'http://localhost:8080'];
const withCors = (origins: readonly string[]): Promise<HttpServer> =>
  serve(
    () =>
      Promise.resolve({ statusCode: 200, headers: { 'Access-Control-Allow-Origin': 'mine' }, body: '{}' }),
    undefined,
    { origins },
  );
const corsOf = (headers: Headers): Readonly<Record<string, string>> =>
  Object.fromEntries([...headers].filter(([name]) => /^(access-control-|vary$)/.test(name)));
const preflight = (url: string, origin: string, method = 'GET'): Promise<Response> =>
  fetch(`${url}/users/51/recommendations`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': method },
  });

describe('other origins', () => {
  it('get an answer to their preflight where they are configured', async () => {
    const { url } = await withCors(ORIGINS);
    const response = await preflight(url, ORIGINS[1]!, 'PUT');
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
    expect(corsOf(response.headers)).toEqual({
      'access-control-allow-origin': 'http://localhost:8080',
      'access-control-allow-methods': 'GET,POST,PUT,DELETE',
      'access-control-allow-headers': 'authorization,content-type,if-none-match,x-correlation-id',
      'access-control-max-age': '3600',
      vary: 'origin',
    });
  });

  it('may read answers, by our headers and not by those of a handler', async () => {
    const { url } = await withCors(ORIGINS);
    const response = await fetch(`${url}/users/51/recommendations`, { headers: { origin: ORIGINS[0]! } });
    expect(corsOf(response.headers)).toEqual({
      'access-control-allow-origin': 'https://shop.example',
      'access-control-expose-headers': 'etag,retry-after,x-correlation-id',
      vary: 'origin',
    });
  });

  it('may read refusals too', async () => {
    const { url } = await withCors(ORIGINS);
    const response = await fetch(`${url}/nothing/here`, { headers: { origin: ORIGINS[0]! } });
    expect(response.status).toBe(404);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://shop.example');
  });

  it('are told nothing where others are configured', async () => {
    const { url } = await withCors(ORIGINS);
    const stranger = 'https://shop.example.evil.example';
    const answers = [
      await preflight(url, stranger),
      await fetch(`${url}/users/51/recommendations`, { headers: { origin: stranger } }),
      await preflight(url, ORIGINS[0]!, 'PATCH'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([204, 200, 204]);
    for (const { headers } of answers) expect(corsOf(headers)).toEqual({ vary: 'origin' });
  });

  it('are all let in by *', async () => {
    const { url } = await withCors(['*']);
    expect(corsOf((await preflight(url, 'https://anywhere.example')).headers)).toMatchObject({
      'access-control-allow-origin': '*',
    });
    const response = await fetch(`${url}/users/51/recommendations`, { headers: { origin: 'null' } });
    expect(corsOf(response.headers)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'etag,retry-after,x-correlation-id',
    });
  });

  it('find no OPTIONS and no header where nothing is configured', async () => {
    const { url } = await serve(() => Promise.resolve('{}'));
    expect((await preflight(url, ORIGINS[0]!)).status).toBe(404);
    const response = await fetch(`${url}/users/51/recommendations`, { headers: { origin: ORIGINS[0]! } });
    expect(corsOf(response.headers)).toEqual({});
  });
});

describe('a client that misbehaves', () => {
  it('gets 413 though it goes on sending, and the connection ends', async () => {
    const { port } = await serve(() => Promise.resolve('{}'));
    const head = 'POST /things HTTP/1.1\r\nhost: x\r\ncontent-length: 20000000\r\n\r\n';
    const answer = await exchange(port, Buffer.concat([Buffer.from(head), Buffer.alloc(20_000_000)]));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('asks no handler and reports no failure when it hangs up in the middle of its body', async () => {
    const errors: unknown[] = [];
    let nAsked = 0;
    const { port, url } = await serve(
      () => {
        nAsked++;
        return Promise.resolve('{}');
      },
      (error) => errors.push(error),
    );
    const head = 'POST /things HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly this';
    await exchange(port, head, { end: true });
    expect(await (await fetch(`${url}/users/51/recommendations`)).text()).toBe('{}');
    expect({ nAsked, errors }).toEqual({ nAsked: 1, errors: [] });
  });

  it('hangs up before its answer is there without a trace', async () => {
    const errors: unknown[] = [];
    const asked = Promise.withResolvers<void>();
    const result = Promise.withResolvers<APIGatewayProxyResultV2>();
    let first = true;
    const { port, url } = await serve(
      () => {
        if (!first) return Promise.resolve('{}');
        first = false;
        asked.resolve();
        return result.promise;
      },
      (error) => errors.push(error),
    );
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('GET /users/51/recommendations HTTP/1.1\r\nhost: x\r\n\r\n'),
    );
    await asked.promise;
    socket.destroy();
    result.resolve({ statusCode: 200, body: 'x'.repeat(1_000_000) });
    expect(await (await fetch(`${url}/users/51/recommendations`)).text()).toBe('{}');
    expect(errors).toEqual([]);
  });

  it('cannot write headers of its own into an answer', async () => {
    const errors: unknown[] = [];
    const { url } = await serve(
      ({ pathParameters }) =>
        Promise.resolve({ statusCode: 200, headers: { 'x-user': pathParameters!['userId']! }, body: '{}' }),
      (error) => errors.push(error),
    );
    const response = await fetch(`${url}/users/a%0d%0aset-cookie:%20b=c/recommendations`);
    expect(response.status).toBe(500);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(errors).toHaveLength(1);
  });

  it('keeps parameters that are named like parts of objects to itself', async () => {
    const { url, events } = await record();
    await fetch(`${url}/users/51/recommendations?__proto__=a&constructor=b&__proto__=c&toString=d`);
    expect(Object.entries(events[0]!.queryStringParameters!)).toEqual([
      ['__proto__', 'a,c'],
      ['constructor', 'b'],
      ['toString', 'd'],
    ]);
    expect(Object.getPrototypeOf(events[0]!.queryStringParameters)).toBe(Object.prototype);
  });

  it('gets no body for HEAD and no route', async () => {
    const { port } = await serve(() => Promise.resolve('{}'));
    const answer = await exchange(
      port,
      'HEAD /users/51/recommendations HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer.split('\r\n\r\n')[1]).toBe('');
  });
});

const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength });
const path = fc.oneof(
  fc.constantFrom('/', '*', '//', '/users//recommendations', '/users/%/recommendations', '/things?'),
  fc
    .array(fc.oneof(text(8), fc.constantFrom('users', '%00', '%E0%A4%A', '..', '__proto__')), {
      maxLength: 5,
    })
    .map((segments) => `/${segments.join('/')}`),
  text(30).map((id) => `/users/${encodeURIComponent(id.toWellFormed())}/recommendations?${id}`),
  fc.constant(`http://127.0.0.1/users/1/recommendations`),
);
const header = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('content-type', 'cookie', 'expect', 'origin', 'x-a', '__proto__', 'upgrade'),
      text(20),
    )
    .map(([name, value]) => `${name}: ${value}`),
  fc.constantFrom(
    'content-length: -1',
    'content-length: 5',
    'transfer-encoding: chunked',
    'expect: 100-continue',
  ),
  text(20),
);
const request = fc
  .record({
    method: fc.oneof(
      fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH', 'CONNECT'),
      text(5),
    ),
    path,
    version: fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9', ''),
    headers: fc.array(header, { maxLength: 4 }),
    body: text(40),
  })
  .map(({ method, path: target, version, headers, body }) =>
    Buffer.from(
      [`${method} ${target} ${version}`, 'host: x', 'connection: close', ...headers, '', body].join('\r\n'),
      'latin1',
    ),
  );

describe('whatever bytes arrive', () => {
  it.each([null, { origins: ['*'] }])(
    'are answered below 500 or not at all, and the server goes on, with cors %j',
    async (cors) => {
      const errors: unknown[] = [];
      const { port, url } = await serve(
        (event) => Promise.resolve(JSON.stringify(event)),
        (error) => errors.push(error),
        cors,
      );
      await fc.assert(
        fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 8 }), async (requests) => {
          const answers = await Promise.all(requests.map((bytes) => exchange(port, bytes, { end: true })));
          for (const answer of answers) expect(answer).toMatch(/^(HTTP\/1\.1 [1-4]\d\d |$)/);
        }),
        { numRuns: 60, seed: 11 },
      );
      expect(errors).toEqual([]);
      expect((await fetch(`${url}/users/51/recommendations`)).status).toBe(200);
    },
  );
});
