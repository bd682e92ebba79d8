import {
  ConditionalCheckFailedException,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { EncoreError, type FenceIssuer, type LeaseStore } from '@encore/core/serve';
import { TABLES } from '../tables.ts';
import { callStore } from './store-call.ts';

/**
 * A lease as one DynamoDB item `{ leaseName, fence, holder, expiresAtMs }`.
 *
 * The fence is a counter in the same conditional update that takes the lease, and it stays when the lease is given
 * back. A response that was lost costs a number and nothing else: the same holder may ask again and gets a newer one.
 *
 * @param options.deadlineMs - Milliseconds that an update may take, the SDK's retries included.
 */
export function createDynamoLeaseStore(
  client: DynamoDBClient,
  tableName: string,
  options: { readonly leaseName: string; readonly deadlineMs: number },
): LeaseStore & FenceIssuer {
  const { leaseName, deadlineMs } = options;
  const call = (operation: string) => ({ store: `dynamodb table ${tableName}`, operation, deadlineMs });
  const key = { [TABLES.leases.partitionKey]: { S: leaseName } };

  const readFence = (attributes: Record<string, AttributeValue> | undefined): number => {
    const fence = Number(attributes?.['fence']?.N);
    if (Number.isSafeInteger(fence)) return fence;
    throw new EncoreError(
      'STORE_UNAVAILABLE',
      `dynamodb table ${tableName} answered the lease ${leaseName} without an integer fence`,
      { found: attributes?.['fence'] },
    );
  };

  return {
    acquire: (holder, nowMs, ttlMs) =>
      callStore(call(`taking the lease ${leaseName}`), async ({ abortSignal }) => {
        try {
          const { Attributes } = await client.send(
            new UpdateItemCommand({
              TableName: tableName,
              Key: key,
              UpdateExpression: 'SET #holder = :holder, #expiresAtMs = :expiresAtMs ADD #fence :one',
              ConditionExpression:
                'attribute_not_exists(#holder) OR #holder = :holder OR #expiresAtMs <= :nowMs',
              ExpressionAttributeNames: {
                '#holder': 'holder',
                '#expiresAtMs': 'expiresAtMs',
                '#fence': 'fence',
              },
              ExpressionAttributeValues: {
                ':holder': { S: holder },
                ':expiresAtMs': { N: String(nowMs + ttlMs) },
                ':nowMs': { N: String(nowMs) },
                ':one': { N: '1' },
              },
              ReturnValues: 'UPDATED_NEW',
            }),
            { abortSignal },
          );
          return { fence: readFence(Attributes) };
        } catch (error) {
          if (error instanceof ConditionalCheckFailedException) return undefined;
          throw error;
        }
      }),

    release: (holder) =>
      callStore(call(`giving back the lease ${leaseName}`), async ({ abortSignal }) => {
        try {
          await client.send(
            new UpdateItemCommand({
              TableName: tableName,
              Key: key,
              UpdateExpression: 'REMOVE #holder, #expiresAtMs',
              ConditionExpression: '#holder = :holder',
              ExpressionAttributeNames: { '#holder': 'holder', '#expiresAtMs': 'expiresAtMs' },
              ExpressionAttributeValues: { ':holder': { S: holder } },
            }),
            { abortSignal },
          );
        } catch (error) {
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
        }
      }),

    issueFence: () =>
      callStore(call(`issuing a fence of ${leaseName}`), async ({ abortSignal }) => {
        const { Attributes } = await client.send(
          new UpdateItemCommand({
            TableName: tableName,
            Key: key,
            UpdateExpression: 'ADD #fence :one',
            ExpressionAttributeNames: { '#fence': 'fence' },
            ExpressionAttributeValues: { ':one': { N: '1' } },
            ReturnValues: 'UPDATED_NEW',
          }),
          { abortSignal },
        );
        return readFence(Attributes);
      }),
  };
}
