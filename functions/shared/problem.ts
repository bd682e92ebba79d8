import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

/** What a caller did wrong, and where. */
export interface RequestProblem {
  /** The parameter that is wrong. */
  readonly field: string;
  /** What was found and what is allowed. */
  readonly detail: string;
}

/**
 * A refusal as problem details.
 *
 * @see RFC 9457.
 */
export function badRequest(problem: RequestProblem, requestId: string): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: 400,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body: JSON.stringify({
      type: 'urn:encore:problem:invalid-request',
      title: 'The request is not valid',
      status: 400,
      detail: problem.detail,
      code: 'INVALID_REQUEST',
      field: problem.field,
      requestId,
    }),
  };
}
