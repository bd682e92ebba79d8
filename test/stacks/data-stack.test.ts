import { describe, expect, it } from 'vitest';
import { TABLES, type TableDefinition } from '../../functions/shared/tables.ts';
import { PRIVATE_BUCKET, TLS_ALONE } from './private-buckets.ts';
import { propertiesOf, resourcesOf, synthesise } from './synthesise.ts';

const { data } = synthesise();
const BUCKET = 'AWS::S3::Bucket';
const TABLE = 'AWS::DynamoDB::GlobalTable';
const stateful = { ...resourcesOf(data, BUCKET), ...resourcesOf(data, TABLE) };

function keySchema(names: readonly string[]) {
  return names.map((name, i) => ({ AttributeName: name, KeyType: i === 0 ? 'HASH' : 'RANGE' }));
}

describe('the data stack', () => {
  it('keeps the logical ids of everything that holds data: a new id is a new, empty resource', () => {
    expect(Object.keys(stateful).toSorted()).toEqual([
      'AccessLogs8B620ECA',
      'Bucket83908E77',
      'CandidatesD2043412',
      'EventsD32975C2',
      'ExperimentsBA9AEAD2',
      'Exposures0D5F2CF0',
      'LeasesEBFF46EF',
      'TombstonesF1409147',
    ]);
  });

  it('retains everything that holds data, also when it is replaced', () => {
    for (const [id, resource] of Object.entries(stateful)) {
      expect([id, resource.DeletionPolicy, resource.UpdateReplacePolicy]).toEqual([id, 'Retain', 'Retain']);
    }
  });

  it('encrypts both buckets and keeps the public out of them', () => {
    const buckets = propertiesOf(data, BUCKET);
    expect(buckets).toHaveLength(2);
    for (const bucket of buckets) expect(bucket).toMatchObject(PRIVATE_BUCKET);
  });

  it('denies every request to a bucket that is not encrypted on its way, by TLS 1.2 at least', () => {
    const policies = propertiesOf(data, 'AWS::S3::BucketPolicy');
    expect(policies.map(({ Bucket }) => Bucket)).toEqual(
      Object.keys(resourcesOf(data, BUCKET)).map((Ref) => ({ Ref })),
    );
    for (const { PolicyDocument } of policies) expect(PolicyDocument).toMatchObject(TLS_ALONE);
  });

  it('keeps what was overwritten for 30 days, work of a training for four in all, and no half upload or access log for good', () => {
    expect(propertiesOf(data, BUCKET)).toMatchObject([
      { LifecycleConfiguration: { Rules: [{ ExpirationInDays: 90, Status: 'Enabled' }] } },
      {
        VersioningConfiguration: { Status: 'Enabled' },
        LoggingConfiguration: { DestinationBucketName: { Ref: Object.keys(resourcesOf(data, BUCKET))[0] } },
        LifecycleConfiguration: {
          Rules: [
            {
              AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
              NoncurrentVersionExpiration: { NoncurrentDays: 30 },
              ExpiredObjectDeleteMarker: true,
            },
            {
              Prefix: 'work/',
              ExpirationInDays: 3,
              NoncurrentVersionExpiration: { NoncurrentDays: 1 },
            },
          ],
        },
      },
    ]);
  });

  it('lets nobody delete the tables of prod by mistake', () => {
    for (const [stage, protectedTables] of [
      [data, false],
      [synthesise({ stage: 'prod' }).data, true],
    ] as const) {
      for (const table of propertiesOf(stage, TABLE)) {
        expect(table).toMatchObject({ Replicas: [{ DeletionProtectionEnabled: protectedTables }] });
      }
    }
  });

  it('makes each table with the keys and the time to live that functions use', () => {
    const tables = Object.entries(resourcesOf(data, TABLE)).map(([id, { Properties: table }]) => ({
      id: id.replace(/[0-9A-F]{8}$/, '').toLowerCase(),
      KeySchema: table['KeySchema'],
      AttributeDefinitions: table['AttributeDefinitions'],
      TimeToLiveSpecification: table['TimeToLiveSpecification'],
      GlobalSecondaryIndexes: table['GlobalSecondaryIndexes'],
    }));
    const wanted = Object.entries<TableDefinition>(TABLES).map(([id, definition]) => {
      const { partitionKey, sortKey, ttlAttribute, index } = definition;
      const names = sortKey === null ? [partitionKey] : [partitionKey, sortKey];
      const all = new Set([...names, ...(index === undefined ? [] : [index.partitionKey, index.sortKey])]);
      return {
        id,
        KeySchema: keySchema(names),
        AttributeDefinitions: Array.from(all, (name) => ({ AttributeName: name, AttributeType: 'S' })),
        GlobalSecondaryIndexes:
          index === undefined
            ? undefined
            : [
                {
                  IndexName: index.name,
                  KeySchema: keySchema([index.partitionKey, index.sortKey]),
                  Projection: { ProjectionType: 'ALL' },
                },
              ],
        TimeToLiveSpecification:
          ttlAttribute === null ? undefined : { AttributeName: ttlAttribute, Enabled: true },
      };
    });
    expect(tables).toHaveLength(wanted.length);
    expect(tables).toEqual(expect.arrayContaining(wanted));
  });

  it('bills tables by request and lets them be restored to any second', () => {
    for (const table of propertiesOf(data, TABLE)) {
      expect(table).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        Replicas: [{ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
      });
    }
  });

  it('names nothing, so that two stages, or a replacement, never collide', () => {
    for (const { Properties } of Object.values(stateful)) {
      expect(Properties).not.toHaveProperty('BucketName');
      expect(Properties).not.toHaveProperty('TableName');
    }
  });
});
