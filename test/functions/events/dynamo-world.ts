import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoClient, EVENT_LIMITS } from '../../../functions/shared/adapters/clients.ts';
import { createDynamoEventLog } from '../../../functions/shared/adapters/dynamo-event-log.ts';
import { awsEnvironment, parseEnv } from '../../../functions/shared/parse-env.ts';
import { TABLES } from '../../../functions/shared/tables.ts';
import type { EventLog } from '../../../layers/core/src/ports.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import { startEmbeddedDynamoDb } from '../../../lib/local/embedded-dynamodb.ts';
import { startFaultProxy, type Fault } from '../shared/adapters/fault-proxy.ts';

/** An events table in an embedded DynamoDB, written to through a proxy that loses and refuses requests. */
export interface DynamoWorld {
  /** Writes meet the faults, readings do not. */
  readonly eventLog: EventLog;
  /** Past the faults. */
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly faultsMet: () => number;
  close(): Promise<void>;
}

/**
 * @param options.faults - Share of the writes that go wrong; each in a row of `requests`, none after it.
 */
export async function dynamoWorld(options: {
  readonly seed: number;
  readonly faults: number;
  readonly requests: number;
}): Promise<DynamoWorld> {
  const dynamo = await startEmbeddedDynamoDb(null);
  const table = 'events';
  await dynamo.createTable(table, TABLES.events);
  const rng = createRng(options.seed);
  const json = { 'content-type': 'application/x-amz-json-1.0' };
  const failed: Fault = { status: 500, headers: json, body: '{}' };
  // Not tried again by the SDK: the whole request fails. Rare, or no request of 500 events would ever get through.
  const refused: Fault = {
    status: 400,
    headers: json,
    body: '{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}',
  };
  const faults = Array.from({ length: options.requests }, (): Fault => {
    if (rng.next() >= options.faults) return 'pass';
    if (rng.next() < 0.04) return refused;
    return rng.next() < 0.5 ? 'lose-answer' : failed;
  });
  const proxy = await startFaultProxy(dynamo.endpoint, [...faults, 'pass']);
  const [client, faulty] = [clientAt(dynamo.endpoint), clientAt(proxy.endpoint)];
  const writing = createDynamoEventLog(faulty, table, { deadlineMs: 5_000 });
  return {
    eventLog: {
      ...createDynamoEventLog(client, table, { deadlineMs: 30_000 }),
      append: (events) => writing.append(events),
    },
    client,
    table,
    faultsMet: () => faults.slice(0, proxy.nRequests()).filter((fault) => fault !== 'pass').length,
    close: async () => {
      client.destroy();
      faulty.destroy();
      await proxy.close();
      await dynamo.close();
    },
  };
}

function clientAt(endpoint: string): DynamoDBClient {
  const environment = parseEnv(awsEnvironment, {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
  return createDynamoClient(environment, EVENT_LIMITS);
}
