import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import type { AwsEnvironment } from '../parse-env.ts';

/** How patient a client is with one attempt, before `STORE_PATIENCE`, and how many it makes. */
export interface ClientLimits {
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** The first try included. */
  readonly maxAttempts: number;
}

/**
 * For a call while somebody waits for a list, under a total deadline of some 120 ms: there is always a list to answer with. An attempt
 * may take nearly all of it: a store that is silent for so long will not speak in what would be left for another. The second
 * attempt is for failures that come at once, such as a connection that was closed while idle.
 */
export const SERVING_LIMITS: ClientLimits = {
  connectionTimeoutMs: 100,
  requestTimeoutMs: 100,
  maxAttempts: 2,
};

/** For writing what must not be lost: worth another attempt or two while the sender waits. */
export const EVENT_LIMITS: ClientLimits = {
  connectionTimeoutMs: 500,
  requestTimeoutMs: 1_500,
  maxAttempts: 3,
};

/** For what somebody in charge asks for now and then, which may move a model but has to answer within an HTTP API's 30 s. */
export const ADMIN_LIMITS: ClientLimits = {
  connectionTimeoutMs: 1_000,
  requestTimeoutMs: 5_000,
  maxAttempts: 3,
};

/** For the files of a model, megabytes that are fetched behind the requests' backs. */
export const MODEL_LIMITS: ClientLimits = {
  connectionTimeoutMs: 1_000,
  requestTimeoutMs: 3_000,
  maxAttempts: 3,
};

/** For training, which has minutes and moves megabytes. */
export const TRAINING_LIMITS: ClientLimits = {
  connectionTimeoutMs: 3_000,
  requestTimeoutMs: 30_000,
  maxAttempts: 5,
};

/** An S3 client for whatever endpoint the environment names; AWS without one. */
export function createS3Client(environment: AwsEnvironment, limits: ClientLimits): S3Client {
  return new S3Client({
    ...clientOptions(environment, environment.AWS_ENDPOINT_URL_S3, limits),
    // Emulators do not answer to `<bucket>.127.0.0.1`.
    forcePathStyle: environment.AWS_ENDPOINT_URL_S3 !== undefined,
  });
}

/** A DynamoDB client for whatever endpoint the environment names; AWS without one. */
export function createDynamoClient(environment: AwsEnvironment, limits: ClientLimits): DynamoDBClient {
  return new DynamoDBClient(clientOptions(environment, environment.AWS_ENDPOINT_URL_DYNAMODB, limits));
}

/** Middleware of the SDK that says who calls, to AWS's statistics and to its own log: nothing that a call needs. */
const DISPENSABLE = ['loggerMiddleware', 'recursionDetectionMiddleware', 'getUserAgentMiddleware'];

/**
 * A DynamoDB client for calls that somebody waits for, of which a list takes three: without what the SDK does for statistics, and
 * with its middleware put together once and not for every call, which it does only for calls without options. So the abort signal of
 * {@link callStore} is left out: a call ends at its request timeout, and nobody waits for it beyond its deadline. Together a tenth of
 * a call's processor time (`test/bench/store-calls.bench.ts`).
 */
export function createServingDynamoClient(environment: AwsEnvironment): DynamoDBClient {
  const client = new DynamoDBClient({
    ...clientOptions(environment, environment.AWS_ENDPOINT_URL_DYNAMODB, SERVING_LIMITS),
    cacheMiddleware: true,
  });
  for (const name of DISPENSABLE) client.middlewareStack.remove(name);
  const send = client.send.bind(client);
  return Object.assign(client, { send: (command: Parameters<typeof send>[0]) => send(command) });
}

function clientOptions(environment: AwsEnvironment, endpoint: string | undefined, limits: ClientLimits) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  return {
    region: environment.AWS_REGION,
    maxAttempts: limits.maxAttempts,
    requestHandler: {
      connectionTimeout: limits.connectionTimeoutMs * environment.STORE_PATIENCE,
      requestTimeout: limits.requestTimeoutMs * environment.STORE_PATIENCE,
      // Without it the timeout only warns and the late answer is awaited.
      throwOnRequestTimeout: true,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    // Against an emulator only: on Lambda the SDK finds the role's credentials, session token included.
    ...(endpoint !== undefined && accessKeyId !== undefined && secretAccessKey !== undefined
      ? { credentials: { accessKeyId, secretAccessKey } }
      : {}),
  };
}
