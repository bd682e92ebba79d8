import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal, type IRole } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/**
 * A role of schedules of this account, which may start one thing and put aside what could not be started.
 *
 * Not the role that CDK would make: that one may invoke every version and alias of a function, also those there will be.
 */
export function scheduleRole(
  scope: Construct,
  id: string,
  { target, action, failed }: { readonly target: string; readonly action: string; readonly failed: IQueue },
): IRole {
  const role = new Role(scope, id, {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  });
  role.addToPolicy(new PolicyStatement({ actions: [action], resources: [target] }));
  role.addToPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [failed.queueArn] }));
  return role.withoutPolicyUpdates();
}
