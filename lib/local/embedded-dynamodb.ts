import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceInUseException,
  type KeySchemaElement,
} from '@aws-sdk/client-dynamodb';
import { EncoreError } from '@encore/core/serve';
import type { TableDefinition } from '../../functions/shared/tables.ts';
import type { DynaliteReady, DynaliteWorkerData } from './dynalite-worker.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from './local-credentials.ts';

/** A DynamoDB that runs inside this process, on a thread of its own. */
export interface EmbeddedDynamoDb {
  readonly endpoint: string;
  /** Creates a table unless it is there already. */
  createTable(name: string, definition: TableDefinition): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts dynalite on a free loopback port and on a thread: what it takes for parsing and storing would otherwise be taken from the
 * HTTP server, the handlers and a training that share this one.
 *
 * It knows no time to live: items outlive their `ttlAttribute` here.
 *
 * @param folder - Where its tables survive a restart; `null` keeps them in memory.
 * @throws EncoreError `STORE_UNAVAILABLE` when another process has the folder open or it cannot be written.
 */
export async function startEmbeddedDynamoDb(folder: string | null): Promise<EmbeddedDynamoDb> {
  if (folder !== null) await assertUnlocked(folder);
  const { worker, port, ended } = await startThread({ folder });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new DynamoDBClient({ endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS });
  return {
    endpoint,
    createTable: async (name, { partitionKey, sortKey, index }) => {
      const keys = sortKey === null ? [partitionKey] : [partitionKey, sortKey];
      const indexKeys = index === undefined ? [] : [index.partitionKey, index.sortKey];
      try {
        await client.send(
          new CreateTableCommand({
            TableName: name,
            BillingMode: 'PAY_PER_REQUEST',
            AttributeDefinitions: [...new Set([...keys, ...indexKeys])].map((key) => ({
              AttributeName: key,
              AttributeType: 'S',
            })),
            KeySchema: keySchema(keys),
            ...(index === undefined
              ? {}
              : {
                  GlobalSecondaryIndexes: [
                    {
                      IndexName: index.name,
                      KeySchema: keySchema(indexKeys),
                      Projection: { ProjectionType: 'ALL' },
                    },
                  ],
                }),
          }),
        );
      } catch (error) {
        if (!(error instanceof ResourceInUseException)) throw error;
      }
      // Created is not yet usable.
      for (;;) {
        const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
        if (Table?.TableStatus === 'ACTIVE') return;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    close: async () => {
      client.destroy();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
      worker.postMessage('close');
      await ended;
    },
  };
}

interface Thread extends DynaliteReady {
  readonly worker: Worker;
  readonly ended: Promise<void>;
}

/** A thread that dies later, with nobody listening to its `error`, takes this process with it, as dynalite did without one. */
function startThread(workerData: DynaliteWorkerData): Promise<Thread> {
  const worker = new Worker(new URL('dynalite-worker.ts', import.meta.url), {
    workerData,
    // Flags of this process, such as --eval, are not meant for it.
    execArgv: [],
  });
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  return new Promise((resolve, reject) => {
    const end = (code: number): void => {
      reject(new Error(`the thread of the embedded DynamoDB ended with code ${code} before it was ready`));
    };
    worker.once('error', reject).once('exit', end);
    worker.once('message', ({ port }: DynaliteReady) => {
      worker.off('error', reject).off('exit', end);
      resolve({ worker, port, ended });
    });
  });
}

function keySchema(keys: readonly string[]): KeySchemaElement[] {
  return keys.map((key, i) => ({ AttributeName: key, KeyType: i === 0 ? 'HASH' : 'RANGE' }));
}

/** What is used of LevelDB, dynalite's own dependency. */
interface LevelModule {
  readonly Level: new (folder: string) => { open(): Promise<void>; close(): Promise<void> };
}

/** dynalite opens its LevelDB without looking at the result; a second process would die of it later. */
async function assertUnlocked(folder: string): Promise<void> {
  const ownRequire = createRequire(createRequire(import.meta.url).resolve('dynalite'));
  const { Level }: LevelModule = ownRequire('level');
  try {
    mkdirSync(folder, { recursive: true });
    const database = new Level(folder);
    await database.open();
    await database.close();
  } catch (error) {
    throw new EncoreError(
      'STORE_UNAVAILABLE',
      `${folder} cannot be opened: ${isLocked(error) ? 'another process is using it' : reasonOf(error)}`,
      { folder },
      { cause: error },
    );
  }
}

/** LevelDB says why it did not open in the cause of its error. */
function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
