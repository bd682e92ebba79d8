import {
  PutItemCommand,
  QueryCommand,
  type AttributeValue,
  type DynamoDBClient,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { fnv32a, utcDay, type Exposure, type ExposureArchive, type ExposureLog } from '@encore/core/serve';
import { DAY_SHARDS, EXPOSURES_TTL_DAYS, TABLES } from '../tables.ts';
import { deleteItems } from './delete-items.ts';
import { exposureOf } from './exposure-of.ts';
import { inParallel } from '../in-parallel.ts';
import { callStore } from './store-call.ts';

const DAY_MS = 86_400_000;
/** Days searched at once for a listener's exposures: 91 take a dozen rounds. */
const DAYS_AT_ONCE = 8;
const { partitionKey, sortKey, ttlAttribute } = TABLES.exposures;

type Item = Record<string, AttributeValue>;

/** How patient the log is, and what it reports. */
export interface DynamoExposureLogOptions {
  /** Milliseconds that one call may take, the SDK's retries included: a write, a page of a day, a step of an erasure. */
  readonly deadlineMs: number;
  /** Told of the partition (`2026-11-24#7`) of every item that could not be read as an exposure; such are left out. */
  readonly onPoison?: (dayShard: string) => void;
}

/** The log of what was served, in DynamoDB: one item of at most 1 KB per list. */
export function createDynamoExposureLog(
  client: DynamoDBClient,
  tableName: string,
  options: DynamoExposureLogOptions,
): ExposureLog & ExposureArchive {
  const { deadlineMs, onPoison } = options;
  const call = (operation: string) => ({ store: `dynamodb table ${tableName}`, operation, deadlineMs });
  const query = (operation: string, input: Omit<QueryCommandInput, 'TableName'>) =>
    callStore(call(operation), ({ abortSignal }) =>
      client.send(new QueryCommand({ TableName: tableName, ...input }), { abortSignal }),
    );

  /** Forgets a listener's exposures of one partition. */
  async function eraseFrom(dayShard: string, userId: string): Promise<number> {
    let erased = 0;
    let from: Item | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await query('finding the exposures of a listener', {
        KeyConditionExpression: '#dayShard = :dayShard AND begins_with(#key, :prefix)',
        ExpressionAttributeNames: { '#dayShard': partitionKey, '#key': sortKey },
        ExpressionAttributeValues: { ':dayShard': { S: dayShard }, ':prefix': { S: `${userId}#` } },
        ProjectionExpression: '#dayShard, #key',
        ConsistentRead: true,
        ...(from === undefined ? {} : { ExclusiveStartKey: from }),
      });
      // The prefix of listener 5 is one of listener 5#1 too.
      const own = Items.filter((item) => splitKey(item).userId === userId);
      await deleteItems(client, tableName, own, {
        operation: 'erasing the exposures of a listener',
        deadlineMs,
      });
      erased += own.length;
      from = LastEvaluatedKey;
    } while (from !== undefined);
    return erased;
  }

  return {
    append: async (exposure) => {
      await callStore(call('writing an exposure'), ({ abortSignal }) =>
        client.send(new PutItemCommand({ TableName: tableName, Item: exposureItem(exposure) }), {
          abortSignal,
        }),
      );
    },

    ofDay: async function* (day) {
      let open = Array.from({ length: DAY_SHARDS }, (_, shard) => ({
        dayShard: `${day}#${shard}`,
        from: undefined as Item | undefined,
      }));
      while (open.length > 0) {
        const pages = await Promise.all(
          open.map(({ dayShard, from }) =>
            query('reading the exposures of a day', {
              KeyConditionExpression: '#dayShard = :dayShard',
              ExpressionAttributeNames: { '#dayShard': partitionKey },
              ExpressionAttributeValues: { ':dayShard': { S: dayShard } },
              ...(from === undefined ? {} : { ExclusiveStartKey: from }),
            }),
          ),
        );
        const left: typeof open = [];
        for (const [i, { dayShard }] of open.entries()) {
          const { Items = [], LastEvaluatedKey } = pages[i]!;
          const exposures: Exposure[] = [];
          for (const item of Items) {
            const exposure = readExposureItem(item);
            if (exposure !== undefined) exposures.push(exposure);
            else onPoison?.(dayShard);
          }
          if (exposures.length > 0) yield exposures;
          if (LastEvaluatedKey !== undefined) left.push({ dayShard, from: LastEvaluatedKey });
        }
        open = left;
      }
    },

    erase: async (userId, days) => {
      let erased = 0;
      await inParallel(days.length, DAYS_AT_ONCE, async (i) => {
        // Two steps: `+= await` would forget what others counted meanwhile.
        const count = await eraseFrom(`${days[i]!}#${shardOf(userId)}`, userId);
        erased += count;
      });
      return erased;
    },
  };
}

const shardOf = (userId: string): number => fnv32a(userId) % DAY_SHARDS;

/** The partition of a listener's exposures of the UTC day that holds `atMs`. */
export function exposurePartition(userId: string, atMs: number): string {
  return `${utcDay(atMs)}#${shardOf(userId)}`;
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

/** An item as an exposure, `undefined` where it is none. */
function readExposureItem(item: Readonly<Item>): Exposure | undefined {
  const { artistIds } = item;
  return exposureOf({
    ...splitKey(item),
    at: Number(item['at']?.N),
    policy: item['policy']?.S,
    propensity: Number(item['propensity']?.N),
    ...text(item, 'modelVersion'),
    ...text(item, 'experiment'),
    ...text(item, 'variant'),
    ...text(item, 'ranker'),
    ...text(item, 'teams'),
    ...text(item, 'featuresHash'),
    ...number(item, 'revision'),
    ...number(item, 'firstRank'),
    ...(item['forced'] === undefined ? {} : { forced: item['forced'].BOOL ?? NaN }),
    ...(artistIds === undefined ? {} : { artistIds: artistIds.S?.split('\t') ?? NaN }),
  });
}

/** The two ids of a sort key: those of listeners may hold a `#`, those of exposures never do. */
function splitKey(item: Readonly<Item>): { readonly userId: string; readonly exposureId: string } {
  const key = item[sortKey]?.S ?? '';
  const at = key.lastIndexOf('#');
  return at === -1
    ? { userId: '', exposureId: '' }
    : { userId: key.slice(0, at), exposureId: key.slice(at + 1) };
}

/** What is there but of another type must not read like what is not there: it becomes NaN, which no field may be. */
function text(item: Readonly<Item>, name: string): Readonly<Record<string, unknown>> {
  return item[name] === undefined ? {} : { [name]: item[name].S ?? NaN };
}

function number(item: Readonly<Item>, name: string): Readonly<Record<string, unknown>> {
  return item[name] === undefined ? {} : { [name]: Number(item[name].N ?? NaN) };
}
