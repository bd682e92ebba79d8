import {
  BatchWriteItemCommand,
  PutItemCommand,
  ScanCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoClient, type ClientLimits } from '../../../../functions/shared/adapters/clients.ts';
import { createDynamoExperimentStore } from '../../../../functions/shared/adapters/dynamo-experiment-store.ts';
import {
  createDynamoExposureLog,
  exposureItem,
} from '../../../../functions/shared/adapters/dynamo-exposure-log.ts';
import { awsEnvironment, parseEnv } from '../../../../functions/shared/parse-env.ts';
import { TABLES } from '../../../../functions/shared/tables.ts';
import {
  DEFAULT_EXPERIMENT,
  type ExperimentRevision,
} from '../../../../layers/core/src/experiment/assign-variant.ts';
import type { Exposure } from '../../../../layers/core/src/ports.ts';
import { startEmbeddedDynamoDb, type EmbeddedDynamoDb } from '../../../../lib/local/embedded-dynamodb.ts';
import { startFaultProxy, type Fault } from './fault-proxy.ts';

const LIMITS: ClientLimits = { connectionTimeoutMs: 1_000, requestTimeoutMs: 10_000, maxAttempts: 3 };
const deadlineMs = 20_000;

let dynamo: EmbeddedDynamoDb;
let nTables = 0;
const open: { close(): Promise<void> | void }[] = [];

beforeAll(async () => {
  dynamo = await startEmbeddedDynamoDb(null);
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
afterAll(() => dynamo.close());

function clientAt(endpoint: string) {
  const environment = parseEnv(awsEnvironment, {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
  const client = createDynamoClient(environment, LIMITS);
  open.push({ close: () => client.destroy() });
  return client;
}

/** A new table, a client of it, and one through a proxy where requests go wrong. */
async function tableOf(name: 'experiments' | 'exposures', ...faults: readonly Fault[]) {
  const table = `${name}-${nTables++}`;
  await dynamo.createTable(table, TABLES[name]);
  const proxy = await startFaultProxy(dynamo.endpoint, faults);
  open.push(proxy);
  return { table, direct: clientAt(dynamo.endpoint), faulty: clientAt(proxy.endpoint), proxy };
}

const revision: ExperimentRevision = { ...DEFAULT_EXPERIMENT, key: 'trees', createdAt: 5, readOutFrom: 1 };

describe('the DynamoDB experiment store', () => {
  it('knows its own revision again after a lost answer, and another’s in its place', async () => {
    const { table, direct, faulty } = await tableOf(
      'experiments',
      'lose-answer',
      'pass',
      'pass',
      'lose-answer',
      'pass',
    );
    const store = createDynamoExperimentStore(faulty, table, { deadlineMs });
    expect(await store.add(revision)).toBe(true);
    expect(await store.add({ ...revision, createdAt: 6 })).toBe(false);
    expect(await createDynamoExperimentStore(direct, table, { deadlineMs }).revisions('trees')).toEqual([
      revision,
    ]);
  });

  it('leaves out what it cannot read, and says which', async () => {
    const { table, direct } = await tableOf('experiments');
    const poison: string[] = [];
    const store = createDynamoExperimentStore(direct, table, {
      deadlineMs,
      onPoison: (key) => void poison.push(key),
    });
    const put = (experiment: string, number: string, definition: AttributeValue) =>
      direct.send(
        new PutItemCommand({
          TableName: table,
          Item: { experiment: { S: experiment }, revision: { S: number }, definition },
        }),
      );
    const json = (fields: object) => ({ S: JSON.stringify({ ...revision, ...fields }) });
    await store.add(revision);
    await store.add({ ...revision, key: 'good' });
    await put('trees', '000000002', { S: '{"key":' });
    await put('a', '000000001', { N: '5' });
    await put('b', '000000001', json({ key: 'other' }));
    await put('c', '000000001', json({ key: 'c', variants: [] }));
    await put(
      'd',
      '000000001',
      json({ key: 'd', variants: revision.variants.map((one) => ({ ...one, weight: 0.4 })) }),
    );
    await put('e', '1', json({ key: 'e' }));
    expect((await store.list()).map(({ key }) => key)).toEqual(['good']);
    expect(poison.splice(0).toSorted()).toEqual([
      'a#000000001',
      'b#000000001',
      'c#000000001',
      'd#000000001',
      'e#1',
      'trees#000000002',
    ]);
    expect(await store.revisions('trees')).toEqual([revision]);
    expect(poison).toEqual(['trees#000000002']);
  });

  it('reads all pages', async () => {
    // Items of 20 KB, so that 60 of them are more than one page of 1 MB.
    const { table, direct } = await tableOf('experiments');
    const store = createDynamoExperimentStore(direct, table, { deadlineMs });
    const padding = ' '.repeat(20_000);
    for (let i = 1; i <= 60; i++) {
      const definition = `${JSON.stringify({ ...revision, revision: i })}${padding}`;
      const number = String(i).padStart(9, '0');
      await direct.send(
        new PutItemCommand({
          TableName: table,
          Item: { experiment: { S: 'trees' }, revision: { S: number }, definition: { S: definition } },
        }),
      );
    }
    expect((await store.revisions('trees')).map((one) => one.revision)).toEqual(
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
    expect(await store.list()).toMatchObject([{ key: 'trees', revision: 60 }]);
  });

  it('says that it is unavailable where the table does not answer', async () => {
    const { table, faulty } = await tableOf('experiments', 'hang');
    const store = createDynamoExperimentStore(faulty, table, { deadlineMs: 50 });
    for (const call of [store.list(), store.revisions('trees'), store.add(revision)]) {
      await expect(call).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        details: { outcome: 'unknown' },
      });
    }
  });
});

const exposure: Exposure = {
  exposureId: 'b0a9',
  userId: '51',
  at: Date.UTC(2026, 10, 23, 12),
  modelVersion: null,
  policy: 'personal',
  experiment: 'ranker',
  revision: 3,
  variant: 'treatment',
  forced: false,
  propensity: 0.35,
  ranker: 'trees',
  artistIds: ['289', '51', '1412'],
  firstRank: 1,
  teams: null,
  featuresHash: 'c0ffee',
};

async function readDay(
  log: ReturnType<typeof createDynamoExposureLog>,
  day: string,
): Promise<readonly Exposure[]> {
  const all: Exposure[] = [];
  for await (const page of log.ofDay(day)) all.push(...page);
  return all;
}

describe('the DynamoDB exposure log, read back', () => {
  it('reads and forgets more than fits on a page', async () => {
    const { table, direct } = await tableOf('exposures');
    // One listener's, so that all lie in one partition; 900 of 1.3 KB are more than 1 MB.
    const many = Array.from({ length: 900 }, (_, i) => ({
      ...exposure,
      exposureId: String(i).padStart(4, '0'),
      featuresHash: 'f'.repeat(1_200),
    }));
    for (let i = 0; i < many.length; i += 25) {
      const requests = many.slice(i, i + 25).map((one) => ({ PutRequest: { Item: exposureItem(one) } }));
      await direct.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
    }
    const log = createDynamoExposureLog(direct, table, { deadlineMs });
    expect(await readDay(log, '2026-11-23')).toEqual(many);
    expect(await log.erase('51', ['2026-11-23'])).toBe(900);
    expect((await direct.send(new ScanCommand({ TableName: table }))).Items).toEqual([]);
  });

  it('leaves out what it cannot read, and names the partition but not the listener', async () => {
    const { table, direct } = await tableOf('exposures');
    const poison: string[] = [];
    const log = createDynamoExposureLog(direct, table, {
      deadlineMs,
      onPoison: (key) => void poison.push(key),
    });
    const item = exposureItem(exposure);
    const dayShard = item['dayShard']!.S!;
    const broken: readonly Record<string, AttributeValue>[] = [
      { userExposure: { S: 'no separator' } },
      { userExposure: { S: '51#' } },
      { policy: { S: 'guess' } },
      { at: { S: 'noon' } },
      { propensity: { N: '1.5' } },
      { propensity: { N: '0' } },
      { forced: { S: 'yes' } },
      { artistIds: { N: '7' } },
      { revision: { N: '0.5' } },
      { teams: { N: '1' } },
      { firstRank: { N: '0' } },
      { modelVersion: { BOOL: true } },
    ];
    await log.append(exposure);
    for (const [i, attributes] of broken.entries()) {
      const key = { userExposure: { S: `51#broken-${i}` } };
      await direct.send(new PutItemCommand({ TableName: table, Item: { ...item, ...key, ...attributes } }));
    }
    expect(await readDay(log, '2026-11-23')).toEqual([exposure]);
    expect(poison).toEqual(broken.map(() => dayShard));
  });

  it('finishes an erasure whose deletions come back undone', async () => {
    const undone: Fault = {
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: (asked) => {
        const { RequestItems }: { RequestItems: unknown } = JSON.parse(asked);
        return JSON.stringify({ UnprocessedItems: RequestItems });
      },
    };
    const { table, direct, faulty, proxy } = await tableOf('exposures', 'pass', undone, 'pass');
    await createDynamoExposureLog(direct, table, { deadlineMs }).append(exposure);
    expect(await createDynamoExposureLog(faulty, table, { deadlineMs }).erase('51', ['2026-11-23'])).toBe(1);
    expect(proxy.nRequests()).toBe(3);
    expect((await direct.send(new ScanCommand({ TableName: table }))).Items).toEqual([]);
  });

  it('fails an erasure that could not look at every day, without naming the listener', async () => {
    const { table, faulty } = await tableOf('exposures', 'pass', 'pass', 'hang');
    const log = createDynamoExposureLog(faulty, table, { deadlineMs: 300 });
    const days = Array.from({ length: 30 }, (_, i) => `2026-11-${String(i + 1).padStart(2, '0')}`);
    const error: unknown = await log.erase('listener-4711', days).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(JSON.stringify([error, String(error)])).not.toContain('listener-4711');
  });

  it('fails a read of a day that stops answering half-way', async () => {
    const { table, faulty } = await tableOf('exposures', ...Array<Fault>(8).fill('pass'), 'hang');
    const log = createDynamoExposureLog(faulty, table, { deadlineMs: 300 });
    await expect(readDay(log, '2026-11-23')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
