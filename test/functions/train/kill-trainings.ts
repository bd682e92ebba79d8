import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import {
  createDynamoClient,
  createS3Client,
  TRAINING_LIMITS,
} from '../../../functions/shared/adapters/clients.ts';
import { createDynamoCandidateStore } from '../../../functions/shared/adapters/dynamo-candidate-store.ts';
import { datasetKey } from '../../../functions/shared/adapters/s3-dataset.ts';
import { createS3ModelStore } from '../../../functions/shared/adapters/s3-model-store.ts';
import { awsEnvironment, parseEnv } from '../../../functions/shared/parse-env.ts';
import { createRecommendFunctionFromEnvironment } from '../../../functions/recommend/handler.ts';
import type { TrainingResult } from '../../../functions/train/run-training.ts';
import { decodeCandidateShard, shardPath } from '../../../layers/core/src/artifact/candidates-file.ts';
import { decodeManifest, MANIFEST_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import { sha256Hex } from '../../../layers/core/src/math/sha256.ts';
import { readPointer, versionKey } from '../../../layers/core/src/publish/pointer.ts';
import { equalBytes } from '../../../layers/core/src/publish/publish.ts';
import { startLocalStack } from '../../../lib/local/local-stack.ts';
import { tinyFiles } from '../../core/tiny.ts';
import { callRoute } from '../call-route.ts';

const CHILD = fileURLToPath(new URL('training.child.ts', import.meta.url));
const EVENT = JSON.stringify({
  dataset: 'tiny',
  preset: 'seed',
  options: { svdFactors: 3, svdEpochs: 5, maxFeatures: 25 },
  now: '2026-11-23T03:00:00Z',
});
/** Longer than a lease. */
const NEXT_RUN_MS = 21 * 60_000;

/** What a training says in its course, in this order. */
const MOMENTS = ['drain', 'read', 'candidates', 'ranker', 'publish'].flatMap((step) =>
  ['begins', 'advances', 'ends'].map((what) => `${step} ${what}`),
);

/** What became of trainings that were killed, of those after them, and of readers meanwhile. */
export interface Killed {
  /** The line after which each was killed. */
  readonly moments: readonly string[];
  /** How the one run after each kill ended. */
  readonly outcomes: readonly string[];
  /** How many of these finished what the killed one had left. */
  readonly resumed: number;
  /** Answers that were read meanwhile. */
  readonly answers: number;
  /** What readers found that no reader may find. */
  readonly violations: readonly string[];
}

/**
 * Kills trainings, each in a process of its own, with SIGKILL at seeded moments: up to 40 ms after a step's start, its progress or its end.
 * Every other kill is aimed at publishing. After each kill one training runs to its end: as Lambda's retry, which holds the lease
 * that the dead one left under the same request, or as the next run, of another request and after that lease has expired by its clock.
 *
 * Meanwhile the recommend function is asked without a pause. It has to answer 200, from a version whose every file and candidate
 * record is stored, and once it has served a listener personally it has to go on doing so.
 */
export async function killTrainings(kills: number, seed: number): Promise<Killed> {
  const rng = createRng(seed);
  const stack = await startLocalStack({ stateDir: null });
  const aws = parseEnv(awsEnvironment, stack.env);
  const s3 = createS3Client(aws, TRAINING_LIMITS);
  const dynamo = createDynamoClient(aws, TRAINING_LIMITS);
  const bucket = stack.env['BUCKET_NAME']!;
  for (const [file, body] of Object.entries(tinyFiles())) {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: datasetKey('tiny', file), Body: body }));
  }
  const modelStore = createS3ModelStore(s3, bucket, { deadlineMs: 30_000 });
  const candidateStore = createDynamoCandidateStore(dynamo, stack.env['CANDIDATES_TABLE']!, {
    deadlineMs: 30_000,
    consistentRead: true,
  });

  // As if there had been a drain: the first one asks for every day that the table may hold.
  const drained = JSON.stringify({ drainedAt: new Date().toISOString() });
  await modelStore.put('events/drained.json', new TextEncoder().encode(drained));

  let aheadMs = 0;
  const run = (requestId: string, kill: Kill | null = null) =>
    runChild({ ...stack.env, CLOCK_AHEAD_MS: String(aheadMs) }, requestId, kill);

  const violations: string[] = [];
  const judged = new Set<string>();
  /** What is missing of a version, by its own manifest. */
  const judgeVersion = async (version: string): Promise<void> => {
    if (judged.has(version)) return;
    judged.add(version);
    const manifest = decodeManifest((await modelStore.get(versionKey(version, MANIFEST_FILE)))!.body);
    for (const [path, { sha256 }] of Object.entries(manifest.files)) {
      const found = await modelStore.get(versionKey(version, path));
      if (found === undefined || (await sha256Hex(found.body)) !== sha256) {
        violations.push(`${version} was served with a missing or torn ${path}`);
      }
    }
    for (let i = 0; i < manifest.candidates.shards; i++) {
      const shard = await modelStore.get(versionKey(version, shardPath(i)));
      for (const { userId, record } of decodeCandidateShard(shard!.body)) {
        const found = await candidateStore.read(userId, version);
        if (found === undefined || !equalBytes(found, record)) {
          violations.push(`${version} was served without the candidates of ${userId}`);
        }
      }
    }
  };

  const { handler } = createRecommendFunctionFromEnvironment({ ...stack.env, LOG_LEVEL: 'SILENT' });
  let answers = 0;
  const over = new AbortController();
  const readOn = async (userId: string): Promise<void> => {
    let isPersonal = false;
    while (!over.signal.aborted) {
      const { status, body } = await callRoute(handler, 'GET /users/{userId}/recommendations', {
        params: { userId },
      });
      answers++;
      if (status !== 200) violations.push(`listener ${userId} was answered ${status}`);
      if (isPersonal && body.policy !== 'personal') {
        violations.push(`listener ${userId} got ${body.policy} after a personal list`);
      }
      isPersonal = body.policy === 'personal';
      if (isPersonal) await judgeVersion(body.modelVersion);
      // The trainings need the processor too.
      await sleep(100);
    }
  };
  const readers = ['4', '29'].map(readOn);

  const moments: string[] = [];
  const outcomes: string[] = [];
  let resumed = 0;
  try {
    for (let round = 0; moments.length < kills && round < 2 * kills; round++) {
      aheadMs += NEXT_RUN_MS;
      const requestId = `run-${round}`;
      const from = round % 2 === 0 ? MOMENTS.indexOf('publish begins') : 0;
      const moment = MOMENTS[from + rng.integer(MOMENTS.length - from)]!;
      const delayMs = rng.integer(41);
      const { isKilled } = await run(requestId, { after: moment, delayMs });
      // It was done by then: another round makes up for it.
      if (!isKilled) continue;
      moments.push(moment);
      const isRetry = rng.next() < 0.5;
      if (!isRetry) aheadMs += NEXT_RUN_MS;
      const { result } = await run(isRetry ? requestId : `${requestId}-next`);
      outcomes.push(result?.outcome ?? 'no result');
      if (result?.resumed === true) resumed++;
      const current = (await readPointer(modelStore))?.pointer.version;
      if (current !== result?.modelVersion)
        violations.push(`${current} is served after ${result?.modelVersion}`);
    }
  } finally {
    over.abort();
    await Promise.all(readers);
    s3.destroy();
    dynamo.destroy();
    await stack.close();
  }
  return { moments, outcomes, resumed, answers, violations };
}

/** When a training is killed: so long after the first line of its output that says this. */
interface Kill {
  readonly after: string;
  readonly delayMs: number;
}

/** Runs a training in a process of its own. */
async function runChild(
  env: Readonly<Record<string, string>>,
  requestId: string,
  kill: Kill | null,
): Promise<{
  readonly lines: readonly string[];
  readonly isKilled: boolean;
  readonly result: TrainingResult | null;
}> {
  const child = spawn(process.execPath, [CHILD, EVENT, requestId], {
    env: { ...env, LOG_LEVEL: 'SILENT', CODE_VERSION: 'test' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<boolean>((resolve) => {
    child.on('close', (_, signal) => resolve(signal === 'SIGKILL'));
  });
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    if (line === kill?.after && !lines.includes(line)) setTimeout(() => child.kill('SIGKILL'), kill.delayMs);
    lines.push(line);
  }
  const isKilled = await ended;
  const last = lines.at(-1) ?? '';
  const result: TrainingResult | null = last.startsWith('{') ? JSON.parse(last) : null;
  return { lines, isKilled, result };
}
