import { Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { TABLES, type TableDefinition } from '../functions/shared/tables.ts';

/**
 * What outlives every deployment: the bucket of data sets and models, and the tables. All of it stays when the stack is
 * deleted, which CloudFormation refuses while another stack uses it (strong references, cdk.json). The construct ids are a contract: changing one makes a new, empty resource.
 */
export class DataStack extends Stack {
  readonly bucket: Bucket;
  readonly candidates: TableV2;
  readonly exposures: TableV2;
  readonly events: TableV2;
  readonly experiments: TableV2;
  readonly tombstones: TableV2;
  readonly leases: TableV2;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN,
      // A large data set is uploaded in parts; what an upload that died leaves behind is invisible and billed.
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(7) }],
    });
    this.candidates = createTable(this, 'Candidates', TABLES.candidates);
    this.exposures = createTable(this, 'Exposures', TABLES.exposures);
    this.events = createTable(this, 'Events', TABLES.events);
    this.experiments = createTable(this, 'Experiments', TABLES.experiments);
    this.tombstones = createTable(this, 'Tombstones', TABLES.tombstones);
    this.leases = createTable(this, 'Leases', TABLES.leases);
  }
}

function createTable(scope: Construct, id: string, definition: TableDefinition): TableV2 {
  const { partitionKey, sortKey, ttlAttribute, index } = definition;
  return new TableV2(scope, id, {
    partitionKey: { name: partitionKey, type: AttributeType.STRING },
    ...(sortKey === null ? {} : { sortKey: { name: sortKey, type: AttributeType.STRING } }),
    ...(ttlAttribute === null ? {} : { timeToLiveAttribute: ttlAttribute }),
    ...(index === undefined
      ? {}
      : {
          globalSecondaryIndexes: [
            {
              indexName: index.name,
              partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
              sortKey: { name: index.sortKey, type: AttributeType.STRING },
            },
          ],
        }),
    billing: Billing.onDemand(),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    removalPolicy: RemovalPolicy.RETAIN,
  });
}
