import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createS3Client, TRAINING_LIMITS } from '../../functions/shared/adapters/clients.ts';
import { createS3ModelStore } from '../../functions/shared/adapters/s3-model-store.ts';
import { awsEnvironment, parseEnv } from '../../functions/shared/parse-env.ts';
import { BUCKET_VARIABLE } from '../../functions/shared/tables.ts';
import { createTrainHandlerFromEnvironment, localContext } from '../../functions/train/handler.ts';
import { createUpkeepHandlerFromEnvironment } from '../../functions/upkeep/handler.ts';
import { createHttpFunctions, type HttpHandlers } from '../../lib/local/http-functions.ts';
import { startLocalStack, type LocalStack } from '../../lib/local/local-stack.ts';
import { uploadDataset } from '../../lib/local/upload-dataset.ts';
import { callRoute } from '../functions/call-route.ts';
import type { TestRequest } from '../functions/http-event.ts';
import { runWorkflow } from '../functions/train/local-workflow.ts';
import { grantsOf, synthesise, VARIANTS } from './synthesise.ts';
import { definitionOf, workflowTemplate } from './workflow-stack.ts';

/**
 * Every function is run over the embedded stores, through all that it does, and what it asks of them is written down as the right that it
 * would need. The template has to grant just that: a right that is missing fails on AWS, one that is too many should not be there.
 */

const SAMPLE = join(import.meta.dirname, '../fixtures/sample');
const DAY_MS = 86_400_000;
const NOTHING_KNOWN = JSON.stringify({ candidatesUntil: null, activatedAt: null, deleting: false });

const dynamoInput = z.object({
  TableName: z.string().optional(),
  IndexName: z.string().optional(),
  RequestItems: z.record(z.string(), z.unknown()).default({}),
});
const s3Input = z.object({ Key: z.string().optional(), Delete: z.unknown().optional() });
const deletion = z.object({ Objects: z.array(z.object({ Key: z.string() })) });
const command = z.object({ input: z.unknown() });

/** The rights that one call to DynamoDB needs, as `grantsOf` writes them. */
function tableRights(name: string, input: unknown): readonly string[] {
  const { TableName, IndexName, RequestItems } = dynamoInput.parse(input);
  const tables = TableName === undefined ? Object.keys(RequestItems) : [TableName];
  return tables.map((table) => {
    const [first = '', ...rest] = table.replace('encore-local-', '');
    const on = `<${first.toUpperCase()}${rest.join('')}>`;
    return `dynamodb:${name} on ${on}${IndexName === undefined ? '' : `/index/${IndexName}`}`;
  });
}

const S3_ACTIONS: Readonly<Record<string, string>> = {
  GetObject: 's3:GetObject',
  PutObject: 's3:PutObject',
  DeleteObjects: 's3:DeleteObject',
  ListObjectsV2: 's3:ListBucket',
};

/** The same of S3; a key stands for its prefix, one of `keys/` for itself. */
function bucketRights(name: string, input: unknown): readonly string[] {
  const action = S3_ACTIONS[name]!;
  if (name === 'ListObjectsV2') return [`${action} on <Bucket>`];
  const { Key, Delete } = s3Input.parse(input);
  const keys = Key === undefined ? deletion.parse(Delete).Objects.map((object) => object.Key) : [Key];
  return keys.map(
    (key) => `${action} on <Bucket>/${key.startsWith('keys/') ? key : `${key.split('/')[0]}/*`}`,
  );
}

/** Without the right to list S3 says 403 of an object that is not there, and not 404: whoever reads has to have it. */
function withListing(rights: ReadonlySet<string>): readonly string[] {
  const reads = [...rights].some((right) => right.startsWith('s3:GetObject'));
  return [...new Set([...rights, ...(reads ? ['s3:ListBucket on <Bucket>'] : [])])].toSorted();
}

/** What each function was seen to need. */
const needed = new Map<string, Set<string>>();
let running = '';

function record(sent: unknown, rightsOf: (name: string, input: unknown) => readonly string[]): void {
  if (running === '') return;
  const name = Object(sent).constructor.name.replace(/Command$/, '');
  const rights = needed.get(running) ?? new Set();
  for (const right of rightsOf(name, command.parse(sent).input)) rights.add(right);
  needed.set(running, rights);
}

/** Runs something in the name of a function. Nothing else may run meanwhile. */
async function as<T>(name: string, run: () => Promise<T>): Promise<T> {
  running = name;
  try {
    return await run();
  } finally {
    running = '';
  }
}

/** What happens in the midst of a call of this name, once. */
let meanwhile: { readonly name: string; readonly run: () => Promise<unknown> } | null = null;

async function happenMeanwhile(sent: unknown): Promise<void> {
  if (meanwhile === null || Object(sent).constructor.name !== `${meanwhile.name}Command`) return;
  const { run } = meanwhile;
  meanwhile = null;
  const interrupted = running;
  running = '';
  await run();
  running = interrupted;
}

let stack: LocalStack;
const restore: (() => unknown)[] = [];

beforeAll(async () => {
  for (const [client, rightsOf] of [
    [DynamoDBClient.prototype, tableRights],
    [S3Client.prototype, bucketRights],
  ] as const) {
    const send: unknown = Reflect.get(client, 'send');
    if (typeof send !== 'function') throw new TypeError('the SDK has changed');
    // Not a spy: `send` is the same for all commands, which its type does not say.
    Reflect.set(client, 'send', async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      record(args[0], rightsOf);
      await happenMeanwhile(args[0]);
      return Reflect.apply(send, this, args);
    });
    restore.push(() => Reflect.set(client, 'send', send));
  }
  stack = await startLocalStack({ stateDir: null });
  await exercise();
});

afterAll(async () => {
  for (const undo of restore) undo();
  await stack.close();
});

/** Makes every function do all that it can. */
async function exercise(): Promise<void> {
  const env = { ...stack.env, LOG_LEVEL: 'SILENT' };
  const s3 = createS3Client(parseEnv(awsEnvironment, env), TRAINING_LIMITS);
  const bucket = stack.env[BUCKET_VARIABLE]!;
  const put = (Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  await uploadDataset(s3, { bucket, dataset: 'sample', folder: SAMPLE });
  // A version that is old enough to be deleted.
  const old = `${new Date(Date.now() - 60 * DAY_MS).toISOString().replaceAll(/[-:]|\.\d+/g, '')}-aaaaaaaaaaaa-0`;
  await put(`models/${old}/report.json`, '{}');

  const train = createTrainHandlerFromEnvironment(env);
  const training = { dataset: 'sample', preset: 'seed', options: {}, now: new Date().toISOString() };
  const first = (await as('Train', () => train(training, localContext()))).modelVersion!;

  running = 'Recommend';
  const { handlers, preloaded } = createHttpFunctions(env);
  await preloaded;
  running = '';
  const ask = async (name: string, handler: keyof HttpHandlers, route: string, request: TestRequest = {}) => {
    const { status, body } = await as(name, () => callRoute(handlers[handler], route, request));
    expect([route, status, body]).toEqual([route, 200, body]);
    return body;
  };
  const at = new Date().toISOString();
  const events = [{ userId: '2', artistId: '1', type: 'like', at }];
  const variants = [
    { key: 'control', weight: 0.5, ranker: 'lr' },
    { key: 'trees', weight: 0.5, ranker: 'trees' },
  ];
  const listener = { params: { userId: '2' } };
  const list = await ask('Recommend', 'recommend', 'GET /users/{userId}/recommendations', listener);
  expect(list.policy).toBe('personal');
  await ask('AcceptEvents', 'events', 'POST /events', { body: { events } });
  await ask('Recommend', 'recommend', 'POST /recommendations', { body: { artists: [{ id: '1' }] } });
  await ask('ConfigureExperiments', 'experiments', 'GET /experiments');
  await as('ConfigureExperiments', () =>
    callRoute(handlers.experiments, 'PUT /experiments/{key}', {
      params: { key: 'other' },
      body: { coverage: 0.1, variants, status: 'draft' },
    }),
  );
  await ask('ConfigureExperiments', 'experiments', 'GET /experiments/{key}/results', {
    params: { key: 'ranker' },
  });
  // One listener is forgotten before the next training, and one while a version is activated whose candidates have to be written again.
  await ask('Users', 'users', 'DELETE /users/{userId}', listener);
  const second = (await as('Train', () => train(training, localContext()))).modelVersion!;
  expect(second).not.toBe(first);
  await ask('Models', 'models', 'GET /models');
  await ask('Models', 'models', 'GET /users');
  await put(`models/${first}/state.json`, NOTHING_KNOWN);
  meanwhile = {
    name: 'BatchWriteItem',
    run: () => callRoute(handlers.users, 'DELETE /users/{userId}', { params: { userId: '3' } }),
  };
  for (const version of [first, second]) {
    await ask('Models', 'models', 'POST /models/{version}/activate', {
      params: { version },
      body: { pinned: true },
    });
  }
  await ask('Models', 'models', 'GET /models/current/report');

  // As above, and once more when nothing is known.
  const upkeep = createUpkeepHandlerFromEnvironment(env);
  const lookAfter = (check: string) => as('UpkeepFunction', () => upkeep({ check }, localContext()));
  await put(`models/${second}/state.json`, NOTHING_KNOWN);
  meanwhile = {
    name: 'BatchWriteItem',
    run: () => callRoute(handlers.users, 'DELETE /users/{userId}', { params: { userId: '4' } }),
  };
  expect(await lookAfter('model')).toMatchObject({ modelVersion: second, candidates: 'activated' });
  expect(await lookAfter('model')).toMatchObject({ candidates: 'kept', candidatesWritten: 0 });
  expect(await lookAfter('experiments')).toMatchObject([{ experiment: 'ranker' }]);

  // The same training in steps, with a listener to take out of the files and an old version to delete.
  await put(`models/${old}/report.json`, '{}');
  const modelStore = createS3ModelStore(s3, bucket, { deadlineMs: 60_000 });
  const published = await runWorkflow(
    definitionOf(workflowTemplate()),
    { env, modelStore },
    {
      name: 'run',
      input: training,
      before: ({ step }) => {
        running = ['candidates', 'recommendations'].includes(step)
          ? 'WorkflowTrainShard'
          : 'WorkflowTrainStep';
      },
    },
  );
  running = '';
  expect(published).toMatchObject({ published: { outcome: 'pinned' } });
}

const { training, serving } = synthesise();
const { training: workflow } = synthesise(VARIANTS['prod, jwt, workflow']);
const SCHEDULED: ReadonlySet<string> = new Set(['Train', 'UpkeepFunction']);

describe.each([
  ['Train', training],
  ['UpkeepFunction', training],
  ['WorkflowTrainStep', workflow],
  ['WorkflowTrainShard', workflow],
  ['Recommend', serving],
  ['AcceptEvents', serving],
  ['ConfigureExperiments', serving],
  ['Models', serving],
  ['Users', serving],
])('the function %s', (name, template) => {
  it('may do what it was seen to do, on what it did it to, and nothing else', () => {
    const ofStores = grantsOf(template, `${name}Role`).filter((grant) => /^(s3|dynamodb):/.test(grant));
    expect(ofStores.toSorted()).toEqual(withListing(needed.get(name) ?? new Set()));
  });

  it('may besides write its own log and its traces, and put aside the event of a run that failed', () => {
    const others = grantsOf(template, `${name}Role`).filter((grant) => !/^(s3|dynamodb):/.test(grant));
    expect(others.map((grant) => grant.replaceAll(/<\w*?(Logs|FailedRuns)\w+\.Arn>/g, '<$1>'))).toEqual([
      'logs:CreateLogStream on <Logs>',
      'logs:PutLogEvents on <Logs>',
      ...(SCHEDULED.has(name) ? ['sqs:SendMessage on <FailedRuns>'] : []),
      'xray:PutTelemetryRecords on *',
      'xray:PutTraceSegments on *',
    ]);
  });
});
