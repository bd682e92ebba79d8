import { RemovalPolicy } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  BucketEncryption,
  ObjectOwnership,
  type Bucket,
  type BucketProps,
  type IBucket,
} from 'aws-cdk-lib/aws-s3';

/** How every bucket is kept: encrypted, by TLS 1.2 at least, out of the public's reach, and there after its stack is gone. */
export const PRIVATE_BUCKET = {
  encryption: BucketEncryption.S3_MANAGED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  removalPolicy: RemovalPolicy.RETAIN,
} as const satisfies BucketProps;

/** A bucket as what CDK takes for one. */
export function asIBucket(bucket: Bucket): IBucket {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is one; only exactOptionalPropertyTypes tells the two apart
  return bucket as IBucket;
}
