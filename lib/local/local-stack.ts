import { join } from 'node:path';
import { BUCKET_VARIABLE, TABLES } from '../../functions/shared/tables.ts';
import { startEmbeddedDynamoDb } from './embedded-dynamodb.ts';
import { startEmbeddedS3 } from './embedded-s3.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from './local-credentials.ts';

/** The stores of one local stage. */
export interface LocalStack {
  readonly s3Endpoint: string;
  readonly dynamoEndpoint: string;
  /** What the handlers need of their environment, ready to be parsed by `functions/<name>/env.ts`. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Starts S3 and DynamoDB inside this process and creates the bucket and the tables that the cloud stack would.
 *
 * @param options.stateDir - Folder that survives a restart; `null` keeps everything in memory.
 * @throws EncoreError `STORE_UNAVAILABLE` when another process is using the folder or it cannot be written.
 */
export async function startLocalStack(options: { readonly stateDir: string | null }): Promise<LocalStack> {
  const { stateDir } = options;
  const dynamo = await startEmbeddedDynamoDb(stateDir === null ? null : join(stateDir, 'dynamodb'));
  const s3 = await startEmbeddedS3(stateDir === null ? null : join(stateDir, 's3')).catch(
    async (error: unknown) => {
      await dynamo.close();
      throw error;
    },
  );
  const bucket = 'encore-local';
  s3.createBucket(bucket);
  const names: Record<string, string> = {};
  for (const [name, definition] of Object.entries(TABLES)) {
    names[definition.variable] = `encore-local-${name}`;
    await dynamo.createTable(`encore-local-${name}`, definition);
  }
  return {
    s3Endpoint: s3.endpoint,
    dynamoEndpoint: dynamo.endpoint,
    env: {
      AWS_REGION: LOCAL_REGION,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
      AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
      [BUCKET_VARIABLE]: bucket,
      ...names,
      // On a loopback address: whoever is on this machine may do everything.
      AUTH_MODE: 'open',
      ADMIN_SCOPE: 'none',
      LOG_LEVEL: 'WARN',
      METRICS: 'off',
      STORE_PATIENCE: '10',
    },
    close: async () => {
      await s3.close();
      await dynamo.close();
    },
  };
}
