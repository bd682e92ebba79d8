import { Agent, request as httpRequest } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2 } from 'aws-lambda';
import { afterEach, describe, expect, it } from 'vitest';
import { ROUTES, type Route } from '../../../functions/routes.ts';
import { startHttpServer, type EventHandler, type HttpServer } from '../../../lib/local/http-server.ts';

const POST: Route = { method: 'POST', path: '/things', handledBy: 'recommend' };

const open: HttpServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function serve(
  handler: EventHandler,
  onError: (error: unknown) => void = () => undefined,
): Promise<HttpServer> {
  const server = await startHttpServer({
    port: 0,
    routes: [...ROUTES, POST],
    handlers: { recommend: handler },
    onError,
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
