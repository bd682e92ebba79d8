import { Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { z } from 'zod';
import { TABLES, type TableDefinition } from '../functions/shared/tables.ts';
import type { StageConfig } from './config.ts';
import { asIBucket, PRIVATE_BUCKET } from './constructs/private-bucket.ts';

export interface DataStackProps extends StackProps {
  readonly config: Pick<StageConfig, 'deletionProtection'>;
}

/**
 * What outlives every deployment: the bucket of data sets and models, and the tables. All of it stays when the stack is
 * deleted, which CloudFormation refuses while another stack uses it (strong references, cdk.json). The construct ids are a contract: changing one makes a new, empty resource.
 */
export class DataStack extends Stack {
  readonly bucket: Bucket;
  /** Under what name other stacks import the bucket's ARN. */
  readonly bucketArnExport: string;
  readonly candidates: TableV2;
  readonly exposures: TableV2;
  readonly events: TableV2;
  readonly experiments: TableV2;
  readonly tombstones: TableV2;
  readonly leases: TableV2;

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props);
    const accessLogs = new Bucket(this, 'AccessLogs', {
      ...PRIVATE_BUCKET,
      lifecycleRules: [{ expiration: Duration.days(ACCESS_LOG_DAYS) }],
    });
    this.bucket = new Bucket(this, 'Bucket', {
      ...PRIVATE_BUCKET,
      // What was overwritten or deleted by mistake can be had back for a while; what was because somebody was erased stays for as long.
      versioned: true,
      serverAccessLogsBucket: asIBucket(accessLogs),
      lifecycleRules: [
        {
          // A large data set is uploaded in parts; what an upload that died leaves behind is invisible and billed.
          abortIncompleteMultipartUploadAfter: Duration.days(7),
          noncurrentVersionExpiration: Duration.days(NONCURRENT_DAYS),
          expiredObjectDeleteMarker: true,
        },
        // What a training workflow hands from step to step; it deletes it itself, unless it died. Nobody wants it back, and listeners are in it.
        {
          prefix: 'work/',
          expiration: Duration.days(3),
          noncurrentVersionExpiration: Duration.days(1),
        },
      ],
    });
    this.bucketArnExport = IMPORT.parse(this.resolve(this.exportValue(this.bucket.bucketArn)))[
      'Fn::ImportValue'
    ];
    const options = { deletionProtection: props.config.deletionProtection };
    this.candidates = createTable(this, 'Candidates', { ...options, definition: TABLES.candidates });
    this.exposures = createTable(this, 'Exposures', { ...options, definition: TABLES.exposures });
    this.events = createTable(this, 'Events', { ...options, definition: TABLES.events });
    this.experiments = createTable(this, 'Experiments', { ...options, definition: TABLES.experiments });
    this.tombstones = createTable(this, 'Tombstones', { ...options, definition: TABLES.tombstones });
    this.leases = createTable(this, 'Leases', { ...options, definition: TABLES.leases });
  }
}

/** Days for which an object that was overwritten or deleted can be had back, and an erased listener is in a file that was rewritten or a version that was deleted. */
const NONCURRENT_DAYS = 30;
const ACCESS_LOG_DAYS = 90;

const IMPORT = z.object({ 'Fn::ImportValue': z.string() });

function createTable(
  scope: Construct,
  id: string,
  options: { readonly definition: TableDefinition; readonly deletionProtection: boolean },
): TableV2 {
  const { partitionKey, sortKey, ttlAttribute, index } = options.definition;
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
    deletionProtection: options.deletionProtection,
    removalPolicy: RemovalPolicy.RETAIN,
  });
}
