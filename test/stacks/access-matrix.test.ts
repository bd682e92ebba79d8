import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ROUTES } from '../../functions/routes.ts';
import { guard, type AccessRules } from '../../functions/shared/access.ts';
import { accessRules, authVariables, parseEnv } from '../../functions/shared/parse-env.ts';
import type { FunctionName } from '../../lib/build/function-names.ts';
import { httpEvent, type Caller } from '../functions/http-event.ts';
import { recordingObservability } from '../functions/recording-observability.ts';
import {
  functionsOf,
  lineOf,
  propertiesOf,
  resourcesOf,
  synthesise,
  VARIANTS,
  variablesOf,
  type StageTemplates,
} from './synthesise.ts';

/** Who may ask: about themselves where a route names a listener, but for `another`. */
const CALLERS = {
  nobody: undefined,
  service: { arn: 'arn:aws:iam::000000000000:role/shop' },
  themselves: { subject: 'me', scope: 'openid' },
  another: { subject: 'you', scope: 'openid' },
  admin: { subject: 'you', scope: 'openid music/admin' },
} as const satisfies Readonly<Record<string, Caller | undefined>>;

/**
 * What a route answers, by mode and by who asks, in the order of `CALLERS`. 401: it is not known who asks; 403: they may not.
 * API Gateway says 403 to whoever does not sign, and functions, were they reached, 401.
 */
const EXPECTED: Readonly<Record<'iam' | 'jwt' | 'demo', string>> = {
  iam: `
    GET /users/{userId}/recommendations  403 200 403 403 403
    POST /recommendations                403 200 403 403 403
    GET /artists                         403 200 403 403 403
    GET /artists/popular                 403 200 403 403 403
    GET /artists/{artistId}              403 200 403 403 403
    GET /artists/{artistId}/similar      403 200 403 403 403
    POST /events                         403 200 403 403 403
    GET /experiments                     403 200 403 403 403
    PUT /experiments/{key}               403 200 403 403 403
    GET /experiments/{key}/results       403 200 403 403 403
    GET /models                          403 200 403 403 403
    POST /models/{version}/activate      403 200 403 403 403
    GET /models/current/report           403 200 403 403 403
    GET /users                           403 200 403 403 403
    DELETE /users/{userId}               403 200 403 403 403
    GET /health/live                     403 200 403 403 403
    GET /health/ready                    403 200 403 403 403
    GET /openapi.json                    403 200 403 403 403`,
  jwt: `
    GET /users/{userId}/recommendations  401 401 200 403 200
    POST /recommendations                401 401 200 403 200
    GET /artists                         401 401 200 200 200
    GET /artists/popular                 401 401 200 200 200
    GET /artists/{artistId}              401 401 200 200 200
    GET /artists/{artistId}/similar      401 401 200 200 200
    POST /events                         401 401 200 403 200
    GET /experiments                     401 401 403 403 200
    PUT /experiments/{key}               401 401 403 403 200
    GET /experiments/{key}/results       401 401 403 403 200
    GET /models                          401 401 200 200 200
    POST /models/{version}/activate      401 401 403 403 200
    GET /models/current/report           401 401 200 200 200
    GET /users                           401 401 403 403 200
    DELETE /users/{userId}               401 401 403 403 200
    GET /health/live                     200 200 200 200 200
    GET /health/ready                    200 200 200 200 200
    GET /openapi.json                    200 200 200 200 200`,
  demo: `
    GET /users/{userId}/recommendations  200 200 200 200 200
    POST /recommendations                200 200 200 200 200
    GET /artists                         200 200 200 200 200
    GET /artists/popular                 200 200 200 200 200
    GET /artists/{artistId}              200 200 200 200 200
    GET /artists/{artistId}/similar      200 200 200 200 200
    POST /events                         403 200 403 403 403
    GET /experiments                     200 200 200 200 200
    PUT /experiments/{key}               403 200 403 403 403
    GET /experiments/{key}/results       200 200 200 200 200
    GET /models                          200 200 200 200 200
    POST /models/{version}/activate      403 200 403 403 403
    GET /models/current/report           200 200 200 200 200
    GET /users                           200 200 200 200 200
    DELETE /users/{userId}               403 200 403 403 403
    GET /health/live                     200 200 200 200 200
    GET /health/ready                    200 200 200 200 200
    GET /openapi.json                    200 200 200 200 200`,
};

const routeProperties = z.object({
  RouteKey: z.string(),
  AuthorizationType: z.enum(['NONE', 'AWS_IAM', 'JWT']),
  AuthorizationScopes: z.array(z.string()).default([]),
  Target: z.unknown(),
});
type RouteProperties = z.output<typeof routeProperties>;

/** What API Gateway does with a request before a function sees it, by its documentation; `null` where it lets it through. */
function refusedByGateway(
  { AuthorizationType, AuthorizationScopes }: RouteProperties,
  caller: Caller | undefined,
): 401 | 403 | null {
  switch (AuthorizationType) {
    case 'NONE':
      return null;
    case 'AWS_IAM':
      return caller !== undefined && 'arn' in caller ? null : 403;
    case 'JWT': {
      if (caller === undefined || 'arn' in caller) return 401;
      const scopes = caller.scope.split(' ');
      const hasOne = AuthorizationScopes.some((scope) => scopes.includes(scope));
      return AuthorizationScopes.length === 0 || hasOne ? null : 403;
    }
    default:
      return AuthorizationType satisfies never;
  }
}

/** A request of `me`, whoever sends it. */
const REQUEST = {
  params: { userId: 'me', artistId: '1', key: 'ranker', version: 'v' },
  body: { anonymousId: 'me', events: [{ userId: 'me' }] },
};

/** A route with the folder of the function that its requests get to, and who may use it by what that one is told. */
interface RoutedFunction {
  readonly properties: RouteProperties;
  readonly source: FunctionName;
  readonly rules: AccessRules;
}

/** The routes of a stage, each followed by its integration to its function, by their keys. */
function routedFunctions({ serving, data }: StageTemplates): ReadonlyMap<string, RoutedFunction> {
  const functions = functionsOf(serving);
  const uris = new Map(
    Object.entries(resourcesOf(serving, 'AWS::ApiGatewayV2::Integration')).map(([id, { Properties }]) => [
      `integrations/<${id}>`,
      lineOf(Properties['IntegrationUri'], serving),
    ]),
  );
  return new Map(
    propertiesOf(serving, 'AWS::ApiGatewayV2::Route').map((found) => {
      const properties = routeProperties.parse(found);
      const uri = uris.get(lineOf(properties.Target, serving));
      const [, reached] = [...functions].find(([id]) => uri === `<${id}.Arn>`)!;
      const rules = accessRules(parseEnv(authVariables, variablesOf(reached, data)));
      return [properties.RouteKey, { properties, source: reached.source, rules }];
    }),
  );
}

/** What the function answers, were it reached: 200 stands for whatever the route does. */
async function answeredByFunction(
  rules: AccessRules,
  routeKey: string,
  caller: Caller | undefined,
): Promise<number> {
  const handler = guard(
    () => Promise.resolve({ statusCode: 200 }),
    rules,
    recordingObservability().observability,
  );
  const request = caller === undefined ? REQUEST : { ...REQUEST, caller };
  return (await handler(httpEvent(routeKey, request))).statusCode!;
}

const rowsOf = (text: string): readonly string[] =>
  text
    .trim()
    .split('\n')
    .map((row) => row.trim());
const keyOf = (row: string): string => row.replace(/ {2,}.*$/, '');

describe.each([
  ['iam', VARIANTS['prod, iam']],
  ['jwt', VARIANTS['prod, jwt']],
  ['demo', VARIANTS.demo],
] as const)('with auth=%s', (mode, context) => {
  const routes = routedFunctions(synthesise(context));
  const expected = rowsOf(EXPECTED[mode]);

  it('says of every route what happens', () => {
    expect(expected.map(keyOf).toSorted()).toEqual(
      ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted(),
    );
    expect([...routes.keys()].toSorted()).toEqual(expected.map(keyOf).toSorted());
  });

  it('sends every route to the function that handles it', () => {
    expect(Object.fromEntries(Array.from(routes, ([key, { source }]) => [key, source]))).toEqual(
      Object.fromEntries(ROUTES.map(({ method, path, handledBy }) => [`${method} ${path}`, handledBy])),
    );
  });

  it.each(expected)('%s', async (row) => {
    const routeKey = keyOf(row);
    const { properties, rules } = routes.get(routeKey)!;
    const statuses: number[] = [];
    for (const caller of Object.values(CALLERS)) {
      const answered = await answeredByFunction(rules, routeKey, caller);
      const refused = refusedByGateway(properties, caller);
      statuses.push(refused ?? answered);
      // The function is no less strict than the gateway.
      const isOpened = refused !== null && answered === 200;
      expect([routeKey, caller, isOpened]).toEqual([routeKey, caller, false]);
    }
    expect(`${routeKey.padEnd(37)}${statuses.join(' ')}`).toBe(row.replace(/ {2,}/, (gap) => gap));
  });
});

describe('the token authorizer', () => {
  it('takes tokens of the configured issuer and audience alone', () => {
    const { serving } = synthesise(VARIANTS['prod, jwt']);
    expect(propertiesOf(serving, 'AWS::ApiGatewayV2::Authorizer')).toMatchObject([
      {
        AuthorizerType: 'JWT',
        IdentitySource: ['$request.header.Authorization'],
        JwtConfiguration: { Audience: ['page'], Issuer: 'https://login.example.org/pool' },
      },
    ]);
  });

  it('is not there where nobody has tokens', () => {
    expect(propertiesOf(synthesise().serving, 'AWS::ApiGatewayV2::Authorizer')).toEqual([]);
  });
});
