import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecommendFunctionFromEnvironment } from '../../functions/recommend/handler.ts';
import { ROUTES } from '../../functions/routes.ts';
import { createTrainHandlerFromEnvironment } from '../../functions/train/handler.ts';
import type { TrainingResult } from '../../functions/train/run-training.ts';
import { startHttpServer, type HttpServer } from '../../lib/local/http-server.ts';
import { startLocalStack, type LocalStack } from '../../lib/local/local-stack.ts';

const SAMPLE = join(import.meta.dirname, '../fixtures/sample');
const EVENT = { dataset: 'sample', preset: 'seed', options: {}, now: '2026-11-23T03:00:00Z' };

interface Answer {
  readonly userId: string;
  readonly modelVersion: string | null;
  readonly policy: string;
  readonly experiment: string | null;
  readonly variant: string | null;
  readonly exposureId: string | null;
  readonly recommendations: readonly {
    readonly artistId: string;
    readonly name: string;
    readonly score: number;
    readonly rank: number;
  }[];
}

let stack: LocalStack;
let server: HttpServer;
let s3: S3Client;
let dynamo: DynamoDBClient;
let trained: TrainingResult;
let before: Answer;

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

async function get(url: string, userId: string, query = ''): Promise<Answer> {
  const response = await fetch(`${url}/users/${encodeURIComponent(userId)}/recommendations${query}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('private, no-store');
  const answer: Answer = JSON.parse(await response.text());
  return answer;
}

/** A server whose handler starts cold. */
function startServer(): Promise<HttpServer> {
  return startHttpServer({
    port: 0,
    routes: ROUTES,
    handlers: {
      recommend: createRecommendFunctionFromEnvironment({ ...stack.env, LOG_LEVEL: 'SILENT' }).handler,
    },
    onError: (error) => {
      throw error;
    },
  });
}

const train = (requestId: string, event: unknown = EVENT): Promise<TrainingResult> =>
  createTrainHandlerFromEnvironment({ ...stack.env, LOG_LEVEL: 'SILENT', CODE_VERSION: 'test' })(event, {
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => 900_000,
  });

const readObject = async (key: string): Promise<string> =>
  (await fetch(`${stack.s3Endpoint}/${stack.env['BUCKET_NAME']}/${key}`)).text();

beforeAll(async () => {
  stack = await startLocalStack({ stateDir: null });
  s3 = new S3Client({ endpoint: stack.s3Endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
  dynamo = new DynamoDBClient({ endpoint: stack.dynamoEndpoint, region: 'us-east-1', credentials });
  for (const file of readdirSync(SAMPLE).filter((name) => name.endsWith('.dat'))) {
    await s3.send(
      new PutObjectCommand({
        Bucket: stack.env['BUCKET_NAME'],
        Key: `datasets/sample/${file}`,
        Body: readFileSync(join(SAMPLE, file)),
      }),
    );
  }
  const early = await startServer();
  before = await get(early.url, '1');
  await early.close();
  trained = await train('run-1');
  server = await startServer();
});

afterAll(async () => {
  await server.close();
  s3.destroy();
  dynamo.destroy();
  await stack.close();
});

/** Rows of `recommendations.csv` by listener. */
async function csvRows(): Promise<Map<string, string[][]>> {
  const [header, ...lines] = (await readObject(`models/${trained.modelVersion}/recommendations.csv`))
    .trimEnd()
    .split('\n');
  expect(header).toBe('userId,artistId,rank,score');
  return Map.groupBy(
    lines.map((line) => line.split(',')),
    ([userId]) => userId!,
  );
}

describe('the whole path on one machine', () => {
  it('answers with an empty list before the first training', () => {
    expect(before).toMatchObject({ modelVersion: null, policy: 'none', recommendations: [] });
    expect(before.exposureId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('trains, publishes and points at the version', async () => {
    expect(trained.outcome).toBe('published');
    expect(JSON.parse(await readObject('models/current.json'))).toMatchObject({
      version: trained.modelVersion,
      previous: null,
      fence: 1,
      pinned: false,
    });
  });

  it('answers every listener with the list of recommendations.csv: ids, order and scores', async () => {
    const rows = await csvRows();
    expect(rows.size).toBeGreaterThan(200);
    for (const [userId, expected] of rows) {
      const { policy, modelVersion, recommendations } = await get(server.url, userId);
      expect({ policy, modelVersion }).toEqual({ policy: 'personal', modelVersion: trained.modelVersion });
      expect(recommendations.map(({ artistId, rank, score }) => [artistId, rank, score])).toEqual(
        expected.map(([, artistId, rank, score]) => [artistId, Number(rank), Number(score)]),
      );
    }
  });

  it('logs each list that it serves, with positions, variant and propensity', async () => {
    const answer = await get(server.url, '7', '?n=3');
    const exposures: unknown[] = [];
    let start: Record<string, AttributeValue> | undefined;
    do {
      const page = await dynamo.send(
        new ScanCommand({
          TableName: stack.env['EXPOSURES_TABLE'],
          FilterExpression: 'contains(userExposure, :id)',
          ExpressionAttributeValues: { ':id': { S: `#${answer.exposureId}` } },
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        }),
      );
      exposures.push(...(page.Items ?? []));
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    expect(exposures).toHaveLength(1);
    expect(exposures[0]).toMatchObject({
      userExposure: { S: `7#${answer.exposureId}` },
      modelVersion: { S: trained.modelVersion },
      policy: { S: 'personal' },
      experiment: { S: 'ranker' },
      variant: { S: answer.variant },
      propensity: { N: '0.5' },
      artistIds: { S: answer.recommendations.map(({ artistId }) => artistId).join('\t') },
    });
  });

  it('gives a stranger the popular list, most popular first', async () => {
    const { policy, recommendations } = await get(server.url, 'no such listener', '?n=100');
    expect(policy).toBe('popular');
    expect(recommendations).toHaveLength(100);
    const scores = recommendations.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  it('refuses n=abc, naming the field', async () => {
    const response = await fetch(`${server.url}/users/1/recommendations?n=abc`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ field: 'n', code: 'INVALID_REQUEST' });
  });

  it('refuses a data set that is not there', async () => {
    await expect(train('run-x', { ...EVENT, dataset: 'absent' })).rejects.toMatchObject({
      code: 'INVALID_DATA_SET',
      message: expect.stringContaining('artists.dat'),
    });
  });

  it('serves the popular list where the version that is pointed at cannot be loaded', async () => {
    const key = `models/${trained.modelVersion}/catalog.json.gz`;
    const Bucket = stack.env['BUCKET_NAME'];
    const response = await fetch(`${stack.s3Endpoint}/${Bucket}/${key}`);
    const kept = new Uint8Array(await response.arrayBuffer());
    await s3.send(new DeleteObjectCommand({ Bucket, Key: key }));
    const cold = await startServer();
    try {
      const answer = await get(cold.url, '7', '?n=5');
      expect(answer).toMatchObject({ policy: 'popular', modelVersion: trained.modelVersion });
      expect(answer.recommendations).toHaveLength(5);
      expect((await get(server.url, '7')).policy).toBe('personal');
    } finally {
      await cold.close();
      await s3.send(new PutObjectCommand({ Bucket, Key: key, Body: kept }));
    }
  });

  it('keeps serving what it has when a training would make it worse', async () => {
    const pointer = await readObject('models/current.json');
    await expect(train('run-worse', { ...EVENT, options: { maxFeatures: 1 } })).rejects.toMatchObject({
      code: 'QUALITY_GATE_FAILED',
    });
    expect(await readObject('models/current.json')).toBe(pointer);
  });

  it('follows the pointer to the next version', async () => {
    const second = await train('run-2');
    expect(second.outcome).toBe('published');
    expect(second.modelVersion).not.toBe(trained.modelVersion);
    const next = await startServer();
    try {
      expect((await get(next.url, '7')).modelVersion).toBe(second.modelVersion);
    } finally {
      await next.close();
    }
  });
});
