import {
  BatchWriteItemCommand,
  GetItemCommand,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { EncoreError, isEncoreError, type CandidateEntry, type CandidateStore } from '@encore/core/serve';
import { TABLES } from '../tables.ts';
import { callStore } from './store-call.ts';

/** DynamoDB takes no more per BatchWriteItem. */
const BATCH_SIZE = 25;
/** Batches in flight: enough to hide the latency, few enough not to be throttled on a cold on-demand table. */
const CONCURRENCY = 8;
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 5_000;
/** Times in a row that DynamoDB may take nothing of a batch before that counts as an outage. */
const FRUITLESS_ATTEMPTS = 10;

/** What DynamoDB says where it takes nothing of a batch, once the SDK's own attempts are used up. */
const THROTTLED: ReadonlySet<unknown> = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
]);

const { partitionKey, sortKey, ttlAttribute } = TABLES.candidates;

/** What time is and how to wait, so that tests need neither. */
export interface Waiting {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Uniform in [0, 1): spreads the retries of writers that were throttled together. */
  readonly random: () => number;
}

const realWaiting: Waiting = {
  now: Date.now,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};

/**
 * Each listener's candidates in DynamoDB, one binary attribute per listener and model version.
 *
 * @param options.deadlineMs - Milliseconds that one call may take, the SDK's retries included.
 * @param options.consistentRead - Whether a read sees every write before it, at twice the price.
 * @default false: a reader may trail a writer by a moment, which a pointer that moves last hides.
 */
export function createDynamoCandidateStore(
  client: DynamoDBClient,
  tableName: string,
  options: { readonly deadlineMs: number; readonly consistentRead?: boolean; readonly waiting?: Waiting },
): CandidateStore {
  const { now, sleep, random } = options.waiting ?? realWaiting;
  const call = (operation: string) => ({
    store: `dynamodb table ${tableName}`,
    operation,
    deadlineMs: options.deadlineMs,
  });

  /** @returns What DynamoDB left undone: all of it where it refused the batch because it is busy. */
  async function sendBatch(sent: WriteRequest[]): Promise<readonly WriteRequest[]> {
    try {
      const { UnprocessedItems } = await callStore(call('writing candidates'), ({ abortSignal }) =>
        client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: sent } }), { abortSignal }),
      );
      return UnprocessedItems?.[tableName] ?? [];
    } catch (error) {
      if (isEncoreError(error) && THROTTLED.has(error.details['error'])) return sent;
      throw error;
    }
  }

  /** Writes one batch whole; `false` when the deadline came first. */
  async function writeBatch(requests: readonly WriteRequest[], deadlineMs: number): Promise<boolean> {
    let left: readonly WriteRequest[] = requests;
    let fruitless = 0;
    for (;;) {
      const sent: WriteRequest[] = [...left];
      left = await sendBatch(sent);
      if (left.length === 0) return true;
      fruitless = left.length < sent.length ? 0 : fruitless + 1;
      if (fruitless === FRUITLESS_ATTEMPTS) {
        throw new EncoreError(
          'STORE_UNAVAILABLE',
          `dynamodb table ${tableName} took none of ${left.length} candidate records in ${FRUITLESS_ATTEMPTS} attempts`,
          { store: `dynamodb table ${tableName}`, operation: 'writing candidates', outcome: 'refused' },
        );
      }
      const wait = random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** fruitless);
      if (now() + wait >= deadlineMs) return false;
      await sleep(wait);
    }
  }

  return {
    write: async (modelVersion, records, { expiresAtMs, deadlineMs = Infinity, onWritten }) => {
      const expiresAt = String(Math.ceil(expiresAtMs / 1000));
      const request = ({ userId, record }: CandidateEntry): WriteRequest => ({
        PutRequest: {
          Item: {
            [partitionKey]: { S: userId },
            [sortKey]: { S: modelVersion },
            record: { B: record },
            [ttlAttribute]: { N: expiresAt },
          },
        },
      });
      const nBatches = Math.ceil(records.length / BATCH_SIZE);
      const written = new Uint8Array(nBatches);
      let next = 0;
      let stopped = false;
      const worker = async (): Promise<void> => {
        while (next < nBatches && !stopped && now() < deadlineMs) {
          const batch = next++;
          const slice = records.slice(batch * BATCH_SIZE, (batch + 1) * BATCH_SIZE);
          try {
            if (!(await writeBatch(slice.map(request), deadlineMs))) return;
          } catch (error) {
            stopped = true;
            throw error;
          }
          written[batch] = 1;
          onWritten?.(slice.length);
        }
      };
      // Settled, not raced: no write may still be under way when the caller hears of a failure.
      const outcomes = await Promise.allSettled(
        Array.from({ length: Math.min(CONCURRENCY, nBatches) }, worker),
      );
      const failure = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
      const firstMissing = written.indexOf(0);
      return firstMissing === -1 ? records.length : firstMissing * BATCH_SIZE;
    },

    read: async (userId, modelVersion) => {
      const { Item } = await callStore(call('reading candidates'), ({ abortSignal }) =>
        client.send(
          new GetItemCommand({
            TableName: tableName,
            Key: { [partitionKey]: { S: userId }, [sortKey]: { S: modelVersion } },
            ProjectionExpression: '#record',
            ExpressionAttributeNames: { '#record': 'record' },
            ConsistentRead: options.consistentRead ?? false,
          }),
          { abortSignal },
        ),
      );
      return Item?.['record']?.B;
    },
  };
}
