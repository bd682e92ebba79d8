/** A Lambda that answers HTTP, by its folder. */
export type HttpFunction = 'recommend';

/** One route of the HTTP API, in API Gateway's notation: `{name}` stands for one path segment. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: `/${string}`;
  readonly handledBy: HttpFunction;
}

/** Every route there is. The cloud's HTTP API and the local server are both made from this table. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/users/{userId}/recommendations', handledBy: 'recommend' },
];
