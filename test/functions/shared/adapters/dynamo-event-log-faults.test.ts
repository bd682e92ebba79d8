import {
  PutItemCommand,
  ScanCommand,
  type AttributeValue,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoClient, type ClientLimits } from '../../../../functions/shared/adapters/clients.ts';
import { deleteItems } from '../../../../functions/shared/adapters/delete-items.ts';
import { createDynamoEventLog, eventItem } from '../../../../functions/shared/adapters/dynamo-event-log.ts';
import { awsEnvironment, parseEnv } from '../../../../functions/shared/parse-env.ts';
import { EVENTS_TTL_DAYS, TABLES } from '../../../../functions/shared/tables.ts';
import type { ListenerEvent } from '../../../../layers/core/src/ports.ts';
import { startEmbeddedDynamoDb, type EmbeddedDynamoDb } from '../../../../lib/local/embedded-dynamodb.ts';
import { startFaultProxy, type Fault, type FaultProxy } from './fault-proxy.ts';

const LIMITS: ClientLimits = { connectionTimeoutMs: 1_000, requestTimeoutMs: 10_000, maxAttempts: 3 };
const AT = Date.UTC(2026, 10, 24, 12);
const DAY = '2026-11-24';

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

function clientAt(endpoint: string): DynamoDBClient {
  const environment = parseEnv(awsEnvironment, {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
  const client = createDynamoClient(environment, LIMITS);
  open.push({ close: () => client.destroy() });
  return client;
}

/** A table of its own, a log that reaches it directly and one that reaches it through faults. */
async function world(...faults: readonly Fault[]) {
  const table = `events-${nTables++}`;
  await dynamo.createTable(table, TABLES.events);
  const proxy: FaultProxy = await startFaultProxy(dynamo.endpoint, faults);
  open.push(proxy);
  const client = clientAt(dynamo.endpoint);
  return {
    table,
    client,
    proxy,
    direct: createDynamoEventLog(client, table, { deadlineMs: 20_000 }),
    faulty: (deadlineMs = 20_000) => createDynamoEventLog(clientAt(proxy.endpoint), table, { deadlineMs }),
  };
}

const event = (i: number): ListenerEvent => ({
  id: `id-${i}`,
  userId: '51',
  artistId: '289',
  type: 'play',
  at: AT + i,
  receivedAt: AT + 2_000,
  exposureId: null,
  plays: 1,
});
const events = (n: number): readonly ListenerEvent[] => Array.from({ length: n }, (_, i) => event(i));

const refusal: Fault = {
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: '{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no such table"}',
};
const failure: Fault = { status: 500, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: '{}' };

describe('the DynamoDB event log when writes go wrong', () => {
  it('finds its own write when the answer was lost, and says duplicate: it is stored', async () => {
    const { faulty, direct, proxy } = await world('lose-answer', 'pass');
    expect(await faulty().append([event(0)])).toEqual(['duplicate']);
    expect(proxy.nRequests()).toBe(2);
    expect(await direct.recent('51', 10)).toEqual([event(0)]);
  });

  it('rejects when one of many fails, and a repetition stores the rest once', async () => {
    const { faulty, direct } = await world(...Array.from({ length: 40 }, () => 'pass' as const), refusal);
    await expect(faulty().append(events(100))).rejects.toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
    );
    const stored = new Set((await direct.recent('51', 1_000)).map(({ id }) => id));
    expect(stored.size).toBeGreaterThanOrEqual(40);
    expect(stored.size).toBeLessThan(100);
    expect(await direct.append(events(100))).toEqual(
      events(100).map(({ id }) => (stored.has(id) ? 'duplicate' : 'stored')),
    );
    expect(await direct.recent('51', 1_000)).toHaveLength(100);
  });

  it('begins no further write after one has failed for good', async () => {
    const { faulty, proxy } = await world(refusal);
    await expect(faulty().append(events(500))).rejects.toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
    );
    // The 25 that were under way, no more.
    expect(proxy.nRequests()).toBeLessThanOrEqual(25);
  });

  it('gives up at its deadline, whatever the attempts would take', async () => {
    const { faulty } = await world('hang');
    await expect(faulty(200).append(events(3))).rejects.toThrow(
      expect.objectContaining({
        code: 'STORE_UNAVAILABLE',
        details: expect.objectContaining({ outcome: 'unknown' }),
      }),
    );
  });

  it('tries again what failed for a moment', async () => {
    const { faulty, direct } = await world(failure, 'pass');
    expect(await faulty().append([event(0)])).toEqual(['stored']);
    expect(await direct.recent('51', 10)).toEqual([event(0)]);
  });
});

describe('an item of the events table', () => {
  it('expires after the days that events are kept, counted from its receipt', () => {
    const item = eventItem(event(0));
    expect(item['expiresAt']).toEqual({ N: String((AT + 2_000) / 1000 + EVENTS_TTL_DAYS * 86_400) });
  });

  it('has the keys that the table and its index are documented to have', () => {
    expect(eventItem({ ...event(0), userId: 'ab', id: 'x' })).toMatchObject({
      userId: { S: 'ab' },
      atId: { S: '2026-11-24T12:00:00.000Z#x' },
      // fnv32a('ab') = 0x4d2505ca, as published with FNV (Landon Curt Noll's test vectors).
      dayShard: { S: `2026-11-24#${0x4d2505ca % 16}` },
    });
  });

  const good = eventItem(event(0));
  const without = (key: string) => Object.fromEntries(Object.entries(good).filter(([name]) => name !== key));
  it.each<[string, Record<string, AttributeValue>]>([
    ['has no artist', without('artistId')],
    ['has no time of receipt', without('receivedAt')],
    ['is of a type that there is not', { ...good, type: { S: 'buy' } }],
    ['has plays that are no count', { ...good, plays: { N: '1.5' } }],
    ['has plays of another type', { ...good, plays: { S: '3' } }],
    ['has an exposure that is no id', { ...good, exposureId: { N: '3' } }],
    ['has no time in its key', { ...good, atId: { S: 'yesterday#1' } }],
    ['has no id in its key', { ...good, atId: { S: '2026-11-24T12:00:00.000Z#' } }],
    ['has a time in its key that there is not', { ...good, atId: { S: '2026-11-31T12:00:00.000Z#1' } }],
  ])('that %s is left out, and named to who drains', async (_, poison) => {
    const { client, table, direct } = await world('pass');
    await direct.append([event(1)]);
    await client.send(new PutItemCommand({ TableName: table, Item: poison }));
    expect(await direct.recent('51', 10)).toEqual([event(1)]);
    const keys: string[] = [];
    const found: ListenerEvent[] = [];
    for await (const page of direct.ofDay(DAY, (key) => keys.push(key))) found.push(...page);
    expect(found).toEqual([event(1)]);
    expect(keys).toEqual([`51#${poison['atId']!.S}`]);
    // Erasure asks for no event, only for items.
    expect(await direct.erase('51')).toBe(2);
  });
});

describe('the events of a day that fill several pages', () => {
  it('are all found', async () => {
    const { direct } = await world('pass');
    // A page is one megabyte.
    const large = Array.from({ length: 600 }, (_, i) => ({ ...event(i), artistId: 'a'.repeat(2_000) }));
    await direct.append(large.slice(0, 300));
    await direct.append(large.slice(300));
    const ids = new Set<string>();
    let pages = 0;
    for await (const page of direct.ofDay(DAY)) {
      pages++;
      for (const { id } of page) ids.add(id);
    }
    expect(ids.size).toBe(600);
    expect(pages).toBeGreaterThan(1);
  });
});

describe('erasing when DynamoDB is busy', () => {
  it('sends again what came back unprocessed, later each time nothing was taken', async () => {
    const { table, client, proxy, direct } = await world(
      ...[25, 25, 10].map((left): Fault => ({
        status: 200,
        headers: { 'content-type': 'application/x-amz-json-1.0' },
        body: (asked) => {
          const { RequestItems }: { RequestItems: Record<string, readonly unknown[]> } = JSON.parse(asked);
          const [name, requests] = Object.entries(RequestItems)[0]!;
          return JSON.stringify({ UnprocessedItems: { [name]: requests.slice(-left) } });
        },
      })),
      'pass',
    );
    await direct.append(events(25));
    const { Items = [] } = await client.send(
      new ScanCommand({ TableName: table, ProjectionExpression: 'userId, atId' }),
    );
    const slept: number[] = [];
    await deleteItems(clientAt(proxy.endpoint), table, Items, {
      operation: 'erasing',
      deadlineMs: 20_000,
      sleep: (ms) => {
        slept.push(ms);
        return Promise.resolve();
      },
      random: () => 0.5,
    });
    expect(slept).toEqual([50, 100, 25]);
    // The proxy said of 15 that they were gone; only those that came back were really sent on.
    expect(await direct.recent('51', 100)).toHaveLength(15);
  });

  it('gives up on a table that takes nothing ten times in a row', async () => {
    const { table, proxy } = await world({
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: (asked) => JSON.stringify({ UnprocessedItems: JSON.parse(asked).RequestItems }),
    });
    await expect(
      deleteItems(clientAt(proxy.endpoint), table, [{ userId: { S: '1' }, atId: { S: '2' } }], {
        operation: 'erasing',
        deadlineMs: 20_000,
        sleep: () => Promise.resolve(),
      }),
    ).rejects.toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('none of 1') }),
    );
    expect(proxy.nRequests()).toBe(10);
  });
});
