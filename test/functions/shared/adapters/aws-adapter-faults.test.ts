import { createServer, type Server, type Socket } from 'node:net';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createDynamoClient,
  createS3Client,
  SERVING_LIMITS,
  type ClientLimits,
} from '../../../../functions/shared/adapters/clients.ts';
import { createDynamoCandidateStore } from '../../../../functions/shared/adapters/dynamo-candidate-store.ts';
import {
  createDynamoExposureLog,
  exposureItem,
  exposurePartition,
} from '../../../../functions/shared/adapters/dynamo-exposure-log.ts';
import { createDynamoLeaseStore } from '../../../../functions/shared/adapters/dynamo-lease-store.ts';
import { createDynamoTombstoneStore } from '../../../../functions/shared/adapters/dynamo-tombstone-store.ts';
import { createS3ModelStore } from '../../../../functions/shared/adapters/s3-model-store.ts';
import { warmUp } from '../../../../functions/shared/adapters/warm-up.ts';
import { awsEnvironment, parseEnv } from '../../../../functions/shared/parse-env.ts';
import { TABLES } from '../../../../functions/shared/tables.ts';
import type { CandidateEntry, Exposure } from '../../../../layers/core/src/ports.ts';
import { startEmbeddedDynamoDb, type EmbeddedDynamoDb } from '../../../../lib/local/embedded-dynamodb.ts';
import { startEmbeddedS3, type EmbeddedS3 } from '../../../../lib/local/embedded-s3.ts';
import { startFaultProxy, type Fault, type FaultProxy } from './fault-proxy.ts';

const EXPIRES_AT_MS = 4_102_444_800_000;
const BUCKET = 'encore-test';
const LIMITS: ClientLimits = { connectionTimeoutMs: 1_000, requestTimeoutMs: 10_000, maxAttempts: 3 };

let s3: EmbeddedS3;
let dynamo: EmbeddedDynamoDb;
const open: { close(): Promise<void> | void }[] = [];

beforeAll(async () => {
  s3 = await startEmbeddedS3(null);
  s3.createBucket(BUCKET);
  dynamo = await startEmbeddedDynamoDb(null);
  for (const [name, definition] of Object.entries(TABLES)) await dynamo.createTable(name, definition);
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
afterAll(async () => {
  await s3.close();
  await dynamo.close();
});

function environmentFor(endpoint: string) {
  return parseEnv(awsEnvironment, {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
}

function dynamoAt(endpoint: string, limits: ClientLimits = LIMITS) {
  const client = createDynamoClient(environmentFor(endpoint), limits);
  open.push({ close: () => client.destroy() });
  return client;
}

function modelStoreAt(endpoint: string, { limits = LIMITS, deadlineMs = 20_000 } = {}) {
  const client = createS3Client(environmentFor(endpoint), limits);
  open.push({ close: () => client.destroy() });
  return createS3ModelStore(client, BUCKET, { deadlineMs });
}

const logAt = (endpoint: string) =>
  createDynamoExposureLog(dynamoAt(endpoint), 'exposures', { deadlineMs: 20_000 });

async function proxyTo(target: string, ...faults: readonly Fault[]): Promise<FaultProxy> {
  const proxy = await startFaultProxy(target, faults);
  open.push(proxy);
  return proxy;
}

/** Time that passes only while somebody sleeps. */
function fakeWaiting(startMs = 0) {
  let nowMs = startMs;
  const slept: number[] = [];
  return {
    slept,
    waiting: {
      now: () => nowMs,
      sleep: (ms: number) => {
        slept.push(ms);
        nowMs += ms;
        return Promise.resolve();
      },
      random: () => 0.5,
    },
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const entries = (prefix: string, n: number): readonly CandidateEntry[] =>
  Array.from({ length: n }, (_, i) => ({ userId: `${prefix}-${i}`, record: Uint8Array.of(i % 256) }));

function requestsOf(asked: string): readonly unknown[] {
  const { RequestItems }: { RequestItems: { candidates: readonly unknown[] } } = JSON.parse(asked);
  return RequestItems.candidates;
}

const unprocessed = (candidates: readonly unknown[]): string =>
  JSON.stringify({ UnprocessedItems: candidates.length === 0 ? {} : { candidates } });

/** DynamoDB's answer of having left the last `n` items of each batch undone. */
const leaving = (n: number): Fault => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: (asked) => {
    return unprocessed(requestsOf(asked).slice(-n));
  },
});

describe('the DynamoDB candidate store when DynamoDB is busy', () => {
  it('writes again what came back unprocessed, later each time nothing was taken', async () => {
    const proxy = await proxyTo(dynamo.endpoint, leaving(25), leaving(25), leaving(25), 'pass');
    const { slept, waiting } = fakeWaiting();
    const store = createDynamoCandidateStore(dynamoAt(proxy.endpoint), 'candidates', {
      deadlineMs: 20_000,
      waiting,
    });
    const records = entries('busy', 25);
    expect(await store.write('v1', records, { expiresAtMs: EXPIRES_AT_MS })).toBe(25);
    expect(proxy.nRequests()).toBe(4);
    expect(slept).toEqual([50, 100, 200]);
    const direct = createDynamoCandidateStore(dynamoAt(dynamo.endpoint), 'candidates', {
      deadlineMs: 20_000,
    });
    expect(await direct.read('busy-24', 'v1')).toEqual(Uint8Array.of(24));
  });

  it.each(['ProvisionedThroughputExceededException', 'ThrottlingException', 'RequestLimitExceeded'])(
    'waits as long where a whole batch is refused with %s, and goes on',
    async (name) => {
      const refused: Fault = {
        status: 400,
        headers: { 'content-type': 'application/x-amz-json-1.0' },
        body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'slow down' }),
      };
      const proxy = await proxyTo(dynamo.endpoint, refused, refused, 'pass');
      const { slept, waiting } = fakeWaiting();
      const store = createDynamoCandidateStore(
        dynamoAt(proxy.endpoint, { ...LIMITS, maxAttempts: 1 }),
        'candidates',
        { deadlineMs: 20_000, waiting },
      );
      expect(await store.write(name, entries('refused', 25), { expiresAtMs: EXPIRES_AT_MS })).toBe(25);
      expect(proxy.nRequests()).toBe(3);
      expect(slept).toEqual([50, 100]);
    },
  );

  it('does not take another refusal for a busy moment', async () => {
    const refused: Fault = {
      status: 400,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: JSON.stringify({ __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException' }),
    };
    const proxy = await proxyTo(dynamo.endpoint, refused);
    const store = createDynamoCandidateStore(dynamoAt(proxy.endpoint), 'candidates', {
      deadlineMs: 20_000,
      waiting: fakeWaiting().waiting,
    });
    await expect(
      store.write('v1', entries('absent', 25), { expiresAtMs: EXPIRES_AT_MS }),
    ).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', details: { error: 'ResourceNotFoundException' } });
    expect(proxy.nRequests()).toBe(1);
  });

  it('sends only what was left of a batch', async () => {
    const sizes: number[] = [];
    const counting: Fault = {
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: (asked) => {
        const requests = requestsOf(asked);
        sizes.push(requests.length);
        return unprocessed(requests.slice(10));
      },
    };
    const proxy = await proxyTo(dynamo.endpoint, counting);
    const store = createDynamoCandidateStore(dynamoAt(proxy.endpoint), 'candidates', {
      deadlineMs: 20_000,
      waiting: fakeWaiting().waiting,
    });
    expect(await store.write('v1', entries('left', 25), { expiresAtMs: EXPIRES_AT_MS })).toBe(25);
    expect(sizes).toEqual([25, 15, 5]);
  });

  it('gives up on a table that takes nothing ten times in a row', async () => {
    const proxy = await proxyTo(dynamo.endpoint, leaving(25));
    const store = createDynamoCandidateStore(dynamoAt(proxy.endpoint), 'candidates', {
      deadlineMs: 20_000,
      waiting: fakeWaiting().waiting,
    });
    await expect(
      store.write('v1', entries('stuck', 25), { expiresAtMs: EXPIRES_AT_MS }),
    ).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('took none of 25 candidate records in 10 attempts'),
    });
    expect(proxy.nRequests()).toBe(10);
  });

  it('counts only the unbroken run of stored batches when the deadline cuts a retry short', async () => {
    // One of eight batches is never taken whole; the clock moves only while that one waits.
    let nAsked = 0;
    const secondStays: Fault = {
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: (asked) => {
        nAsked++;
        return asked.includes('"prefix-25"') ? unprocessed(requestsOf(asked)) : unprocessed([]);
      },
    };
    const proxy = await proxyTo(dynamo.endpoint, secondStays);
    const { waiting } = fakeWaiting(1_000);
    const store = createDynamoCandidateStore(dynamoAt(proxy.endpoint), 'candidates', {
      deadlineMs: 20_000,
      waiting,
    });
    let reported = 0;
    const count = await store.write('v1', entries('prefix', 100), {
      expiresAtMs: EXPIRES_AT_MS,
      deadlineMs: 1_200,
      onWritten: (n) => {
        reported += n;
      },
    });
    expect(count).toBe(25);
    expect(reported).toBe(75);
    expect(nAsked).toBeGreaterThan(4);
  });

  it('keeps the time after which a record may go, in whole seconds', async () => {
    const client = dynamoAt(dynamo.endpoint);
    const store = createDynamoCandidateStore(client, 'candidates', { deadlineMs: 20_000 });
    await store.write('v-ttl', [{ userId: 'ttl', record: Uint8Array.of(1) }], {
      expiresAtMs: 1_700_000_000_001,
    });
    const { Items } = await client.send(new ScanCommand({ TableName: 'candidates' }));
    expect(Items?.find((item) => item['userId']?.S === 'ttl')?.['expiresAt']).toEqual({ N: '1700000001' });
  });
});

describe('a store that does not answer', () => {
  it('ends a read at the total deadline, though each attempt could wait longer', async () => {
    const proxy = await proxyTo(dynamo.endpoint, 'hang');
    const store = createDynamoCandidateStore(dynamoAt(proxy.endpoint), 'candidates', { deadlineMs: 50 });
    await expect(store.read('51', 'v1')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(
        /^reading candidates on dynamodb table candidates failed with TimeoutError/,
      ),
      details: { outcome: 'unknown' },
      cause: expect.any(Error),
    });
  });

  it('ends an attempt at the request timeout and tries again', async () => {
    const proxy = await proxyTo(dynamo.endpoint, 'hang', 'pass');
    const client = dynamoAt(proxy.endpoint, { ...LIMITS, requestTimeoutMs: 50 });
    const store = createDynamoCandidateStore(client, 'candidates', { deadlineMs: 20_000 });
    expect(await store.read('nobody', 'v1')).toBeUndefined();
    expect(proxy.nRequests()).toBe(2);
  });

  it('ends a read of S3 whose body stalls half-way', async () => {
    await modelStoreAt(s3.endpoint).put('stalling', new Uint8Array(100_000));
    const proxy = await proxyTo(s3.endpoint, 'stall');
    const store = modelStoreAt(proxy.endpoint, { deadlineMs: 200 });
    await expect(store.get('stalling')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('names a store that nobody listens at', async () => {
    const proxy = await startFaultProxy(dynamo.endpoint, ['pass']);
    await proxy.close();
    const store = createDynamoCandidateStore(dynamoAt(proxy.endpoint), 'candidates', { deadlineMs: 5_000 });
    await expect(store.read('51', 'v1')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      details: { store: 'dynamodb table candidates', operation: 'reading candidates' },
    });
  });
});

/** A server that says what it likes on every connection. */
async function listenRaw(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

/** Says a text one byte at a time, for seconds. */
function saySlowly(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at < text.length) socket.write(text.slice(at, ++at));
  }, 20);
  socket.on('close', () => clearInterval(timer));
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 1000\r\n\r\n';

describe.each([
  ['accepts the connection and says nothing', () => listenRaw(() => undefined)],
  [
    'answers the head byte by byte',
    () =>
      listenRaw((socket) =>
        socket.once('data', () => saySlowly(socket, HEAD.replace('200 OK', '200 '.padEnd(900, 'K')))),
      ),
  ],
  [
    'answers the body byte by byte',
    () =>
      listenRaw((socket) =>
        socket.once('data', () => {
          socket.write(HEAD);
          saySlowly(socket, '{'.padEnd(1_000));
        }),
      ),
  ],
  ['hangs up at once, again and again', () => listenRaw((socket) => socket.destroy())],
  ['answers at a port that nobody listens at', () => Promise.resolve('http://127.0.0.1:1')],
  ['has a name that nobody knows', () => Promise.resolve('http://store.invalid')],
])('a store that %s', (_, start) => {
  const DEADLINE_MS = 300;

  it.each([
    ['with the limits of serving', SERVING_LIMITS],
    [
      'with attempts that would take longer',
      { connectionTimeoutMs: 20_000, requestTimeoutMs: 20_000, maxAttempts: 5 },
    ],
  ])('is given up at the deadline of the call, %s', async (_name, limits) => {
    const client = dynamoAt(await start(), limits);
    const store = createDynamoCandidateStore(client, 'candidates', { deadlineMs: DEADLINE_MS });
    const startMs = performance.now();
    await expect(store.read('51', 'v1')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      details: { outcome: 'unknown', operation: 'reading candidates' },
    });
    // No measurement: only not the many times longer that it would take without a deadline.
    expect(performance.now() - startMs).toBeLessThan(5 * DEADLINE_MS);
  });
});

describe('a store that shares its machine', () => {
  it('is given more time by STORE_PATIENCE', async () => {
    const endpoint = await listenRaw((socket) => {
      socket.on('data', () => setTimeout(() => socket.write(`${HEAD.replace('1000', '2')}{}`), 200));
    });
    const limits: ClientLimits = { connectionTimeoutMs: 1_000, requestTimeoutMs: 100, maxAttempts: 1 };
    const read = (patience: string): Promise<unknown> => {
      const environment = {
        ...environmentFor(endpoint),
        ...parseEnv(awsEnvironment.pick({ STORE_PATIENCE: true }), { STORE_PATIENCE: patience }),
      };
      const client = createDynamoClient(environment, limits);
      open.push({ close: () => client.destroy() });
      return createDynamoCandidateStore(client, 'candidates', { deadlineMs: 20_000 }).read('51', 'v1');
    };
    await expect(read('1')).rejects.toMatchObject({ details: { error: 'TimeoutError' } });
    expect(await read('100')).toBeUndefined();
  });
});

describe('warming up', () => {
  it('leaves a connection behind that the first read uses', async () => {
    let nConnections = 0;
    const endpoint = await listenRaw((socket) => {
      nConnections++;
      socket.on('data', () => socket.write(`${HEAD.replace('1000', '2')}{}`));
    });
    const store = createDynamoCandidateStore(dynamoAt(endpoint), 'candidates', { deadlineMs: 20_000 });
    await warmUp(store);
    expect(nConnections).toBe(1);
    expect(await store.read('51', 'v1')).toBeUndefined();
    expect(nConnections).toBe(1);
  });

  it('says nothing of a store that is not there', async () => {
    const store = createDynamoCandidateStore(dynamoAt('http://127.0.0.1:1'), 'candidates', {
      deadlineMs: 300,
    });
    expect(await warmUp(store)).toBeUndefined();
  });
});

describe('an answer that is lost', () => {
  it('gives the same holder the lease again under a newer fence', async () => {
    const proxy = await proxyTo(dynamo.endpoint, 'lose-answer', 'pass');
    const options = { leaseName: 'lost', deadlineMs: 20_000 };
    const lease = await createDynamoLeaseStore(dynamoAt(proxy.endpoint), 'leases', options).acquire(
      'a',
      1_000,
      60_000,
    );
    expect(lease).toEqual({ fence: 2 });
    const direct = createDynamoLeaseStore(dynamoAt(dynamo.endpoint), 'leases', options);
    expect(await direct.acquire('b', 2_000, 60_000)).toBeUndefined();
  });

  it('does not let a conditional write say no after it may have been done', async () => {
    const proxy = await proxyTo(s3.endpoint, 'lose-answer', 'pass');
    await expect(modelStoreAt(proxy.endpoint).putIf('lost', bytes('mine'), null)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      details: { status: 412, attempts: 2, outcome: 'unknown' },
    });
    expect((await modelStoreAt(s3.endpoint).get('lost'))?.body).toEqual(bytes('mine'));
  });

  it('takes a conflict with another write that is under way for a no', async () => {
    const conflict: Fault = {
      status: 409,
      headers: { 'content-type': 'application/xml' },
      body: '<?xml version="1.0"?><Error><Code>ConditionalRequestConflict</Code><Message>busy</Message></Error>',
    };
    const proxy = await proxyTo(s3.endpoint, conflict);
    expect(await modelStoreAt(proxy.endpoint).putIf('busy', bytes('mine'), null)).toBe(false);
    expect(proxy.nRequests()).toBe(1);
  });

  it('tells a refused write from one whose fate is unknown', async () => {
    const refusal: Fault = {
      status: 400,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: '{"__type":"com.amazon.coral.validate#ValidationException","message":"no"}',
    };
    const refusing = await proxyTo(dynamo.endpoint, refusal);
    const losing = await proxyTo(dynamo.endpoint, 'lose-answer');
    await expect(logAt(refusing.endpoint).append(exposure)).rejects.toMatchObject({
      details: { outcome: 'refused' },
    });
    await expect(logAt(losing.endpoint).append(exposure)).rejects.toMatchObject({
      details: { outcome: 'unknown' },
    });
  });

  it('never puts a listener into the message of an error', async () => {
    const proxy = await proxyTo(dynamo.endpoint, 'hang');
    const store = createDynamoCandidateStore(dynamoAt(proxy.endpoint), 'candidates', { deadlineMs: 30 });
    const error: unknown = await store.read('listener-4711', 'v1').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Error);
    expect(JSON.stringify([error, String(error)])).not.toContain('listener-4711');
  });
});

describe('the S3 model store', () => {
  it('lists more keys than fit on a page', async () => {
    const store = modelStoreAt(s3.endpoint);
    const keys = Array.from({ length: 1_005 }, (_, i) => `pages/${String(i).padStart(4, '0')}`);
    for (let i = 0; i < keys.length; i += 67) {
      await Promise.all(keys.slice(i, i + 67).map((key) => store.put(key, Uint8Array.of(1))));
    }
    expect(await store.list('pages/')).toEqual(keys);
  });

  it('keeps an object larger than a multipart part', async () => {
    const store = modelStoreAt(s3.endpoint);
    const body = Uint8Array.from({ length: 13_000_000 }, (_, i) => (i * 7919) >>> 8);
    await store.put('large', body);
    const { body: tail } = (await store.get('large', { start: 12_999_000, end: 13_000_000 }))!;
    expect(tail).toEqual(body.slice(12_999_000));
  });

  it('says that a missing bucket is not a missing object', async () => {
    const client = createS3Client(environmentFor(s3.endpoint), LIMITS);
    open.push({ close: () => client.destroy() });
    const store = createS3ModelStore(client, 'no-such-bucket', { deadlineMs: 20_000 });
    await expect(store.get('a')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('NoSuchBucket'),
    });
  });
});

const exposure: Exposure = {
  exposureId: '0b6f3c1e-2f4e-4b0e-9a53-3f1d6a3c9b11',
  userId: '51',
  at: Date.UTC(2026, 10, 23, 23, 59, 59, 999),
  modelVersion: '20261123T125604Z-0123456789ab-7',
  policy: 'personal',
  experiment: 'ranker',
  revision: 1,
  variant: 'treatment',
  forced: false,
  propensity: 0.5,
  ranker: null,
  firstRank: 1,
  teams: null,
  artistIds: ['289'],
  featuresHash: 'c0ffee00',
};

describe('an exposure in DynamoDB', () => {
  it('lies in the partition of its UTC day and its listener', () => {
    expect(exposurePartition('51', exposure.at)).toBe(`2026-11-23#${fnv('51') % 16}`);
    expect(exposurePartition('51', exposure.at + 1)).toBe(`2026-11-24#${fnv('51') % 16}`);
  });

  it('takes at most 1 KB for the longest list of the largest catalogue', () => {
    const artistIds = Array.from({ length: 100 }, (_, i) => String(18_645 + i));
    const item = exposureItem({ ...exposure, userId: 'x'.repeat(40), artistIds, at: exposure.at });
    let size = 0;
    for (const [name, { S, N }] of Object.entries(item)) size += name.length + (S ?? N ?? '').length;
    expect(size).toBeLessThanOrEqual(1_024);
    expect(item['artistIds']?.S?.split('\t')).toEqual(artistIds);
  });

  it('expires 90 days after it was served', () => {
    expect(exposureItem(exposure)['expiresAt']?.N).toBe(String(Date.UTC(2027, 1, 22) / 1000));
  });
});

/** FNV-1a over bytes with big integers: a second implementation to compare with. */
function fnv(text: string): number {
  let hash = 0x811c9dc5n;
  for (const byte of bytes(text)) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
  return Number(hash);
}

describe('the S3 model store when it deletes', () => {
  it('rejects where S3 answers 200 and says that one of the objects is still there', async () => {
    const body =
      '<?xml version="1.0" encoding="UTF-8"?><DeleteResult><Error><Key>models/v1/a</Key><Code>AccessDenied</Code></Error></DeleteResult>';
    const proxy = await proxyTo(s3.endpoint, {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body,
    });
    await expect(modelStoreAt(proxy.endpoint).delete(['models/v1/a', 'models/v1/b'])).rejects.toThrow(
      expect.objectContaining({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('models/v1/a on s3 bucket encore-test failed with AccessDenied'),
      }),
    );
  });
});

/** DynamoDB’s answer to a scan: one tombstone, and where to go on. */
const tombstonePage = (hash: string, last?: string): Fault => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: JSON.stringify({
    Items: [{ listenerHash: { S: hash }, erasedAt: { N: '1000' } }],
    ...(last === undefined ? {} : { LastEvaluatedKey: { listenerHash: { S: last } } }),
  }),
});

describe('the DynamoDB tombstone store', () => {
  it('reads every page of a list', async () => {
    const proxy = await proxyTo(
      dynamo.endpoint,
      tombstonePage('a', 'a'),
      tombstonePage('b', 'b'),
      tombstonePage('c'),
    );
    const store = createDynamoTombstoneStore(dynamoAt(proxy.endpoint), 'tombstones', { deadlineMs: 20_000 });
    expect([...(await store.list()).keys()]).toEqual(['a', 'b', 'c']);
    expect(proxy.nRequests()).toBe(3);
  });
});
