import { Worker } from 'node:worker_threads';
import { DynamoDBClient, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { ROUTES } from '../../functions/routes.ts';
import { createS3Client, TRAINING_LIMITS } from '../../functions/shared/adapters/clients.ts';
import { openFolder } from '../../functions/shared/adapters/folder-dataset.ts';
import { awsEnvironment, parseEnv } from '../../functions/shared/parse-env.ts';
import { BUCKET_VARIABLE } from '../../functions/shared/tables.ts';
import { createTrainHandlerFromEnvironment, localContext } from '../../functions/train/handler.ts';
import { readDataset } from '../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../layers/core/src/data/report.ts';
import { quantile } from '../../layers/core/src/math/quantile.ts';
import { hash2 } from '../../layers/core/src/math/rng.ts';
import { createHttpFunctions } from '../../lib/local/http-functions.ts';
import { startHttpServer } from '../../lib/local/http-server.ts';
import { startLocalStack } from '../../lib/local/local-stack.ts';
import { uploadDataset } from '../../lib/local/upload-dataset.ts';
import type { Load, LoadResult } from './load-generator.ts';

/** A server over embedded stores with a model. */
export interface ServedModel {
  readonly url: string;
  /** What a handler over the same stores is made of. */
  readonly env: Readonly<Record<string, string>>;
  /** A path for each of so many listeners, drawn by a seed. */
  readonly paths: (count: number) => readonly string[];
  /** The ids of all exposures in the log. */
  readonly storedExposures: () => Promise<ReadonlySet<string>>;
  close(): Promise<void>;
}

/**
 * Trains on a folder's data set over embedded stores, unless they hold a model already, and serves it over HTTP.
 *
 * @param options.query - Of each path.
 */
export async function serveModel(options: {
  readonly folder: string;
  /** Where the stores are kept; `null` keeps them in memory. */
  readonly stateDir: string | null;
  readonly preset: 'seed' | 'full';
  readonly query: string;
}): Promise<ServedModel> {
  const { folder, stateDir, preset, query } = options;
  const { users } = assertValid(await readDataset(await openFolder(folder), { nowMs: Date.UTC(2026, 0, 1) }));
  const stack = await startLocalStack({ stateDir });
  const env: Readonly<Record<string, string>> = { ...stack.env, CODE_VERSION: 'load', LOG_LEVEL: 'ERROR' };
  const bucket = stack.env[BUCKET_VARIABLE]!;
  const trained = await fetch(`${stack.s3Endpoint}/${bucket}/models/current.json`);
  if (!trained.ok) {
    const s3 = createS3Client(parseEnv(awsEnvironment, env), TRAINING_LIMITS);
    await uploadDataset(s3, { bucket, dataset: 'load', folder });
    s3.destroy();
    await createTrainHandlerFromEnvironment(env)({ dataset: 'load', preset }, localContext());
  }
  const functions = createHttpFunctions(env);
  await functions.preloaded;
  const server = await startHttpServer({
    port: 0,
    routes: ROUTES,
    handlers: functions.handlers,
    onError: (error) => console.error(error),
  });
  const dynamo = new DynamoDBClient({
    endpoint: stack.dynamoEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return {
    url: server.url,
    env,
    paths: (count) =>
      Array.from({ length: count }, (_, i) => {
        const userId = users.ids[hash2(7, i) % users.size]!;
        return `/users/${encodeURIComponent(userId)}/recommendations?${query}`;
      }),
    storedExposures: async () => {
      const ids = new Set<string>();
      let start: Record<string, AttributeValue> | undefined;
      do {
        const page = await dynamo.send(
          new ScanCommand({
            TableName: env['EXPOSURES_TABLE'],
            ProjectionExpression: 'userExposure',
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          }),
        );
        for (const { userExposure } of page.Items ?? []) ids.add(userExposure!.S!.split('#').at(-1)!);
        start = page.LastEvaluatedKey;
      } while (start !== undefined);
      return ids;
    },
    close: async () => {
      await server.close();
      dynamo.destroy();
      await stack.close();
    },
  };
}

/** What is sent before anything is measured, so that the code is compiled and the connections are open. */
export const WARM_UP: Pick<Load, 'ratePerSecond' | 'seconds'> = { ratePerSecond: 100, seconds: 5 };

/** Sends a load from a thread of its own and waits for its end. */
export function runLoad(load: Load): Promise<LoadResult> {
  const worker = new Worker(new URL('load-generator.ts', import.meta.url), {
    workerData: load,
    execArgv: [],
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the load generator ended without a result')));
  });
}

/** One line: how many, how fast, latencies, errors, lists that were not the best there is. */
export function describeLoad({ latencies, errors, policies, exposureIds, elapsedMs }: LoadResult): string {
  const sorted = latencies.toSorted();
  const at = (share: number): string => quantile(sorted, share).toFixed(1);
  const nErrors = Object.values(errors).reduce((sum, n) => sum + n, 0);
  const nPersonal = policies['personal'] ?? 0;
  return (
    `${latencies.length} requests, ${((1_000 * latencies.length) / elapsedMs).toFixed(1)}/s: ` +
    `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms, ${nErrors} errors, ` +
    `${nPersonal} personal lists, ${exposureIds.length} exposures` +
    (nErrors === 0 ? '' : ` ${JSON.stringify(errors)}`)
  );
}
