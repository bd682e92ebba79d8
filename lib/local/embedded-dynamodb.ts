import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceInUseException,
  type KeySchemaElement,
} from '@aws-sdk/client-dynamodb';
import { EncoreError } from '@encore/core/serve';
import dynalite from 'dynalite';
import type { TableDefinition } from '../../functions/shared/tables.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from './local-credentials.ts';
import { closeServer, listenOnLoopback } from './loopback.ts';

/** A DynamoDB that runs inside this process. */
export interface EmbeddedDynamoDb {
  readonly endpoint: string;
  /** Creates a table unless it is there already. */
  createTable(name: string, definition: TableDefinition): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts dynalite on a free loopback port.
 *
 * It knows no time to live: items outlive their `ttlAttribute` here.
 *
 * @param folder - Where its tables survive a restart; `null` keeps them in memory.
 * @throws EncoreError `STORE_UNAVAILABLE` when another process has the folder open or it cannot be written.
 */
export async function startEmbeddedDynamoDb(folder: string | null): Promise<EmbeddedDynamoDb> {
  if (folder !== null) await assertUnlocked(folder);
  const server = dynalite({ createTableMs: 0, ...(folder === null ? {} : { path: folder }) });
  // dynalite rethrows the error of a client that hangs up in mid-request, which would end this process.
  server.on('request', (request) => {
    request.removeAllListeners('error');
    request.on('error', () => undefined);
  });
  const endpoint = `http://127.0.0.1:${await listenOnLoopback(server, 0)}`;
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
      await closeServer(server, 1_000);
    },
  };
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
