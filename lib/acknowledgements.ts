import { Stack, Validations } from 'aws-cdk-lib';
import { CfnStateMachine, type StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { IConstruct } from 'constructs';
import type { DataStack } from './data-stack.ts';

/**
 * What cdk-nag's AwsSolutions rules, and CDK, find here that is as it should be: three reasons, one more where there is a page, another where that has no domain of its own, and no other finding. `test/stacks/nag.test.ts` counts
 * them, and compares what each function may do with what its code calls.
 */
const REASONS = {
  prefixes:
    'What is below a prefix of ours, and nothing else: objects of the bucket, executions of the state machine. Their names hold versions, days and runs that are not known before.',
  traces:
    'X-Ray and the delivery of logs have no resources to name: their actions are granted on * or not at all.',
  open: 'It is for everybody, from wherever: whether the service is well and what its API is like, the files of the page, and in a demo, which only the stage dev can be, all that changes nothing. The API throttles requests.',
  pageLogs:
    'CloudFront logs whole paths, and the API behind it has listeners’ ids in them, which no log may have. API Gateway logs each request by its route instead. (Logs of CloudFront that leave paths out can be made in us-east-1 alone.)',
  viewersTls:
    'The page of the stage dev may be without a domain of its own. It then has CloudFront’s certificate, with which no distribution can refuse old TLS; in prod a domain and a certificate are required.',
} as const;

/** Everything that functions keep in the bucket lies below one of these. */
const PREFIXES = ['datasets', 'events', 'models', 'work'] as const;

/** Functions name keys by prefix. */
export function acknowledgePrefixes(app: IConstruct, { bucketArnExport }: DataStack): void {
  for (const prefix of PREFIXES) {
    acknowledge(app, `IAM5[Resource::${bucketArnExport}/${prefix}/*]`, REASONS.prefixes);
  }
}

/** A traced function, or state machine, may send its traces. */
export function acknowledgeTraces(role: IConstruct): void {
  acknowledge(role, 'IAM5[Resource::*]', REASONS.traces);
}

/** The state machine runs its distributed maps as executions of its own, and looks after them. */
export function acknowledgeExecutions(policy: IConstruct, { node }: StateMachine): void {
  const { defaultChild } = node;
  if (!(defaultChild instanceof CfnStateMachine)) throw new TypeError('CDK makes state machines otherwise');
  const name = Stack.of(policy).getLogicalId(defaultChild);
  const executions = `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${name}.Name>`;
  for (const below of [':', '/']) {
    acknowledge(policy, `IAM5[Resource::${executions}${below}*]`, REASONS.prefixes);
  }
}

/** A route that asks callers for nothing. */
export function acknowledgeOpenRoute(route: IConstruct): void {
  acknowledge(route, 'APIG4', REASONS.open);
}

/** The page is open, as a page is, and CloudFront keeps no log of who asks for what. */
export function acknowledgeOpenPage(distribution: IConstruct): void {
  acknowledge(distribution, 'CFR1', REASONS.open);
  acknowledge(distribution, 'CFR2', REASONS.open);
  acknowledge(distribution, 'CFR3', REASONS.pageLogs);
}

/** A page without a certificate of its own. */
export function acknowledgeViewersTls(distribution: IConstruct): void {
  acknowledge(distribution, 'CFR4', REASONS.viewersTls);
}

function acknowledge(scope: IConstruct, rule: string, reason: string): void {
  Validations.of(scope).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
}
