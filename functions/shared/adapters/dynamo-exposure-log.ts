import { PutItemCommand, type AttributeValue, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { fnv32a, type Exposure, type ExposureLog } from '@encore/core/serve';
import { DAY_SHARDS, EXPOSURES_TTL_DAYS, TABLES } from '../tables.ts';
import { callStore } from './store-call.ts';

const DAY_MS = 86_400_000;
const { partitionKey, sortKey, ttlAttribute } = TABLES.exposures;

/**
 * The log of what was served, in DynamoDB: one item of at most 1 KB per list.
 *
 * @param options.deadlineMs - Milliseconds that a write may take, the SDK's retries included.
 */
export function createDynamoExposureLog(
  client: DynamoDBClient,
  tableName: string,
  options: { readonly deadlineMs: number },
): ExposureLog {
  return {
    append: async (exposure) => {
      const { deadlineMs } = options;
      await callStore(
        { store: `dynamodb table ${tableName}`, operation: 'writing an exposure', deadlineMs },
        ({ abortSignal }) =>
          client.send(new PutItemCommand({ TableName: tableName, Item: exposureItem(exposure) }), {
            abortSignal,
          }),
      );
    },
  };
}

/** The partition of a listener's exposures of the UTC day that holds `atMs`. */
export function exposurePartition(userId: string, atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 10)}#${fnv32a(userId) % DAY_SHARDS}`;
}

/**
 * An exposure as DynamoDB keeps it; what is null or empty is left out.
 *
 * The listener and the exposure's id are in the sort key alone, and the artists are one string, joined by tabs (no
 * id of a tab-separated data set holds one): a list of strings would cost three bytes more for each.
 */
export function exposureItem(exposure: Exposure): Record<string, AttributeValue> {
  const item: Record<string, AttributeValue> = {
    [partitionKey]: { S: exposurePartition(exposure.userId, exposure.at) },
    [sortKey]: { S: `${exposure.userId}#${exposure.exposureId}` },
    [ttlAttribute]: { N: String(Math.ceil((exposure.at + EXPOSURES_TTL_DAYS * DAY_MS) / 1000)) },
    at: { N: String(exposure.at) },
    policy: { S: exposure.policy },
    propensity: { N: String(exposure.propensity) },
  };
  if (exposure.ranker !== null) item['ranker'] = { S: exposure.ranker };
  if (exposure.forced) item['forced'] = { BOOL: true };
  if (exposure.firstRank !== 1) item['firstRank'] = { N: String(exposure.firstRank) };
  if (exposure.teams !== null) item['teams'] = { S: exposure.teams };
  if (exposure.artistIds.length > 0) item['artistIds'] = { S: exposure.artistIds.join('\t') };
  if (exposure.featuresHash !== '') item['featuresHash'] = { S: exposure.featuresHash };
  if (exposure.modelVersion !== null) item['modelVersion'] = { S: exposure.modelVersion };
  if (exposure.experiment !== null) item['experiment'] = { S: exposure.experiment };
  if (exposure.revision !== null) item['revision'] = { N: String(exposure.revision) };
  if (exposure.variant !== null) item['variant'] = { S: exposure.variant };
  return item;
}
