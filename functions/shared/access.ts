import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod';
import { gateOf, ROUTES, type AuthMode, type Route } from '../routes.ts';
import { idField } from './fields.ts';
import { requestIds, withCorrelation, type HttpHandler } from './http.ts';
import type { Observability } from './observability.ts';
import { ACCESS_PROBLEMS, problemResponse } from './problem.ts';

/** Who asks, as far as API Gateway has made sure of it. */
export type Identity =
  | { readonly kind: 'nobody' }
  /** Signed with IAM credentials that the route's policy lets in. */
  | { readonly kind: 'service' }
  /** A token that the configured issuer made for this API. */
  | { readonly kind: 'listener'; readonly subject: string; readonly scopes: readonly string[] };

export interface AccessRules {
  readonly mode: AuthMode;
  /** The scope of tokens of those who run the service. */
  readonly adminScope: string;
}

/** Why somebody is turned away: it is not known who they are (401), or they may not do this (403). */
export type Refusal = keyof typeof ACCESS_PROBLEMS;

/**
 * Whether a route may be used, `null` where it may.
 *
 * @param listeners - The listeners that the request is about.
 */
function refusalOf(
  { mode, adminScope }: AccessRules,
  route: Pick<Route, 'access' | 'writes'>,
  { identity, listeners }: { readonly identity: Identity; readonly listeners: readonly string[] },
): Refusal | null {
  const gate = gateOf(mode, route);
  switch (gate) {
    case 'none':
      return null;
    case 'iam':
      return identity.kind === 'service' ? null : 'UNAUTHENTICATED';
    case 'token':
    case 'admin-token': {
      if (identity.kind !== 'listener') return 'UNAUTHENTICATED';
      if (identity.scopes.includes(adminScope)) return null;
      if (gate === 'admin-token') return 'FORBIDDEN';
      const own = route.access !== 'own' || listeners.every((listener) => listener === identity.subject);
      return own ? null : 'FORBIDDEN';
    }
    default:
      return gate satisfies never;
  }
}

/**
 * Turns away whoever may not use a route, before its handler sees the request.
 *
 * API Gateway checks signatures and tokens and does not let a request through without (`gateOf` makes its routes, too). What it cannot know
 * is whom a request is about, and what nobody may rely on is that its configuration was never changed by hand; so it is all checked here.
 */
export function guard(handler: HttpHandler, rules: AccessRules, observability: Observability): HttpHandler {
  return async (event) => {
    const route = ROUTE_BY_KEY.get(event.routeKey);
    // A route that is not in the table has no handler either: that one answers.
    if (route === undefined) return handler(event);
    const listeners = rules.mode === 'jwt' && route.access === 'own' ? listenersOf(event) : [];
    const refusal = refusalOf(rules, route, { identity: identityOf(event), listeners });
    if (refusal === null) return handler(event);
    const { requestId } = event.requestContext;
    const problem = { ...ACCESS_PROBLEMS[refusal], detail: DETAILS[refusal] };
    observability
      .of(requestIds(event))
      .info('request refused', { route: event.routeKey, status: problem.status });
    return withCorrelation(event, problemResponse(problem, requestId));
  };
}

const ROUTE_BY_KEY: ReadonlyMap<string, Route> = new Map(
  ROUTES.map((route) => [`${route.method} ${route.path}`, route]),
);

const DETAILS = {
  UNAUTHENTICATED: 'Allowed is a request that is signed, or has a token, as the deployment asks for.',
  FORBIDDEN:
    'Allowed are the listener that the token names, and tokens with the scope of those who run the service.',
} as const satisfies Record<Refusal, string>;

const authorizer = z.object({
  iam: z.object({ userArn: z.string().min(1) }).optional(),
  jwt: z
    .object({
      claims: z.object({ sub: z.string().min(1), scope: z.string().optional(), scp: z.unknown().optional() }),
    })
    .optional(),
});

/** What API Gateway says of who asks; it sets it itself, whatever a request has in its headers. */
export function identityOf(event: APIGatewayProxyEventV2): Identity {
  const { data } = authorizer.safeParse(Reflect.get(event.requestContext, 'authorizer'));
  if (data?.iam !== undefined) return { kind: 'service' };
  if (data?.jwt === undefined) return { kind: 'nobody' };
  const { sub, scope, scp } = data.jwt.claims;
  return { kind: 'listener', subject: sub, scopes: scopesOf(scope ?? scp) };
}

/**
 * Scopes are one text with blanks (RFC 9068); some issuers have a list, which API Gateway writes as `[a b]`.
 */
function scopesOf(claim: unknown): readonly string[] {
  if (Array.isArray(claim)) return claim.filter((scope) => typeof scope === 'string');
  if (typeof claim !== 'string') return [];
  return claim
    .replace(/^\[(.*)\]$/, '$1')
    .split(' ')
    .filter((scope) => scope !== '');
}

const spokenFor = z.object({
  anonymousId: z.unknown().optional(),
  // Read apart: what is wrong with one may not hide the other.
  events: z.array(z.unknown()).optional().catch(undefined),
});
const event = z.object({ userId: z.unknown() });

/**
 * The listeners that a request is about: in its path, as `anonymousId`, and in each of its events. What is no id is left to the route's
 * contract, which refuses it.
 */
function listenersOf(request: APIGatewayProxyEventV2): readonly string[] {
  const body = spokenFor.safeParse(jsonOf(request)).data ?? {};
  const named = [
    request.pathParameters?.['userId'],
    body.anonymousId,
    ...(body.events ?? []).map((found) => event.safeParse(found).data?.userId),
  ];
  return named.flatMap((id) => idField.safeParse(id).data ?? []);
}

function jsonOf({ body = '', isBase64Encoded }: APIGatewayProxyEventV2): unknown {
  try {
    return JSON.parse(isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body);
  } catch {
    return null;
  }
}
