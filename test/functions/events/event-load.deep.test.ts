import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { createMemoryEventLog } from '../../../functions/shared/adapters/memory-stores.ts';
import { dynamoWorld } from './dynamo-world.ts';
import { runEventLoad, type LoadResult } from './event-load.ts';

function report(what: string, startedAt: number, result: LoadResult): void {
  const { violations: _, ...figures } = result;
  console.info(`${what}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`, figures);
}

it('loses and doubles none of 100,000 events of which a fifth comes twice and one in twenty is broken', async () => {
  const startedAt = performance.now();
  const result = await runEventLoad({
    seed: 20261124,
    nEvents: 100_000,
    eventLog: createMemoryEventLog(),
    crashes: 0.2,
    concurrency: 4,
    drains: 8,
  });
  report('100,000 events over a log in memory', startedAt, result);
  expect(result.violations).toEqual([]);
  expect(result.posted).toBe(100_000);
  expect(result.duplicates).toBeGreaterThan(18_000);
  expect(result.refused).toBeGreaterThan(4_500);
  expect(result.drainsKilled).toBeGreaterThan(2);
});

it('loses and doubles none of 5,000 events over DynamoDB, past 250 items that cannot be read', async () => {
  const startedAt = performance.now();
  const world = await dynamoWorld({ seed: 20261124, faults: 0.05, requests: 20_000 });
  try {
    for (let i = 0; i < 250; i++) {
      const day = `2026-11-${String(10 + (i % 10))}`;
      await world.client.send(
        new PutItemCommand({
          TableName: world.table,
          Item: {
            userId: { S: String(i) },
            atId: { S: i % 2 === 0 ? `${day}T00:00:00.000Z#poison` : 'poison' },
            dayShard: { S: `${day}#${i % 16}` },
            ...(i % 3 === 0 ? { type: { S: 'play' }, plays: { S: 'many' } } : {}),
          },
        }),
      );
    }
    const result = await runEventLoad({
      seed: 20261124,
      nEvents: 5_000,
      eventLog: world.eventLog,
      crashes: 0.2,
      concurrency: 4,
      drains: 8,
    });
    report('5,000 events over DynamoDB', startedAt, result);
    expect(result.violations).toEqual([]);
    expect(result.poisonedItems).toBe(250);
    expect(world.faultsMet()).toBeGreaterThan(200);
  } finally {
    await world.close();
  }
});
