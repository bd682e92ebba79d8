import { expect } from 'vitest';

/** What every bucket of ours is: encrypted, and out of the public's reach. */
export const PRIVATE_BUCKET = {
  BucketEncryption: {
    ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
  },
  PublicAccessBlockConfiguration: {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  },
};

const denied = { Effect: 'Deny', Action: 's3:*', Principal: { AWS: '*' } };

/** A bucket policy that denies each request that is not encrypted on its way, by TLS 1.2 at least. */
export const TLS_ALONE = {
  Statement: expect.arrayContaining([
    expect.objectContaining({ ...denied, Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    expect.objectContaining({ ...denied, Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } }),
  ]),
};
