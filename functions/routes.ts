/** A Lambda that answers HTTP, by its folder. */
export type HttpFunction = 'recommend' | 'events' | 'experiments' | 'models' | 'users';

/** One route of the HTTP API, in API Gateway's notation: `{name}` stands for one path segment. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: `/${string}`;
  readonly handledBy: HttpFunction;
}

/**
 * Every route there is. The cloud's HTTP API and the local server are both made from this table; a fixed segment is matched before
 * a `{name}`, whatever their order here.
 */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/users/{userId}/recommendations', handledBy: 'recommend' },
  { method: 'POST', path: '/recommendations', handledBy: 'recommend' },
  { method: 'GET', path: '/artists', handledBy: 'recommend' },
  { method: 'GET', path: '/artists/popular', handledBy: 'recommend' },
  { method: 'GET', path: '/artists/{artistId}', handledBy: 'recommend' },
  { method: 'GET', path: '/artists/{artistId}/similar', handledBy: 'recommend' },
  { method: 'POST', path: '/events', handledBy: 'events' },
  { method: 'GET', path: '/experiments', handledBy: 'experiments' },
  { method: 'PUT', path: '/experiments/{key}', handledBy: 'experiments' },
  { method: 'GET', path: '/experiments/{key}/results', handledBy: 'experiments' },
  { method: 'GET', path: '/models', handledBy: 'models' },
  { method: 'POST', path: '/models/{version}/activate', handledBy: 'models' },
  { method: 'GET', path: '/models/current/report', handledBy: 'models' },
  { method: 'DELETE', path: '/users/{userId}', handledBy: 'users' },
  { method: 'GET', path: '/health/live', handledBy: 'recommend' },
  { method: 'GET', path: '/health/ready', handledBy: 'recommend' },
  { method: 'GET', path: '/openapi.json', handledBy: 'recommend' },
];
