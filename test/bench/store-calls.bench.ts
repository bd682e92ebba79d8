import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import {
  createDynamoClient,
  createServingDynamoClient,
  SERVING_LIMITS,
} from '../../functions/shared/adapters/clients.ts';
import { awsEnvironment, parseEnv } from '../../functions/shared/parse-env.ts';
import { TABLES } from '../../functions/shared/tables.ts';
import { startLocalStack } from '../../lib/local/local-stack.ts';

const WARM_UP = 2_000;
const CALLS = 1_000;
const ROUNDS = 7;

/** What reading a record of 4 KB costs the calling thread, for the client that serves and for a plain one. */
export async function run(): Promise<void> {
  const stack = await startLocalStack({ stateDir: null });
  const environment = parseEnv(awsEnvironment, stack.env);
  const TableName = stack.env[TABLES.candidates.variable]!;
  const Key = { userId: { S: 'a' }, modelVersion: { S: 'v' } };
  const clients: Readonly<Record<string, DynamoDBClient>> = {
    plain: createDynamoClient(environment, SERVING_LIMITS),
    serving: createServingDynamoClient(environment),
  };
  for (const [name, client] of Object.entries(clients)) {
    await client.send(
      new PutItemCommand({ TableName, Item: { ...Key, record: { B: new Uint8Array(4_000) } } }),
    );
    const read = async (n: number): Promise<void> => {
      for (let i = 0; i < n; i++) {
        const { signal } = new AbortController();
        await client.send(new GetItemCommand({ TableName, Key }), { abortSignal: signal });
      }
    };
    await read(WARM_UP);
    const microseconds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.threadCpuUsage();
      await read(CALLS);
      const { user, system } = process.threadCpuUsage(before);
      microseconds.push((user + system) / CALLS);
    }
    const sorted = microseconds.toSorted((a, b) => a - b);
    console.log(
      `  ${name}: median ${sorted[ROUNDS >> 1]!.toFixed(0)} µs of CPU time per GetItem [${sorted[0]!.toFixed(0)}, ${sorted.at(-1)!.toFixed(0)}], ${ROUNDS} × ${CALLS} calls`,
    );
  }
  await stack.close();
}
