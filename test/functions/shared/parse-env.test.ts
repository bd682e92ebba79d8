import { describe, expect, it } from 'vitest';
import { recommendEnvironment } from '../../../functions/recommend/env.ts';
import {
  createDynamoClient,
  createS3Client,
  SERVING_LIMITS,
} from '../../../functions/shared/adapters/clients.ts';
import { awsEnvironment, parseEnv } from '../../../functions/shared/parse-env.ts';
import { trainEnvironment } from '../../../functions/train/env.ts';

const complete = {
  AUTH_MODE: 'iam',
  ADMIN_SCOPE: 'encore/admin',
  BUCKET_NAME: 'bucket',
  CANDIDATES_TABLE: 'candidates',
  EXPOSURES_TABLE: 'exposures',
  EVENTS_TABLE: 'events',
  EXPERIMENTS_TABLE: 'experiments',
};

describe('a function’s environment', () => {
  it('fills in what the stack need not say', () => {
    expect(parseEnv(recommendEnvironment, { ...complete, HOME: '/root' })).toEqual({
      ...complete,
      AWS_REGION: 'us-east-1',
      LOG_LEVEL: 'INFO',
      METRICS: 'on',
      STAGE: 'local',
      STORE_PATIENCE: 1,
    });
    expect(
      parseEnv(trainEnvironment, {
        BUCKET_NAME: 'bucket',
        CANDIDATES_TABLE: 'abc',
        LEASES_TABLE: 'leases',
        EVENTS_TABLE: 'events',
        TOMBSTONES_TABLE: 'tombstones',
      }),
    ).toMatchObject({ CODE_VERSION: 'unversioned' });
  });

  it('is refused with the names of all variables that are missing or malformed', () => {
    expect(() => parseEnv(recommendEnvironment, { BUCKET_NAME: 'b', LOG_LEVEL: 'loud' })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('EXPOSURES_TABLE'),
        details: {
          variables: [
            'AUTH_MODE',
            'ADMIN_SCOPE',
            'BUCKET_NAME',
            'CANDIDATES_TABLE',
            'EXPOSURES_TABLE',
            'EVENTS_TABLE',
            'EXPERIMENTS_TABLE',
            'LOG_LEVEL',
          ],
        },
      }),
    );
  });
});

describe('the SDK’s clients', () => {
  it('talk to AWS unless the environment names another endpoint', async () => {
    const environment = parseEnv(awsEnvironment, { AWS_REGION: 'eu-central-1' });
    const s3 = createS3Client(environment, SERVING_LIMITS);
    const dynamo = createDynamoClient(environment, SERVING_LIMITS);
    expect([s3.config.endpoint, dynamo.config.endpoint]).toEqual([undefined, undefined]);
    expect(s3.config.forcePathStyle).toBe(false);
    expect(await s3.config.region()).toBe('eu-central-1');
    expect(await dynamo.config.maxAttempts()).toBe(SERVING_LIMITS.maxAttempts);
  });

  it('take credentials from the environment only beside an endpoint that is not AWS’s', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
    const local = createDynamoClient(
      parseEnv(awsEnvironment, { ...keys, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' }),
      SERVING_LIMITS,
    );
    expect(await local.config.credentials()).toMatchObject({ accessKeyId: 'id', secretAccessKey: 'secret' });
    expect(await local.config.endpoint?.()).toMatchObject({ hostname: '127.0.0.1', port: 1 });
  });
});
