import { isEncoreError, type EncoreErrorCode } from '@encore/core/serve';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

/** What a caller did wrong, and where. */
export interface RequestProblem {
  /** The parameter that is wrong. */
  readonly field: string;
  /** What was found and what is allowed. */
  readonly detail: string;
}

/** A refusal or a failure as an answer says it. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly field?: string | undefined;
  /** Whether `field` is a name that the caller made up. */
  readonly isUnknownField?: boolean;
  /** Seconds after which it makes sense to ask again. */
  readonly retryAfterSeconds?: number;
}

const INTERNAL = { status: 500, code: 'INTERNAL', title: 'Something went wrong on our side' };
const UNAVAILABLE = { status: 503, code: 'STORE_UNAVAILABLE', title: 'It could not be stored or read now' };

/** What a failure of core means to a caller; what is nobody's business but ours is a 500 without words. */
const PROBLEMS = {
  INVALID_OPTION: { status: 400, code: 'INVALID_REQUEST', title: 'The request is not valid' },
  NOT_FOUND: { status: 404, code: 'NOT_FOUND', title: 'There is no such thing' },
  CONFLICT: { status: 409, code: 'CONFLICT', title: 'That is not possible as things are' },
  STORE_UNAVAILABLE: UNAVAILABLE,
  PUBLISH_FAILED: UNAVAILABLE,
  INVALID_DATA_SET: INTERNAL,
  SHAPE_MISMATCH: INTERNAL,
  NOT_POSITIVE_DEFINITE: INTERNAL,
  NOT_FINITE: INTERNAL,
  ARTIFACT_INCOMPATIBLE: INTERNAL,
  REUSE_REFUSED: INTERNAL,
  QUALITY_GATE_FAILED: INTERNAL,
} as const satisfies Record<EncoreErrorCode, Pick<Problem, 'status' | 'code' | 'title'>>;

/** What to say of something that was thrown: of what a caller cannot help, no more than that it happened. */
export function problemOf(error: unknown): Problem {
  const known = isEncoreError(error) ? PROBLEMS[error.code] : INTERNAL;
  if (known.status === 500 || !isEncoreError(error)) {
    return { ...known, detail: 'The request may be right; the log knows more under its requestId.' };
  }
  if (known.status === 503) {
    return { ...known, detail: 'A store did not answer in time: try again.', retryAfterSeconds: 1 };
  }
  const field = error.details['field'];
  return { ...known, detail: error.message, field: typeof field === 'string' ? field : undefined };
}

/**
 * Problem details.
 *
 * @see RFC 9457.
 */
export function problemResponse(problem: Problem, requestId: string): APIGatewayProxyStructuredResultV2 {
  const { status, code, title, detail, field, retryAfterSeconds } = problem;
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    },
    body: JSON.stringify({
      type: `urn:encore:problem:${code.toLowerCase().replaceAll('_', '-')}`,
      title,
      status,
      detail,
      code,
      ...(field === undefined ? {} : { field }),
      requestId,
    }),
  };
}

/** The refusals of a caller who is not known, and of one who is and may not. */
export const ACCESS_PROBLEMS = {
  UNAUTHENTICATED: { status: 401, code: 'UNAUTHENTICATED', title: 'It is not known who asks' },
  FORBIDDEN: { status: 403, code: 'FORBIDDEN', title: 'Whoever asks may not do that' },
} as const satisfies Record<string, Pick<Problem, 'status' | 'code' | 'title'>>;

/** The refusal of a request that is not valid. */
export function badRequest(problem: RequestProblem, requestId: string): APIGatewayProxyStructuredResultV2 {
  return problemResponse({ ...PROBLEMS.INVALID_OPTION, ...problem }, requestId);
}
