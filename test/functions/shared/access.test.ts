import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROUTES, type AuthMode } from '../../../functions/routes.ts';
import { guard, identityOf } from '../../../functions/shared/access.ts';
import { allFunctions } from '../all-functions.ts';
import { httpEvent, type Caller, type TestRequest } from '../http-event.ts';

const ADMIN_SCOPE = 'encore/admin';
const ME: Caller = { subject: 'me', scope: 'openid profile' };
const ADMIN: Caller = { subject: 'me', scope: `openid ${ADMIN_SCOPE}` };
const LIST = 'GET /users/{userId}/recommendations';

let world: Awaited<ReturnType<typeof allFunctions>>;
beforeAll(async () => {
  world = await allFunctions();
});

const functionOf = new Map(ROUTES.map(({ method, path, handledBy }) => [`${method} ${path}`, handledBy]));

/** Asks a function behind its guard. */
async function ask(
  mode: AuthMode,
  routeKey: string,
  request: TestRequest,
): Promise<{ status: number; body: unknown }> {
  const handler = guard(
    world.handlers[functionOf.get(routeKey)!],
    { mode, adminScope: ADMIN_SCOPE },
    world.observability,
  );
  const { statusCode, body = '' } = await handler(httpEvent(routeKey, request));
  return { status: statusCode!, body: body === '' ? null : JSON.parse(body) };
}

const like = (userId: unknown) => ({
  userId,
  artistId: '1',
  type: 'like',
  at: new Date(world.nowMs).toISOString(),
});

const send = (caller: Caller, ...userIds: readonly unknown[]) =>
  ask('jwt', 'POST /events', { body: { events: userIds.map(like) }, caller });

const from = (anonymousId?: string) =>
  ask('jwt', 'POST /recommendations', {
    body: { artists: [{ id: '1' }], ...(anonymousId === undefined ? {} : { anonymousId }) },
    caller: ME,
  });

describe('with tokens', () => {
  it('a listener gets their own list and nobody else’s', async () => {
    expect((await ask('jwt', LIST, { params: { userId: 'me' }, caller: ME })).status).toBe(200);
    expect(await ask('jwt', LIST, { params: { userId: 'you' }, caller: ME })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', type: 'urn:encore:problem:forbidden', requestId: 'request-1' },
    });
    expect((await ask('jwt', LIST, { params: { userId: 'you' }, caller: ADMIN })).status).toBe(200);
  });

  it('a listener says what they did, and a request that says it of somebody else as well stores nothing', async () => {
    expect((await send(ME, 'me', 'you')).status).toBe(403);
    expect(await world.eventLog.recent('me', 10)).toEqual([]);
    expect((await send(ME, 'me')).status).toBe(200);
    expect(await world.eventLog.recent('me', 10)).toHaveLength(1);
    expect((await send(ADMIN, 'you')).status).toBe(200);
  });

  it('an id is the same as a number and as text', async () => {
    const seven = { subject: '7', scope: '' };
    const body = { events: [like(7)] };
    expect((await ask('jwt', 'POST /events', { body, caller: seven })).status).toBe(200);
    expect((await ask('jwt', 'POST /events', { body, caller: ME })).status).toBe(403);
  });

  it('a list by artists is for whoever is signed in, and takes part in experiments as nobody else', async () => {
    expect([await from(), await from('me'), await from('you')].map(({ status }) => status)).toEqual([
      200, 200, 403,
    ]);
  });

  it('finds whom a list is for beside whatever else is wrong', async () => {
    for (const events of [7, null, {}, 'x']) {
      const body = { artists: [{ id: '1' }], anonymousId: 'you', events };
      expect((await ask('jwt', 'POST /recommendations', { body, caller: ME })).status).toBe(403);
    }
  });

  it('reads a body that is encoded', async () => {
    const event = httpEvent('POST /events', {
      body: Buffer.from(JSON.stringify({ events: [like('you')] })).toString('base64'),
      caller: ME,
    });
    const handler = guard(
      world.handlers.events,
      { mode: 'jwt', adminScope: ADMIN_SCOPE },
      world.observability,
    );
    expect((await handler({ ...event, isBase64Encoded: true })).statusCode).toBe(403);
  });

  it('leaves to the contract what names no listener', async () => {
    for (const body of ['{', 'null', '[]', '{"events":7}', '{"events":[null,7,{"userId":{}}]}']) {
      const { status } = await ask('jwt', 'POST /events', { body, caller: ME });
      expect([body, [200, 400].includes(status)]).toEqual([body, true]);
    }
  });

  it('no body lets a listener speak for another', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('me', 'you', 'them', 7, null, { userId: 'me' }), { maxLength: 6 }),
        async (userIds) => {
          const before = await Promise.all(['you', 'them', '7'].map((id) => world.eventLog.recent(id, 500)));
          await ask('jwt', 'POST /events', { body: { events: userIds.map(like) }, caller: ME });
          const after = await Promise.all(['you', 'them', '7'].map((id) => world.eventLog.recent(id, 500)));
          expect(after).toEqual(before);
        },
      ),
      { seed: 7, numRuns: 100 },
    );
  });
});

describe('who asks', () => {
  it('is what API Gateway says in the context of the request, whatever stands in its headers', async () => {
    const headers = { authorization: 'Bearer anything', 'x-amzn-oidc-identity': 'me' };
    expect((await ask('jwt', LIST, { params: { userId: 'me' }, headers })).status).toBe(401);
    expect((await ask('iam', LIST, { params: { userId: 'me' }, headers })).status).toBe(401);
  });

  it.each([
    [{ scope: 'a b' }, ['a', 'b']],
    [{ scope: '' }, []],
    [{}, []],
    [{ scp: ['a', 'b'] }, ['a', 'b']],
    [{ scp: '[a b]' }, ['a', 'b']],
    [{ scp: 7 }, []],
  ])('has the scopes of the claim %j', (claims, scopes) => {
    const event = httpEvent(LIST);
    const authorizer = { jwt: { claims: { sub: 'me', ...claims }, scopes: null } };
    expect(
      identityOf({ ...event, requestContext: Object.assign({}, event.requestContext, { authorizer }) }),
    ).toEqual({ kind: 'listener', subject: 'me', scopes });
  });

  it('is nobody where a token has no subject', () => {
    const event = httpEvent(LIST);
    const authorizer = { jwt: { claims: { scope: ADMIN_SCOPE }, scopes: null } };
    expect(
      identityOf({ ...event, requestContext: Object.assign({}, event.requestContext, { authorizer }) }),
    ).toEqual({ kind: 'nobody' });
  });

  it('is not told by a scope that only contains the one of those who run the service', async () => {
    for (const scope of [`${ADMIN_SCOPE}s`, `x${ADMIN_SCOPE}`, ADMIN_SCOPE.toUpperCase()]) {
      const { status } = await ask('jwt', 'GET /experiments', { caller: { subject: 'me', scope } });
      expect([scope, status]).toEqual([scope, 403]);
    }
  });
});
