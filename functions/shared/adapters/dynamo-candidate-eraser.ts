import {
  BatchWriteItemCommand,
  QueryCommand,
  type AttributeValue,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { EncoreError, type CandidateEraser } from '@encore/core/serve';
import { TABLES } from '../tables.ts';
import { callStore } from './store-call.ts';

/** DynamoDB takes no more per BatchWriteItem. */
const BATCH_SIZE = 25;
/** Times in a row that DynamoDB may take nothing of a batch before that counts as an outage. */
const FRUITLESS_ATTEMPTS = 5;
const FIRST_BACKOFF_MS = 50;

const { partitionKey, sortKey } = TABLES.candidates;

/**
 * Forgets a listener's candidates in DynamoDB: one query for the versions, batches of deletions.
 *
 * @param options.deadlineMs - Milliseconds that one call may take, the SDK's retries included.
 */
export function createDynamoCandidateEraser(
  client: DynamoDBClient,
  tableName: string,
  options: { readonly deadlineMs: number; readonly sleep?: (ms: number) => Promise<void> },
): CandidateEraser {
  const { deadlineMs, sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) } = options;
  const store = `dynamodb table ${tableName}`;
  const call = (operation: string) => ({ store, operation, deadlineMs });

  async function deleteBatch(requests: readonly WriteRequest[]): Promise<void> {
    let left = requests;
    for (let fruitless = 0; fruitless < FRUITLESS_ATTEMPTS;) {
      const sent: WriteRequest[] = [...left];
      const { UnprocessedItems } = await callStore(call('deleting candidates'), ({ abortSignal }) =>
        client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: sent } }), { abortSignal }),
      );
      left = UnprocessedItems?.[tableName] ?? [];
      if (left.length === 0) return;
      fruitless = left.length < sent.length ? 0 : fruitless + 1;
      await sleep(FIRST_BACKOFF_MS * 2 ** fruitless);
    }
    throw new EncoreError(
      'STORE_UNAVAILABLE',
      `${store} deleted none of ${left.length} candidate records in ${FRUITLESS_ATTEMPTS} attempts`,
      { store, operation: 'deleting candidates', outcome: 'refused' },
    );
  }

  return {
    erase: async (userId) => {
      let erased = 0;
      let next: Record<string, AttributeValue> | undefined;
      do {
        const page = await callStore(call('listing candidates'), ({ abortSignal }) =>
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
        const requests = (page.Items ?? []).map((Key): WriteRequest => ({ DeleteRequest: { Key } }));
        for (let start = 0; start < requests.length; start += BATCH_SIZE) {
          await deleteBatch(requests.slice(start, start + BATCH_SIZE));
        }
        erased += requests.length;
        next = page.LastEvaluatedKey;
      } while (next !== undefined);
      return erased;
    },
  };
}
