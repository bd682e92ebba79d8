import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryEventLog } from '../../../functions/shared/adapters/memory-stores.ts';
import type { EventLog } from '../../../layers/core/src/ports.ts';
import { dynamoWorld, type DynamoWorld } from './dynamo-world.ts';
import { runEventLoad } from './event-load.ts';

const open: DynamoWorld[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe('events under crashes', () => {
  it.each([1, 2, 3])('are neither lost nor counted twice once acknowledged, schedule %d', async (seed) => {
    const result = await runEventLoad({
      seed,
      nEvents: 5_000,
      eventLog: createMemoryEventLog(),
      crashes: 0.2,
      concurrency: 3,
      drains: 8,
    });
    expect(result.violations).toEqual([]);
    // All of it did happen.
    expect(result.posted).toBe(5_000);
    expect(result.answered503).toBeGreaterThan(3);
    expect(result.refused / result.posted).toBeGreaterThan(0.03);
    expect(result.duplicates / result.posted).toBeGreaterThan(0.13);
    expect(result.drainsKilled).toBeGreaterThan(0);
    expect(result.acknowledged).toBeGreaterThan(3_000);
  });

  it('are neither lost nor counted twice over DynamoDB, whose answers get lost too', async () => {
    const world = await dynamoWorld({ seed: 5, faults: 0.05, requests: 2_000 });
    open.push(world);
    await world.client.send(
      new PutItemCommand({
        TableName: world.table,
        Item: {
          userId: { S: '1' },
          atId: { S: '2026-11-11T00:00:00.000Z#poison' },
          dayShard: { S: '2026-11-11#0' },
        },
      }),
    );
    const result = await runEventLoad({
      seed: 5,
      nEvents: 700,
      eventLog: world.eventLog,
      crashes: 0.1,
      concurrency: 2,
      drains: 2,
    });
    expect(result.violations).toEqual([]);
    expect(result.poisonedItems).toBe(1);
    expect(result.answered503).toBeGreaterThan(0);
    expect(world.faultsMet()).toBeGreaterThan(10);
  });
});

describe('the load itself', () => {
  const cheating: readonly [string, (log: EventLog) => EventLog, string][] = [
    [
      'a log that acknowledges and forgets',
      (log) => ({
        ...log,
        append: async (events) => {
          await log.append(events.slice(1));
          return events.map(() => 'stored');
        },
      }),
      'is lost',
    ],
    [
      'a log that keeps an event that came again',
      (log) => ({
        ...log,
        ofDay: async function* (day, onPoison) {
          for await (const page of log.ofDay(day, onPoison)) {
            yield page.flatMap((event, i) =>
              i % 50 === 0 ? [event, { ...event, id: `${event.id}-again` }] : [event],
            );
          }
        },
      }),
      'was never sent',
    ],
    [
      'a log that changes plays',
      (log) => ({
        ...log,
        append: (events) =>
          log.append(events.map((event, i) => (i === 7 ? { ...event, plays: 999 } : event))),
      }),
      'says',
    ],
  ];
  it.each(cheating)('finds out %s', async (_, cheat, finding) => {
    const { violations } = await runEventLoad({
      seed: 1,
      nEvents: 1_000,
      eventLog: cheat(createMemoryEventLog()),
      crashes: 0.1,
      concurrency: 1,
      drains: 3,
    });
    expect(violations.join('; ')).toContain(finding);
  });
});
