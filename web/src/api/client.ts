import type * as z from 'zod';
import type { eventsContracts } from '../../../functions/events/contract.ts';
import type { experimentsContracts } from '../../../functions/experiments/contract.ts';
import type { modelsContracts } from '../../../functions/models/contract.ts';
import type { artistRoutes } from '../../../functions/recommend/artists-contract.ts';
import type { listContracts } from '../../../functions/recommend/contract.ts';
import type { usersContracts } from '../../../functions/users/contract.ts';

/** Every route that the page may call, typed by what the functions themselves check requests against. */
type Contracts = typeof listContracts &
  typeof artistRoutes &
  typeof eventsContracts &
  typeof experimentsContracts &
  typeof modelsContracts &
  typeof usersContracts;

export type RouteKey = keyof Contracts;

/** What a route answers with 200. */
export type Answer<Route extends RouteKey> = Contracts[Route]['responses'][200]['schema'] extends z.ZodType
  ? z.output<Contracts[Route]['responses'][200]['schema']>
  : never;

type BodyOf<Route extends RouteKey> = Contracts[Route] extends { readonly body: infer Body extends z.ZodType }
  ? z.input<Body>
  : undefined;

/** What a request says besides its route. */
export interface Request<Route extends RouteKey> {
  /** Of the path's `{name}`s. */
  readonly params?: Readonly<Record<string, string>>;
  /** What is `undefined` is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: BodyOf<Route>;
}

/** A refusal or a failure, as problem details say it (RFC 9457). */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  /** What of the request is wrong, as a path: `variants.1.key`; `null` where it is nothing of it. */
  readonly field: string | null;

  /**
   * @param status - 0 where nobody answered.
   * @param options.field - `null` by default.
   */
  constructor(
    status: number,
    code: string,
    detail: string,
    { field = null, ...options }: ErrorOptions & { readonly field?: string | null } = {},
  ) {
    super(detail, options);
    this.name = 'ApiProblem';
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** Whether it may pass by itself: a request that was refused as such stays wrong. */
export const mayPass = ({ status }: Pick<ApiProblem, 'status'>): boolean =>
  status === 0 || status === 429 || status >= 500;

/** Whose requests these are; nobody's until somebody has signed in. */
let accessToken: () => Promise<string | null> = () => Promise.resolve(null);

/** Sends what `get` gives as bearer token from now on. */
export function authorizeWith(get: () => Promise<string | null>): void {
  accessToken = get;
}

/** Longer than the slowest answer that a function may still give. */
const PATIENCE_MS = 30_000;

/**
 * Calls the API.
 *
 * @throws {@link ApiProblem} for every answer but 200, and where there is none.
 */
export async function call<Route extends RouteKey>(
  route: Route,
  request: Request<Route> = {},
): Promise<Answer<Route>> {
  const [method = '', path = ''] = route.split(' ');
  const token = await accessToken();
  const response = await fetch(addressOf(path, request), {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch((cause: unknown) => {
    throw new ApiProblem(0, 'UNREACHABLE', 'The service does not answer.', { cause });
  });
  if (response.ok) {
    const answer: Answer<Route> | null = await response.json().catch(() => null);
    if (answer !== null) return answer;
  }
  const problem: Partial<ProblemBody> | null = await response.json().catch(() => null);
  const {
    code = 'UNKNOWN',
    detail = `The service answers ${response.status}.`,
    field = null,
  } = problem ?? {};
  throw new ApiProblem(response.status, code, detail, { field });
}

interface ProblemBody {
  readonly code: string;
  readonly detail: string;
  readonly field?: string;
}

function addressOf(path: string, { params = {}, query = {} }: Request<RouteKey>): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name]!));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? `.${filled}` : `.${filled}?${search}`;
}
