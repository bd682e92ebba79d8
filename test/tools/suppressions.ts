import type { Suppression } from './findings.ts';

/** What the tools ask for and is not done, each with its reason. One that no longer matches anything fails the check. */
export const SUPPRESSIONS: readonly Suppression[] = [
  {
    rule: 'W3005',
    resources: /^Resources\//,
    reason:
      'CDK writes that a function depends on its role beside the reference that says so already. It does no harm, and no option leaves it out.',
  },
  {
    rule: 'CKV_AWS_18',
    resources: /^Bucket/,
    reason:
      'Objects are named after data sets, model versions and days, never after listeners, and only functions and administrators may read them. Who has to know who did turns on data events of CloudTrail, which need no second bucket.',
  },
  {
    rule: 'CKV_AWS_21',
    resources: /^Bucket/,
    reason:
      'Erasing a listener rewrites data set and event files; earlier versions of the objects would keep the rows. Model versions are immutable under names of their own, and the data set can be uploaded again.',
  },
  {
    rule: 'CKV_AWS_158',
    resources: /Logs/,
    reason:
      'CloudWatch encrypts every log group with a key of its own. Logs name no listener (a keyed hash stands for each), so that a key of the account would protect nothing more; it costs by month and by use.',
  },
  {
    rule: 'CKV_AWS_173',
    resources: /./,
    reason:
      'Environment variables hold the names of the bucket and of tables, and no secret. Lambda encrypts them with a key of its own.',
  },
  {
    rule: 'CKV_AWS_116',
    resources: /./,
    reason:
      'The functions of the API are called synchronously: no event is left to keep. Training has an on-failure destination, which is a queue too and says more; the check knows dead letter queues only.',
  },
  {
    rule: 'CKV_AWS_117',
    resources: /./,
    reason:
      'Functions talk to S3 and DynamoDB by their public, signed interfaces and to nothing in a network of ours. In a VPC the same would cost endpoints or a NAT gateway by the hour.',
  },
  {
    rule: 'CKV_AWS_115',
    resources: /./,
    reason:
      'What is reserved for one function is taken from the others, and a new account has too little to reserve anything. The stage’s throttle bounds the API, the lease lets one training run at a time.',
  },
  {
    rule: 'CKV_AWS_27',
    resources: /^FailedRuns/,
    reason: 'The queue is encrypted by SQS (SqsManagedSseEnabled); the check knows keys of KMS only.',
  },
];
