import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createModelsHandlerFromEnvironment } from '../../../functions/models/handler.ts';
import { createRecommendFunctionFromEnvironment } from '../../../functions/recommend/handler.ts';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import type { HttpHandler } from '../../../functions/shared/http.ts';
import { createDynamoCandidateStore } from '../../../functions/shared/adapters/dynamo-candidate-store.ts';
import { createDynamoLeaseStore } from '../../../functions/shared/adapters/dynamo-lease-store.ts';
import { createS3ModelStore } from '../../../functions/shared/adapters/s3-model-store.ts';
import { createUsersHandlerFromEnvironment } from '../../../functions/users/handler.ts';
import { startLocalStack, type LocalStack } from '../../../lib/local/local-stack.ts';
import { buildVersion } from '../../../layers/core/src/artifact/build-version.ts';
import { makeVersion } from '../../../layers/core/src/artifact/model-version.ts';
import type { LeaseStore } from '../../../layers/core/src/ports.ts';
import { trainModel } from '../../../layers/core/src/train-model.ts';
import { publishVersion } from '../../../layers/core/src/publish/publish.ts';
import { readTiny, silentProgress, TINY_INFO, tinyFiles, tinyParameters } from '../../core/tiny.ts';
import { callRoute } from '../call-route.ts';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const DAY_MS = 86_400_000;
const CALL = { deadlineMs: 20_000 };

let stack: LocalStack;
let s3: S3Client;
let dynamo: DynamoDBClient;
let leases: LeaseStore;
let models: HttpHandler;
let users: HttpHandler;
let listeners: readonly string[];
let first: string;
let second: string;
let before: readonly unknown[];

const environment = () => ({ ...stack.env, LOG_LEVEL: 'SILENT', METRICS: 'off' });

/** Publishes a version that every byte of which was trained, as a training does. */
async function publish(randomState: number): Promise<string> {
  const dataset = await readTiny(tinyFiles());
  const model = await trainModel(
    dataset,
    { ...tinyParameters('seed'), randomState },
    { parallel: inlineParallelMap, progress: silentProgress },
  );
  listeners = dataset.users.ids;
  const { fence } = (await leases.acquire('training', Date.now(), 60_000))!;
  const modelVersion = makeVersion({
    createdAtMs: TINY_INFO.createdAtMs,
    fingerprint: TINY_INFO.inputFingerprint,
    fence,
  });
  const contents = await buildVersion(model, dataset, { ...TINY_INFO, modelVersion });
  const outcome = await publishVersion(
    {
      modelStore: createS3ModelStore(s3, stack.env['BUCKET_NAME']!, CALL),
      candidateStore: createDynamoCandidateStore(dynamo, stack.env['CANDIDATES_TABLE']!, CALL),
      clock: Date.now,
      sleep: () => Promise.resolve(),
      random: () => 0,
    },
    { ...contents, version: modelVersion, fence, expiresAtMs: Date.now() + 60 * DAY_MS },
  );
  expect(outcome).toBe('published');
  await leases.release('training');
  return modelVersion;
}

/** The lists of all listeners, by a process that starts cold. */
async function lists(): Promise<{ readonly version: string; readonly recommendations: readonly unknown[] }> {
  const recommend = createRecommendFunctionFromEnvironment(environment()).handler;
  const recommendations: unknown[] = [];
  let version = '';
  for (const userId of listeners) {
    const { body } = await callRoute(recommend, 'GET /users/{userId}/recommendations', {
      params: { userId },
    });
    version = body.modelVersion;
    recommendations.push([body.policy, JSON.stringify(body.recommendations)]);
  }
  return { version, recommendations };
}

const activate = (version: string, body: unknown = {}) =>
  callRoute(models, 'POST /models/{version}/activate', { params: { version }, body });

async function candidatesOf(userId: string): Promise<readonly unknown[]> {
  const { Items = [] } = await dynamo.send(
    new ScanCommand({
      TableName: stack.env['CANDIDATES_TABLE'],
      FilterExpression: 'userId = :userId',
      ExpressionAttributeValues: { ':userId': { S: userId } },
    }),
  );
  return Items;
}

beforeAll(async () => {
  stack = await startLocalStack({ stateDir: null });
  s3 = new S3Client({ endpoint: stack.s3Endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
  dynamo = new DynamoDBClient({ endpoint: stack.dynamoEndpoint, region: 'us-east-1', credentials });
  leases = createDynamoLeaseStore(dynamo, stack.env['LEASES_TABLE']!, { ...CALL, leaseName: 'training' });
  models = createModelsHandlerFromEnvironment(environment());
  users = createUsersHandlerFromEnvironment(environment());
  first = await publish(1);
  before = (await lists()).recommendations;
  second = await publish(2);
});

afterAll(async () => {
  s3.destroy();
  dynamo.destroy();
  await stack.close();
});

describe('models and listeners over the stores', () => {
  it('serves lists byte-equal to before once an earlier version is activated', async () => {
    const between = await lists();
    expect(between.version).toBe(second);
    expect(between.recommendations).not.toEqual(before);
    expect(await activate(first)).toMatchObject({
      status: 200,
      body: { version: first, pinned: true, candidatesWritten: 0 },
    });
    const after = await lists();
    expect(after.version).toBe(first);
    expect(after.recommendations).toEqual(before);
    expect(before.filter((list) => JSON.stringify(list).startsWith('["personal"'))).toHaveLength(
      listeners.length,
    );
  });

  it('lists both versions and reports on the one served', async () => {
    const { body } = await callRoute(models, 'GET /models');
    expect(body.versions).toMatchObject([
      { version: second, readable: true, preset: 'seed', current: false },
      { version: first, readable: true, current: true, pinned: true },
    ]);
    expect((await callRoute(models, 'GET /models/current/report')).body).toMatchObject({
      version: first,
      listeners: listeners.length,
      report: { counts: { users: listeners.length } },
    });
  });

  it('erases a listener for good: an activation that writes candidates again does not bring them back', async () => {
    const [gone = '', kept = '', ...alsoGone] = listeners.slice(0, 5);
    expect(await candidatesOf(gone)).toHaveLength(2);
    const answer = await callRoute(users, 'DELETE /users/{userId}', { params: { userId: gone } });
    expect(answer).toMatchObject({
      status: 200,
      body: { userId: gone, erased: { candidates: 2, events: 0 } },
    });
    // One list each of the three cold processes before.
    expect(answer.body.erased.exposures).toBe(3);
    expect(await candidatesOf(gone)).toEqual([]);
    for (const userId of alsoGone) {
      await callRoute(users, 'DELETE /users/{userId}', { params: { userId } });
    }
    await activate(second);
    // As if nobody knew whether they are stored: they are written from the version's files, which still have the listeners.
    await s3.send(
      new PutObjectCommand({
        Bucket: stack.env['BUCKET_NAME'],
        Key: `models/${first}/state.json`,
        Body: JSON.stringify({ candidatesUntil: null, activatedAt: null, deleting: false }),
      }),
    );
    const again = await activate(first, { pinned: false });
    expect(again.body).toEqual({ version: first, pinned: false, candidatesWritten: listeners.length - 4 });
    for (const userId of [gone, ...alsoGone]) expect(await candidatesOf(userId)).toEqual([]);
    expect(await candidatesOf(kept)).toHaveLength(2);
  });
});
