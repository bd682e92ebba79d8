import {
  BatchWriteItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { EncoreError } from '@encore/core/serve';
import { callStore } from './store-call.ts';

/** DynamoDB takes no more per BatchWriteItem. */
const BATCH_SIZE = 25;
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 2_000;
/** Times in a row that DynamoDB may take nothing of a batch before that counts as an outage. */
const FRUITLESS_ATTEMPTS = 10;

/** How long one call may take, and how to wait between two; tests need no time. */
export interface DeleteOptions {
  readonly operation: string;
  readonly deadlineMs: number;
  /** @default the clock */
  readonly sleep?: (ms: number) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/**
 * Deletes items by their keys, batch after batch; what comes back unprocessed is sent again, later each time nothing was taken.
 * Safe to repeat.
 *
 * @throws {@link EncoreError} `STORE_UNAVAILABLE`; some of the items may be gone then.
 */
export async function deleteItems(
  client: DynamoDBClient,
  tableName: string,
  keys: readonly Record<string, AttributeValue>[],
  options: DeleteOptions,
): Promise<void> {
  const { operation, deadlineMs, random = Math.random } = options;
  const sleep = options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  const store = `dynamodb table ${tableName}`;
  for (let start = 0; start < keys.length; start += BATCH_SIZE) {
    let left: WriteRequest[] = keys
      .slice(start, start + BATCH_SIZE)
      .map((Key) => ({ DeleteRequest: { Key } }));
    for (let fruitless = 0; ;) {
      const sent = left;
      const { UnprocessedItems } = await callStore({ store, operation, deadlineMs }, ({ abortSignal }) =>
        client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: sent } }), { abortSignal }),
      );
      left = UnprocessedItems?.[tableName] ?? [];
      if (left.length === 0) break;
      fruitless = left.length < sent.length ? 0 : fruitless + 1;
      if (fruitless === FRUITLESS_ATTEMPTS) {
        throw new EncoreError(
          'STORE_UNAVAILABLE',
          `${operation}: ${store} took none of ${left.length} deletions in ${FRUITLESS_ATTEMPTS} attempts`,
          { store, operation, outcome: 'refused' },
        );
      }
      await sleep(random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** fruitless));
    }
  }
}
