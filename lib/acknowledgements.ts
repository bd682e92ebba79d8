import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { DataStack } from './data-stack.ts';

/**
 * What cdk-nag's AwsSolutions rules find here that is as it should be: three reasons, and no other finding. `test/stacks/nag.test.ts` counts
 * them, and compares what each function may do with what its code calls.
 */
const REASONS = {
  prefixes:
    'A function may touch the objects below the key prefixes that it works on and no others; their names hold versions and days that are not known before.',
  traces: 'X-Ray has no resources to name: its two actions are granted on * or not at all.',
  open: 'The route is for everybody: whether the service is well and what its API is like, and in a demo, which only the stage dev can be, all that changes nothing. The stage throttles it.',
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

/** A route that asks callers for nothing. */
export function acknowledgeOpenRoute(route: IConstruct): void {
  acknowledge(route, 'APIG4', REASONS.open);
}

function acknowledge(scope: IConstruct, rule: string, reason: string): void {
  Validations.of(scope).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
}
