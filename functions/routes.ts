/** A Lambda that answers HTTP, by its folder. */
export type HttpFunction = 'recommend' | 'events' | 'experiments' | 'models' | 'users';

/** What a route is called and who answers it, in API Gateway's notation: `{name}` stands for one path segment. */
export interface RouteName {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: `/${string}`;
  readonly handledBy: HttpFunction;
}

/** One route of the HTTP API. */
export interface Route extends RouteName {
  readonly access: Access;
  /** Whether it changes what is stored, for others than the exposure log. */
  readonly writes: boolean;
}

/**
 * Whom a route is for, where callers sign in: `public` anybody, `signed-in` whoever has a token, `own` whoever has a token, about
 * the listener that the token names and nobody else, `admin` whoever may run the service.
 */
export type Access = 'public' | 'signed-in' | 'own' | 'admin';

/**
 * How callers are known. `iam`: another service signs its requests. `jwt`: people sign in to a page. `demo`: reads are open to
 * everybody. `open`: everything is, which only a process on a loopback address may be.
 */
export const AUTH_MODES = ['iam', 'jwt', 'demo', 'open'] as const;
export type AuthMode = (typeof AUTH_MODES)[number];

/** What a caller has to show at the door: nothing, a signature, a token, or a token with the scope of those who run the service. */
export type Gate = 'none' | 'iam' | 'token' | 'admin-token';

/** The one rule of who gets in where: the cloud's API is made of it, and functions check it again. */
export function gateOf(mode: AuthMode, { access, writes }: Pick<Route, 'access' | 'writes'>): Gate {
  switch (mode) {
    case 'open':
      return 'none';
    case 'iam':
      return 'iam';
    case 'demo':
      return writes ? 'iam' : 'none';
    case 'jwt':
      return access === 'public' ? 'none' : access === 'admin' ? 'admin-token' : 'token';
    default:
      return mode satisfies never;
  }
}

const read = { writes: false };
const write = { writes: true };

/**
 * Every route there is. The cloud's HTTP API and the local server are both made from this table; a fixed segment is matched before
 * a `{name}`, whatever their order here.
 */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/users/{userId}/recommendations', handledBy: 'recommend', access: 'own', ...read },
  { method: 'POST', path: '/recommendations', handledBy: 'recommend', access: 'own', ...read },
  { method: 'GET', path: '/artists', handledBy: 'recommend', access: 'signed-in', ...read },
  { method: 'GET', path: '/artists/popular', handledBy: 'recommend', access: 'signed-in', ...read },
  { method: 'GET', path: '/artists/{artistId}', handledBy: 'recommend', access: 'signed-in', ...read },
  {
    method: 'GET',
    path: '/artists/{artistId}/similar',
    handledBy: 'recommend',
    access: 'signed-in',
    ...read,
  },
  { method: 'POST', path: '/events', handledBy: 'events', access: 'own', ...write },
  { method: 'GET', path: '/experiments', handledBy: 'experiments', access: 'admin', ...read },
  { method: 'PUT', path: '/experiments/{key}', handledBy: 'experiments', access: 'admin', ...write },
  { method: 'GET', path: '/experiments/{key}/results', handledBy: 'experiments', access: 'admin', ...read },
  { method: 'GET', path: '/models', handledBy: 'models', access: 'signed-in', ...read },
  { method: 'POST', path: '/models/{version}/activate', handledBy: 'models', access: 'admin', ...write },
  { method: 'GET', path: '/models/current/report', handledBy: 'models', access: 'signed-in', ...read },
  { method: 'GET', path: '/users', handledBy: 'models', access: 'admin', ...read },
  { method: 'DELETE', path: '/users/{userId}', handledBy: 'users', access: 'admin', ...write },
  { method: 'GET', path: '/health/live', handledBy: 'recommend', access: 'public', ...read },
  { method: 'GET', path: '/health/ready', handledBy: 'recommend', access: 'public', ...read },
  { method: 'GET', path: '/openapi.json', handledBy: 'recommend', access: 'public', ...read },
];
