import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod';
import type { RequestProblem } from '../shared/problem.ts';

const USER_ID = 'allowed is 1 to 128 characters of well-formed Unicode';
const COUNT = 'allowed is an integer from 1 to 100';

/** `GET /users/{userId}/recommendations?n=20`. Parameters it does not know are ignored. */
const requestSchema = z.object({
  userId: z
    .string(USER_ID)
    .min(1, USER_ID)
    .max(128, USER_ID)
    .refine((id) => id.isWellFormed(), USER_ID),
  n: z
    .string()
    .regex(/^\d+$/, COUNT)
    .transform(Number)
    .pipe(z.number(COUNT).min(1, COUNT).max(100, COUNT))
    .default(20),
});

export type RecommendRequest = z.output<typeof requestSchema>;

/** Reads a request, or says what is wrong with it. */
export function parseRecommendRequest(
  event: Pick<APIGatewayProxyEventV2, 'pathParameters' | 'queryStringParameters'>,
): { readonly request: RecommendRequest } | { readonly problem: RequestProblem } {
  const found: Readonly<Record<string, string | undefined>> = {
    userId: event.pathParameters?.['userId'],
    n: event.queryStringParameters?.['n'],
  };
  const parsed = requestSchema.safeParse(found);
  if (parsed.success) return { request: parsed.data };
  const issue = parsed.error.issues[0]!;
  const field = String(issue.path[0]);
  const value = found[field];
  const shown = value === undefined ? 'missing' : JSON.stringify(value.slice(0, 40));
  return { problem: { field, detail: `${field} is ${shown}: ${issue.message}` } };
}
