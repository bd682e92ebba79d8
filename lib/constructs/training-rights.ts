import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { TrainVariables } from '../../functions/train/env.ts';
import { TABLES } from '../../functions/shared/tables.ts';
import type { EncoreFunction } from './encore-function.ts';

/** What a training reads and writes. */
export interface TrainingStores {
  readonly bucket: Bucket;
  readonly candidates: TableV2;
  readonly events: TableV2;
  readonly leases: TableV2;
  readonly tombstones: TableV2;
}

/** How a function that trains, whole or a step, is told where its stores are. */
export function trainingVariables(stores: TrainingStores): {
  readonly [Name in keyof TrainVariables]: string;
} {
  return {
    BUCKET_NAME: stores.bucket.bucketName,
    CANDIDATES_TABLE: stores.candidates.tableName,
    EVENTS_TABLE: stores.events.tableName,
    LEASES_TABLE: stores.leases.tableName,
    TOMBSTONES_TABLE: stores.tombstones.tableName,
  };
}

/**
 * Allows a function what a training does.
 *
 * @param work - Prefixes of its own beside those of data sets, events and models: it may read, write and delete below them.
 */
export function allowTraining(
  train: EncoreFunction<TrainVariables>,
  { bucket, candidates, events, leases, tombstones }: TrainingStores,
  work: readonly string[] = [],
): void {
  const below = (prefixes: readonly string[]): readonly string[] =>
    prefixes.map((prefix) => bucket.arnForObjects(`${prefix}/*`));
  const all = below(['datasets', 'events', 'models', ...work]);
  train.allow(['s3:GetObject'], [...all, bucket.arnForObjects('keys/erasure')]);
  // Data sets too: the rows of listeners who were erased are taken out of their files.
  train.allow(['s3:PutObject'], all);
  // Versions that are too old.
  train.allow(['s3:DeleteObject'], below(['models', ...work]));
  train.allow(['s3:ListBucket'], [bucket.bucketArn]);
  train.allow(['dynamodb:BatchWriteItem', 'dynamodb:GetItem', 'dynamodb:Query'], [candidates.tableArn]);
  train.allow(['dynamodb:Query'], [`${events.tableArn}/index/${TABLES.events.index.name}`]);
  train.allow(['dynamodb:Scan'], [tombstones.tableArn]);
  train.allow(['dynamodb:UpdateItem'], [leases.tableArn]);
}
