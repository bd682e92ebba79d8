import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll } from 'vitest';
import {
  createDynamoClient,
  createS3Client,
  TRAINING_LIMITS,
} from '../../../../functions/shared/adapters/clients.ts';
import { createDynamoCandidateEraser } from '../../../../functions/shared/adapters/dynamo-candidate-eraser.ts';
import { createDynamoCandidateStore } from '../../../../functions/shared/adapters/dynamo-candidate-store.ts';
import { createDynamoEventLog } from '../../../../functions/shared/adapters/dynamo-event-log.ts';
import { createDynamoExperimentStore } from '../../../../functions/shared/adapters/dynamo-experiment-store.ts';
import { createDynamoExposureLog } from '../../../../functions/shared/adapters/dynamo-exposure-log.ts';
import { createDynamoLeaseStore } from '../../../../functions/shared/adapters/dynamo-lease-store.ts';
import { createDynamoTombstoneStore } from '../../../../functions/shared/adapters/dynamo-tombstone-store.ts';
import { createS3ModelStore } from '../../../../functions/shared/adapters/s3-model-store.ts';
import { awsEnvironment, parseEnv } from '../../../../functions/shared/parse-env.ts';
import { TABLES } from '../../../../functions/shared/tables.ts';
import { startEmbeddedDynamoDb, type EmbeddedDynamoDb } from '../../../../lib/local/embedded-dynamodb.ts';
import { startEmbeddedS3, type EmbeddedS3 } from '../../../../lib/local/embedded-s3.ts';
import { LOCAL_CREDENTIALS } from '../../../../lib/local/local-credentials.ts';
import { candidateEraserContract } from '../../../core/contracts/candidate-eraser.contract.ts';
import { candidateStoreContract } from '../../../core/contracts/candidate-store.contract.ts';
import { eventLogContract } from '../../../core/contracts/event-log.contract.ts';
import { experimentStoreContract } from '../../../core/contracts/experiment-store.contract.ts';
import { exposureLogContract } from '../../../core/contracts/exposure-log.contract.ts';
import { leaseStoreContract } from '../../../core/contracts/lease-store.contract.ts';
import { modelStoreContract } from '../../../core/contracts/model-store.contract.ts';
import { tombstoneStoreContract } from '../../../core/contracts/tombstone-store.contract.ts';

let s3: EmbeddedS3;
let dynamo: EmbeddedDynamoDb;
let s3Client: S3Client;
let dynamoClient: DynamoDBClient;
let nMade = 0;

beforeAll(async () => {
  s3 = await startEmbeddedS3(null);
  dynamo = await startEmbeddedDynamoDb(null);
  const environment = parseEnv(awsEnvironment, {
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  });
  s3Client = createS3Client(environment, TRAINING_LIMITS);
  dynamoClient = createDynamoClient(environment, TRAINING_LIMITS);
});

afterAll(async () => {
  s3Client.destroy();
  dynamoClient.destroy();
  await s3.close();
  await dynamo.close();
});

const deadlineMs = 20_000;

async function makeTable(name: keyof typeof TABLES): Promise<string> {
  const tableName = `${name}-${nMade++}`;
  await dynamo.createTable(tableName, TABLES[name]);
  return tableName;
}

modelStoreContract('the S3 model store', () => {
  const bucket = `bucket-${nMade++}`;
  s3.createBucket(bucket);
  return Promise.resolve(createS3ModelStore(s3Client, bucket, { deadlineMs }));
});

candidateStoreContract('the DynamoDB candidate store', async () =>
  createDynamoCandidateStore(dynamoClient, await makeTable('candidates'), { deadlineMs }),
);

leaseStoreContract('the DynamoDB lease store', async () =>
  createDynamoLeaseStore(dynamoClient, await makeTable('leases'), { leaseName: 'train', deadlineMs }),
);

eventLogContract('the DynamoDB event log', async () =>
  createDynamoEventLog(dynamoClient, await makeTable('events'), { deadlineMs }),
);

tombstoneStoreContract('the DynamoDB tombstone store', async () =>
  createDynamoTombstoneStore(dynamoClient, await makeTable('tombstones'), { deadlineMs }),
);

candidateEraserContract('the DynamoDB candidate eraser', async () => {
  const tableName = await makeTable('candidates');
  return {
    store: createDynamoCandidateStore(dynamoClient, tableName, { deadlineMs }),
    eraser: createDynamoCandidateEraser(dynamoClient, tableName, { deadlineMs }),
  };
});

exposureLogContract('the DynamoDB exposure log', async () =>
  createDynamoExposureLog(dynamoClient, await makeTable('exposures'), { deadlineMs }),
);

experimentStoreContract('the DynamoDB experiment store', async () =>
  createDynamoExperimentStore(dynamoClient, await makeTable('experiments'), { deadlineMs }),
);
