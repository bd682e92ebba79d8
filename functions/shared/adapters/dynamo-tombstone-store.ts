import {
  ConditionalCheckFailedException,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import type { TombstoneStore } from '@encore/core/serve';
import { TABLES } from '../tables.ts';
import { callStore } from './store-call.ts';

const { partitionKey } = TABLES.tombstones;

/**
 * Who asked to be forgotten, one DynamoDB item `{ listenerHash, erasedAt }` each.
 *
 * @param options.deadlineMs - Milliseconds that a write, or one page of the list, may take, the SDK's retries included.
 */
export function createDynamoTombstoneStore(
  client: DynamoDBClient,
  tableName: string,
  options: { readonly deadlineMs: number },
): TombstoneStore {
  const { deadlineMs } = options;
  const call = (operation: string) => ({ store: `dynamodb table ${tableName}`, operation, deadlineMs });
  return {
    add: (listenerHash, erasedAt) =>
      callStore(call('writing a tombstone'), async ({ abortSignal }) => {
        try {
          await client.send(
            new UpdateItemCommand({
              TableName: tableName,
              Key: { [partitionKey]: { S: listenerHash } },
              UpdateExpression: 'SET #erasedAt = :erasedAt',
              ConditionExpression: 'attribute_not_exists(#erasedAt) OR #erasedAt < :erasedAt',
              ExpressionAttributeNames: { '#erasedAt': 'erasedAt' },
              ExpressionAttributeValues: { ':erasedAt': { N: String(erasedAt) } },
            }),
            { abortSignal },
          );
        } catch (error) {
          // There is one already, as late or later.
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
        }
      }),

    list: async () => {
      const tombstones = new Map<string, number>();
      let next: Record<string, AttributeValue> | undefined;
      do {
        const page = await callStore(call('reading tombstones'), ({ abortSignal }) =>
          client.send(
            new ScanCommand({
              TableName: tableName,
              // Whoever deletes has written the tombstone before, and counts on it.
              ConsistentRead: true,
              ...(next === undefined ? {} : { ExclusiveStartKey: next }),
            }),
            { abortSignal },
          ),
        );
        for (const item of page.Items ?? []) {
          const hash = item[partitionKey]?.S;
          if (hash !== undefined) tombstones.set(hash, Number(item['erasedAt']?.N));
        }
        next = page.LastEvaluatedKey;
      } while (next !== undefined);
      return tombstones;
    },
  };
}
