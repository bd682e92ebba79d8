import type { Suppression } from './findings.ts';

/** What the tools ask for and is not done, each with its reason. One that no longer matches anything fails the check. */
export const SUPPRESSIONS: readonly Suppression[] = [
  {
    rule: 'CKV_AWS_18',
    resources: /^AccessLogs/,
    reason:
      'It is the bucket that access logs go to; logs of who read the logs would have to go to yet another.',
  },
  {
    rule: 'CKV_AWS_21',
    resources: /^AccessLogs/,
    reason: 'S3 writes each access log once, under a name of its own: there are no earlier versions to keep.',
  },
  {
    rule: 'CKV_AWS_26',
    resources: /^Alarms/,
    reason:
      'Messages name alarms and figures, nobody’s data. A key of KMS that CloudWatch may use costs a dollar a month; what is sent is encrypted on its way.',
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
      'The functions of the API are called synchronously: no event is left to keep. What a schedule starts has a dead letter queue.',
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
  {
    rule: 'CKV_AWS_68',
    resources: /^Distribution/,
    reason:
      'The page is files for whoever comes. The API behind it knows its callers and throttles them itself, and has an address of its own, where no firewall of CloudFront would be met, which costs by the month.',
  },
  {
    rule: 'CKV_AWS_86',
    resources: /^Distribution/,
    reason:
      'CloudFront logs whole paths, and the API behind it has listeners’ ids in them. API Gateway logs each request by its route instead.',
  },
  {
    rule: 'CKV_AWS_174',
    resources: /^Distribution/,
    reason:
      'Without a domain of its own, which only the stage dev may be, the page has CloudFront’s certificate, with which no distribution can refuse old TLS.',
  },
];
