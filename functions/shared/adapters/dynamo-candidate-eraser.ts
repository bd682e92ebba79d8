import { QueryCommand, type AttributeValue, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { CandidateEraser } from '@encore/core/serve';
import { TABLES } from '../tables.ts';
import { deleteItems } from './delete-items.ts';
import { callStore } from './store-call.ts';

const { partitionKey, sortKey } = TABLES.candidates;

/**
 * Forgets a listener's candidates in DynamoDB: one query for the versions, batches of deletions.
 *
 * @param options.deadlineMs - Milliseconds that one call may take, the SDK's retries included.
 */
export function createDynamoCandidateEraser(
  client: DynamoDBClient,
  tableName: string,
  options: { readonly deadlineMs: number },
): CandidateEraser {
  const { deadlineMs } = options;
  const call = { store: `dynamodb table ${tableName}`, operation: 'listing candidates', deadlineMs };
  return {
    erase: async (userId) => {
      let erased = 0;
      let next: Record<string, AttributeValue> | undefined;
      do {
        const page = await callStore(call, ({ abortSignal }) =>
          client.send(
            new QueryCommand({
              TableName: tableName,
              KeyConditionExpression: '#userId = :userId',
              ExpressionAttributeNames: { '#userId': partitionKey, '#version': sortKey },
              ExpressionAttributeValues: { ':userId': { S: userId } },
              ProjectionExpression: '#userId, #version',
              ConsistentRead: true,
              ...(next === undefined ? {} : { ExclusiveStartKey: next }),
            }),
            { abortSignal },
          ),
        );
        const keys = page.Items ?? [];
        await deleteItems(client, tableName, keys, { operation: 'deleting candidates', deadlineMs });
        erased += keys.length;
        next = page.LastEvaluatedKey;
      } while (next !== undefined);
      return erased;
    },
  };
}
