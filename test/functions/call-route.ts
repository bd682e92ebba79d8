import type { HttpHandler } from '../../functions/shared/http.ts';
import { httpEvent, type TestRequest } from './http-event.ts';

/** The fields that tests look into, each of some route. */
export interface AnswerBody {
  readonly pointer: unknown;
  readonly total: number;
  readonly versions: readonly { readonly version: string }[];
  readonly users: readonly { readonly userId: string }[];
  readonly erased: Readonly<Record<'candidates' | 'events' | 'exposures', number>>;
  readonly modelVersion: string;
  readonly policy: string;
  readonly recommendations: readonly {
    readonly artistId: string;
    readonly rank: number;
    readonly score: number;
  }[];
}

export interface Called {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Parsed; `null` where there is none. */
  readonly body: AnswerBody;
}

/** Calls one route of a handler as API Gateway does. */
export async function callRoute(
  handler: HttpHandler,
  routeKey: string,
  request: TestRequest = {},
): Promise<Called> {
  const { statusCode, headers = {}, body = '' } = await handler(httpEvent(routeKey, request));
  return { status: statusCode!, headers, body: JSON.parse(body === '' ? 'null' : body) };
}
