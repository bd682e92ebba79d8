import { EncoreError } from '@encore/core/serve';
import * as z from 'zod';
import { AUTH_MODES } from '../routes.ts';
import type { AccessRules } from './access.ts';

/**
 * What every function needs to reach AWS. On Lambda the platform sets the region and hands the credentials to the
 * SDK; the endpoint overrides exist on the local stack only, and credentials are passed on only beside them.
 */
export const awsEnvironment = z.object({
  AWS_REGION: z.string().min(1).default('us-east-1'),
  AWS_ENDPOINT_URL_S3: z.url().optional(),
  AWS_ENDPOINT_URL_DYNAMODB: z.url().optional(),
  AWS_ACCESS_KEY_ID: z.string().min(1).optional(),
  AWS_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  /**
   * How many times longer than in the cloud a call to a store may take. Emulators share a machine's cores with whatever else
   * runs there: what would be an outage of DynamoDB is a busy moment of theirs.
   */
  STORE_PATIENCE: z.coerce.number().min(1).max(100).default(1),
});
export type AwsEnvironment = z.output<typeof awsEnvironment>;

/** What every function that answers HTTP has to know of its callers. Required: a function that guessed could guess too openly. */
export const authVariables = z.object({
  AUTH_MODE: z.enum(AUTH_MODES),
  /** The scope of tokens of those who run the service; with `jwt` alone. */
  ADMIN_SCOPE: z.string().min(1),
});

/** The same as rules. */
export function accessRules({ AUTH_MODE, ADMIN_SCOPE }: z.output<typeof authVariables>): AccessRules {
  return { mode: AUTH_MODE, adminScope: ADMIN_SCOPE };
}

/** What every function understands about its own output. */
export const observabilityEnvironment = z.object({
  LOG_LEVEL: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR', 'SILENT']).default('INFO'),
  METRICS: z.enum(['on', 'off']).default('on'),
  /** Whose metrics these are. */
  STAGE: z.string().min(1).default('local'),
  /** Keys the hash that stands for a listener in logs; without it a key is drawn per process. */
  LOG_HASH_KEY: z.string().min(16).optional(),
});
export type ObservabilityEnvironment = z.output<typeof observabilityEnvironment>;

/**
 * Reads a function's environment, once per cold start.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` naming every variable that is missing or malformed.
 */
export function parseEnv<Schema extends z.ZodType>(
  schema: Schema,
  variables: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  const parsed = schema.safeParse(variables);
  if (parsed.success) return parsed.data;
  const findings = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new EncoreError('INVALID_OPTION', `environment is not usable: ${findings.join('; ')}`, {
    variables: parsed.error.issues.map((issue) => issue.path.join('.')),
  });
}
