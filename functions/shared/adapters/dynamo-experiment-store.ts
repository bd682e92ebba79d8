import {
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  type AttributeValue,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { validateExperiment, type ExperimentRevision, type ExperimentStore } from '@encore/core/serve';
import { storedRevision } from '../experiment-fields.ts';
import { TABLES } from '../tables.ts';
import { callStore, describeSdkError } from './store-call.ts';

const { partitionKey, sortKey } = TABLES.experiments;
/** As many as the largest revision has. */
const REVISION_DIGITS = 9;

type Item = Record<string, AttributeValue>;

/** How patient the store is, and what it reports. */
export interface DynamoExperimentStoreOptions {
  /** Milliseconds that one call may take, the SDK's retries included. */
  readonly deadlineMs: number;
  /** Told of the key (`ranker#000000002`) of every item that could not be read as a revision. */
  readonly onPoison?: (key: string) => void;
}

/**
 * Experiments in DynamoDB: one item per revision, never changed.
 *
 * What cannot be read is left out. In `list` that goes for the whole experiment where the newest revision is unreadable: an older
 * one is not what was decided last.
 */
export function createDynamoExperimentStore(
  client: DynamoDBClient,
  tableName: string,
  options: DynamoExperimentStoreOptions,
): ExperimentStore {
  const { deadlineMs, onPoison } = options;
  const call = (operation: string) => ({ store: `dynamodb table ${tableName}`, operation, deadlineMs });

  function readItem(item: Readonly<Item>): ExperimentRevision | undefined {
    const revision = readRevision(item);
    if (revision === undefined) onPoison?.(`${item[partitionKey]?.S}#${item[sortKey]?.S}`);
    return revision;
  }

  return {
    list: async () => {
      const items = await callStore(call('reading experiments'), ({ abortSignal }) =>
        allPages((from) =>
          client.send(new ScanCommand({ TableName: tableName, ConsistentRead: true, ...from }), {
            abortSignal,
          }),
        ),
      );
      const newest = new Map<string, Item>();
      for (const item of items) {
        const key = item[partitionKey]?.S ?? '';
        if (revisionKey(item) > revisionKey(newest.get(key))) newest.set(key, item);
      }
      return Array.from(newest.values())
        .map(readItem)
        .filter((revision) => revision !== undefined)
        .toSorted((a, b) => (a.key < b.key ? -1 : 1));
    },

    revisions: async (key) => {
      const items = await callStore(call('reading the revisions of an experiment'), ({ abortSignal }) =>
        allPages((from) =>
          client.send(
            new QueryCommand({
              TableName: tableName,
              KeyConditionExpression: '#experiment = :experiment',
              ExpressionAttributeNames: { '#experiment': partitionKey },
              ExpressionAttributeValues: { ':experiment': { S: key } },
              ConsistentRead: true,
              ...from,
            }),
            { abortSignal },
          ),
        ),
      );
      return items.map(readItem).filter((revision) => revision !== undefined);
    },

    add: (revision) =>
      callStore(call('writing a revision of an experiment'), async ({ abortSignal }) => {
        const item = revisionItem(revision);
        try {
          await client.send(
            new PutItemCommand({
              TableName: tableName,
              Item: item,
              ConditionExpression: 'attribute_not_exists(#experiment)',
              ExpressionAttributeNames: { '#experiment': partitionKey },
            }),
            { abortSignal },
          );
          return true;
        } catch (error) {
          const { name, attempts } = describeSdkError(error);
          if (name !== 'ConditionalCheckFailedException') throw error;
          if (attempts === 1) return false;
        }
        // The SDK asked again after a lost answer: what is in the way may be what the first attempt wrote.
        const { Items: found = [] } = await client.send(
          new QueryCommand({
            TableName: tableName,
            KeyConditionExpression: '#experiment = :experiment AND #revision = :revision',
            ExpressionAttributeNames: { '#experiment': partitionKey, '#revision': sortKey },
            ExpressionAttributeValues: {
              ':experiment': item[partitionKey]!,
              ':revision': item[sortKey]!,
            },
            ConsistentRead: true,
          }),
          { abortSignal },
        );
        return found[0]?.['definition']?.S === item['definition']?.S;
      }),
  };
}

/**
 * The items of all pages.
 *
 * @param page - Asks for one, from where the last ended.
 */
async function allPages(
  page: (from: { readonly ExclusiveStartKey?: Item }) => Promise<{
    readonly Items?: Item[] | undefined;
    readonly LastEvaluatedKey?: Item | undefined;
  }>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await page(
      from === undefined ? {} : { ExclusiveStartKey: from },
    );
    items.push(...Items);
    from = LastEvaluatedKey;
  } while (from !== undefined);
  return items;
}

const revisionKey = (item: Readonly<Item> | undefined): string => item?.[sortKey]?.S ?? '';

/** A revision as DynamoDB keeps it: its key, its number, and JSON of all of it. */
function revisionItem(revision: ExperimentRevision): Item {
  return {
    [partitionKey]: { S: revision.key },
    [sortKey]: { S: String(revision.revision).padStart(REVISION_DIGITS, '0') },
    definition: { S: JSON.stringify(revision) },
  };
}

function readRevision(item: Readonly<Item>): ExperimentRevision | undefined {
  try {
    const revision = storedRevision.parse(JSON.parse(item['definition']?.S ?? ''));
    validateExperiment(revision);
    const { [partitionKey]: key, [sortKey]: number } = revisionItem(revision);
    return key?.S === item[partitionKey]?.S && number?.S === revisionKey(item) ? revision : undefined;
  } catch {
    return undefined;
  }
}
