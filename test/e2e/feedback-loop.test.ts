import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEventsHandlerFromEnvironment } from '../../functions/events/handler.ts';
import { createRecommendFunctionFromEnvironment } from '../../functions/recommend/handler.ts';
import { ROUTES } from '../../functions/routes.ts';
import {
  createDynamoClient,
  createS3Client,
  TRAINING_LIMITS,
} from '../../functions/shared/adapters/clients.ts';
import { createDynamoCandidateEraser } from '../../functions/shared/adapters/dynamo-candidate-eraser.ts';
import { createDynamoTombstoneStore } from '../../functions/shared/adapters/dynamo-tombstone-store.ts';
import { createS3ModelStore } from '../../functions/shared/adapters/s3-model-store.ts';
import { ensureErasureKey, listenerHash } from '../../functions/shared/listener-hash.ts';
import { awsEnvironment, parseEnv } from '../../functions/shared/parse-env.ts';
import { createTrainHandlerFromEnvironment } from '../../functions/train/handler.ts';
import type { TrainingResult } from '../../functions/train/run-training.ts';
import { decodePartition } from '../../layers/core/src/events/event-partition.ts';
import type { ModelStore } from '../../layers/core/src/ports.ts';
import { startHttpServer, type HttpServer } from '../../lib/local/http-server.ts';
import { startLocalStack, type LocalStack } from '../../lib/local/local-stack.ts';

const SAMPLE = join(import.meta.dirname, '../fixtures/sample');
const QUICK = { svdFactors: 3, svdEpochs: 5, maxFeatures: 50 };
const deadlineMs = 30_000;

interface List {
  readonly modelVersion: string;
  readonly policy: string;
  readonly recommendations: readonly { readonly artistId: string }[];
}
interface Posted {
  readonly results: readonly { readonly status: string }[];
}

let stack: LocalStack;
let server: HttpServer;
let modelStore: ModelStore;
const close: (() => void)[] = [];

const silent = () => ({ ...stack.env, LOG_LEVEL: 'SILENT' });

async function list(userId: string): Promise<List> {
  const response = await fetch(`${server.url}/users/${encodeURIComponent(userId)}/recommendations?n=20`);
  const answer: List = JSON.parse(await response.text());
  return answer;
}

async function post(events: readonly object[]): Promise<readonly string[]> {
  const response = await fetch(`${server.url}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  });
  expect(response.status).toBe(200);
  const { results }: Posted = JSON.parse(await response.text());
  return results.map(({ status }) => status);
}

let runs = 0;
const train = (): Promise<TrainingResult> =>
  createTrainHandlerFromEnvironment({ ...silent(), CODE_VERSION: 'test' })(
    { dataset: 'sample', preset: 'seed', options: QUICK, now: '2026-11-23T03:00:00Z' },
    { awsRequestId: `run-${runs++}`, getRemainingTimeInMillis: () => 900_000 },
  );

/** Serves what was published last. */
async function restart(): Promise<void> {
  await server?.close();
  type Handler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;
  const recommend: Handler = createRecommendFunctionFromEnvironment(silent()).handler;
  const events: Handler = createEventsHandlerFromEnvironment(silent());
  server = await startHttpServer({
    port: 0,
    routes: ROUTES,
    handlers: { recommend, events },
    onError: (error) => {
      throw error;
    },
  });
}

beforeAll(async () => {
  stack = await startLocalStack({ stateDir: null });
  const s3 = createS3Client(parseEnv(awsEnvironment, stack.env), TRAINING_LIMITS);
  close.push(() => s3.destroy());
  modelStore = createS3ModelStore(s3, stack.env['BUCKET_NAME']!, { deadlineMs });
  for (const file of readdirSync(SAMPLE).filter((name) => name.endsWith('.dat'))) {
    await modelStore.put(`datasets/sample/${file}`, readFileSync(join(SAMPLE, file)));
  }
  await train();
  await restart();
});

afterAll(async () => {
  await server.close();
  for (const one of close) one();
  await stack.close();
});

describe('what listeners do', () => {
  it('shows in the next model, and goes from it with an erasure', async () => {
    const before = await list('1');
    expect(before.policy).toBe('personal');
    const [played, disliked] = before.recommendations.map(({ artistId }) => artistId);
    expect((await list('newcomer')).policy).not.toBe('personal');
    const at = new Date(Date.now() - 60_000).toISOString();
    const events = [
      { userId: 1, artistId: played, type: 'play', at, plays: 30 },
      { userId: 1, artistId: disliked, type: 'dislike', at },
      { userId: 'newcomer', artistId: played, type: 'play', at, plays: 3 },
      { userId: 'newcomer', artistId: disliked, type: 'like', at },
    ];
    expect(await post(events)).toEqual(events.map(() => 'accepted'));
    expect(await post(events)).toEqual(events.map(() => 'duplicate'));

    const trained = await train();
    expect(trained).toMatchObject({
      outcome: 'published',
      events: { read: 4, merged: 4, newListeners: 1, playsAdded: 34, hiddenPairs: 1 },
    });
    await restart();
    const after = await list('1');
    expect(after.modelVersion).toBe(trained.modelVersion);
    const ids = after.recommendations.map(({ artistId }) => artistId);
    expect(ids).not.toContain(played);
    expect(ids).not.toContain(disliked);
    const newcomer = await list('newcomer');
    expect(newcomer).toMatchObject({ policy: 'personal', modelVersion: trained.modelVersion });
    expect(newcomer.recommendations.map(({ artistId }) => artistId)).not.toContain(played);

    const dynamo = createDynamoClient(parseEnv(awsEnvironment, stack.env), TRAINING_LIMITS);
    close.push(() => dynamo.destroy());
    const tombstones = createDynamoTombstoneStore(dynamo, stack.env['TOMBSTONES_TABLE']!, { deadlineMs });
    await tombstones.add(listenerHash('1', await ensureErasureKey(modelStore)), Date.now());
    await createDynamoCandidateEraser(dynamo, stack.env['CANDIDATES_TABLE']!, { deadlineMs }).erase('1');
    const without = await train();
    expect(without.events).toMatchObject({ erasedEvents: 2, merged: 2 });
    expect(without.events!.erasedRows).toBeGreaterThan(0);
    await restart();
    expect((await list('1')).policy).not.toBe('personal');
    const plays = (await modelStore.get('datasets/sample/user_artists.dat'))!.body;
    expect(new TextDecoder().decode(plays)).not.toMatch(/^1\t/m);
    for (const key of await modelStore.list('events/dt=')) {
      const stored = await decodePartition((await modelStore.get(key))!.body, key);
      expect(stored.map(({ userId }) => userId)).not.toContain('1');
    }
  });
});
