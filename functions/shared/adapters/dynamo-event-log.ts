import {
  PutItemCommand,
  QueryCommand,
  type AttributeValue,
  type DynamoDBClient,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import {
  eventOf,
  firstReceived,
  fnv32a,
  utcDay,
  type EventLog,
  type ListenerEvent,
} from '@encore/core/serve';
import { DAY_SHARDS, EVENTS_TTL_DAYS, TABLES } from '../tables.ts';
import { deleteItems } from './delete-items.ts';
import { inParallel } from '../in-parallel.ts';
import { callStore, describeSdkError } from './store-call.ts';

const DAY_MS = 86_400_000;
/** Writes in flight: 500 events take some 20 rounds, and no more connections than the client has. */
const CONCURRENCY = 25;
const { partitionKey, sortKey, ttlAttribute, index } = TABLES.events;
/** ISO 8601 in milliseconds and UTC, of the years 0 to 9999. */
const TIME_LENGTH = 24;

/**
 * What listeners did, in DynamoDB: one item per event, written only where there is none of the same listener, time and id.
 *
 * A write that the SDK sent again after a lost answer finds its own item: it counts as a duplicate, which it is for whoever
 * reads. The same id with another time makes a second item; {@link firstReceived} leaves out all but the first of those that a
 * reading has found (`recent` may have found only the second, where more than its limit came between).
 *
 * @param options.deadlineMs - Milliseconds that one call of the port's `append` and `recent` may take, retries included; of a page
 *   of `ofDay` and of each step of `erase`.
 */
export function createDynamoEventLog(
  client: DynamoDBClient,
  tableName: string,
  options: { readonly deadlineMs: number },
): EventLog {
  const call = (operation: string) => ({
    store: `dynamodb table ${tableName}`,
    operation,
    deadlineMs: options.deadlineMs,
  });
  const query = (operation: string, input: Omit<QueryCommandInput, 'TableName'>) =>
    callStore(call(operation), ({ abortSignal }) =>
      client.send(new QueryCommand({ TableName: tableName, ...input }), { abortSignal }),
    );

  /** @returns Whether it was new. */
  async function put(event: ListenerEvent, abortSignal: AbortSignal): Promise<boolean> {
    try {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: eventItem(event),
          ConditionExpression: 'attribute_not_exists(#key)',
          ExpressionAttributeNames: { '#key': partitionKey },
        }),
        { abortSignal },
      );
      return true;
    } catch (error) {
      if (describeSdkError(error).name === 'ConditionalCheckFailedException') return false;
      throw error;
    }
  }

  return {
    append: (events) =>
      callStore(call('writing events'), async ({ abortSignal }) => {
        const outcomes: ('stored' | 'duplicate')[] = [];
        await inParallel(events.length, CONCURRENCY, async (i) => {
          outcomes[i] = (await put(events[i]!, abortSignal)) ? 'stored' : 'duplicate';
        });
        return outcomes;
      }),

    recent: async (userId, limit) => {
      const { Items } = await query('reading recent events', {
        KeyConditionExpression: '#user = :user',
        ExpressionAttributeNames: { '#user': partitionKey },
        ExpressionAttributeValues: { ':user': { S: userId } },
        ScanIndexForward: false,
        Limit: limit,
        ConsistentRead: true,
      });
      return newestFirst(readable(Items ?? []));
    },

    ofDay: async function* (day, onPoison) {
      let open = Array.from({ length: DAY_SHARDS }, (_, shard) => ({
        shard,
        from: undefined as Record<string, AttributeValue> | undefined,
      }));
      while (open.length > 0) {
        const pages = await Promise.all(
          open.map(({ shard, from }) =>
            query('reading the events of a day', {
              IndexName: index.name,
              KeyConditionExpression: '#dayShard = :dayShard',
              ExpressionAttributeNames: { '#dayShard': index.partitionKey },
              ExpressionAttributeValues: { ':dayShard': { S: `${day}#${shard}` } },
              ...(from === undefined ? {} : { ExclusiveStartKey: from }),
            }),
          ),
        );
        const left: typeof open = [];
        for (let i = 0; i < open.length; i++) {
          const { Items = [], LastEvaluatedKey } = pages[i]!;
          const events = readable(Items, onPoison);
          if (events.length > 0) yield events;
          if (LastEvaluatedKey !== undefined) left.push({ shard: open[i]!.shard, from: LastEvaluatedKey });
        }
        open = left;
      }
    },

    erase: async (userId) => {
      let erased = 0;
      for (;;) {
        // From the start each time: what was found is gone.
        const { Items = [] } = await query('finding the events of a listener', {
          KeyConditionExpression: '#user = :user',
          ExpressionAttributeNames: { '#user': partitionKey, '#key': sortKey },
          ExpressionAttributeValues: { ':user': { S: userId } },
          ProjectionExpression: '#user, #key',
          ConsistentRead: true,
        });
        if (Items.length === 0) return erased;
        await deleteItems(client, tableName, Items, {
          operation: 'erasing the events of a listener',
          deadlineMs: options.deadlineMs,
        });
        erased += Items.length;
      }
    },
  };
}

/** An event as DynamoDB keeps it; its id and time are in the sort key alone, what is null or 1 is left out. */
export function eventItem(event: ListenerEvent): Record<string, AttributeValue> {
  const { id, userId, artistId, type, at, receivedAt, exposureId, plays } = event;
  return {
    [partitionKey]: { S: userId },
    [sortKey]: { S: `${new Date(at).toISOString()}#${id}` },
    [index.partitionKey]: { S: `${utcDay(at)}#${fnv32a(userId) % DAY_SHARDS}` },
    [ttlAttribute]: { N: String(Math.ceil((receivedAt + EVENTS_TTL_DAYS * DAY_MS) / 1000)) },
    artistId: { S: artistId },
    type: { S: type },
    receivedAt: { N: String(receivedAt) },
    ...(exposureId === null ? {} : { exposureId: { S: exposureId } }),
    ...(plays === 1 ? {} : { plays: { N: String(plays) } }),
  };
}

/** An item as an event, `undefined` where it is none. */
function readEventItem(item: Readonly<Record<string, AttributeValue>>): ListenerEvent | undefined {
  const key = item[sortKey]?.S ?? '';
  const time = key.slice(0, TIME_LENGTH);
  const at = Date.parse(time);
  if (key[TIME_LENGTH] !== '#' || Number.isNaN(at) || new Date(at).toISOString() !== time) return undefined;
  return eventOf({
    id: key.slice(TIME_LENGTH + 1),
    userId: item[partitionKey]?.S,
    artistId: item['artistId']?.S,
    type: item['type']?.S,
    at,
    receivedAt: Number(item['receivedAt']?.N),
    // What is there but of another type must not read like what is not there.
    exposureId: item['exposureId'] === undefined ? null : (item['exposureId'].S ?? ''),
    plays: item['plays'] === undefined ? 1 : Number(item['plays'].N),
  });
}

function readable(
  items: readonly Record<string, AttributeValue>[],
  onPoison?: (key: string) => void,
): readonly ListenerEvent[] {
  const events: ListenerEvent[] = [];
  for (const item of items) {
    const event = readEventItem(item);
    if (event !== undefined) events.push(event);
    else onPoison?.(`${item[partitionKey]?.S}#${item[sortKey]?.S}`);
  }
  return events;
}

function newestFirst(events: readonly ListenerEvent[]): readonly ListenerEvent[] {
  return firstReceived(events).toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
}
