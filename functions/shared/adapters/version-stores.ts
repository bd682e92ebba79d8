import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Activation, PublishPorts } from '@encore/core/train';
import { loadErasures } from '../listener-hash.ts';
import { createDynamoCandidateEraser } from './dynamo-candidate-eraser.ts';
import { createDynamoCandidateStore } from './dynamo-candidate-store.ts';
import { createDynamoTombstoneStore } from './dynamo-tombstone-store.ts';
import { createS3ModelStore } from './s3-model-store.ts';

/** What it takes to work on published versions without training: their files, their candidates, and who asked to be forgotten. */
export interface VersionStores {
  readonly publishing: PublishPorts;
  readonly erasures: Activation['erasures'];
}

/**
 * The stores of published versions over AWS.
 *
 * @param options.deadlineMs - Milliseconds that one call may take, the SDK's retries included.
 */
export function createVersionStores(
  clients: { readonly s3: S3Client; readonly dynamo: DynamoDBClient },
  names: {
    readonly BUCKET_NAME: string;
    readonly CANDIDATES_TABLE: string;
    readonly TOMBSTONES_TABLE: string;
  },
  options: { readonly deadlineMs: number },
): VersionStores {
  const { s3, dynamo } = clients;
  const modelStore = createS3ModelStore(s3, names.BUCKET_NAME, options);
  const tombstones = createDynamoTombstoneStore(dynamo, names.TOMBSTONES_TABLE, options);
  const eraser = createDynamoCandidateEraser(dynamo, names.CANDIDATES_TABLE, options);
  return {
    publishing: {
      modelStore,
      candidateStore: createDynamoCandidateStore(dynamo, names.CANDIDATES_TABLE, options),
      clock: Date.now,
      sleep: (ms) => sleep(ms),
      random: Math.random,
    },
    erasures: {
      load: () => loadErasures(tombstones, modelStore),
      erase: (userId) => eraser.erase(userId),
    },
  };
}
