import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AttributeType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { z } from 'zod';
import { CoreLayer } from '../../lib/constructs/core-layer.ts';
import { TrainingWorkflow } from '../../lib/constructs/training-workflow.ts';
import { newApp, propertiesOf } from './synthesise.ts';

/** A stack with nothing but the training workflow and what it works on, without bundling. */
export function workflowTemplate(): Template {
  const stack = new Stack(newApp({}), 'Workflow');
  const table = (id: string): TableV2 =>
    new TableV2(stack, id, { partitionKey: { name: 'pk', type: AttributeType.STRING } });
  const workflow = new TrainingWorkflow(stack, 'Training', {
    stores: {
      bucket: new Bucket(stack, 'Bucket'),
      candidates: table('Candidates'),
      events: table('Events'),
      leases: table('Leases'),
      tombstones: table('Tombstones'),
    },
    layer: new CoreLayer(stack, 'CoreLayer'),
    config: { stage: 'dev', logRetention: RetentionDays.TWO_WEEKS },
  });
  return Template.fromStack(Stack.of(workflow));
}

const parts = z.object({
  'Fn::Join': z.tuple([
    z.literal(''),
    z.array(
      z.union([
        z.string(),
        z
          .object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) })
          .transform(
            (found) => `arn:aws:lambda:eu-central-1:123456789012:function:${found['Fn::GetAtt'][0]}`,
          ),
        z.object({ Ref: z.string() }).transform(({ Ref }) => (Ref === 'AWS::Partition' ? 'aws' : Ref)),
      ]),
    ),
  ]),
});

/** The definition of the template's state machine, its references filled in: functions by their logical id. */
export function definitionOf(template: Template): unknown {
  const [machine] = propertiesOf(template, 'AWS::StepFunctions::StateMachine');
  return JSON.parse(parts.parse(machine!['DefinitionString'])['Fn::Join'][1].join(''));
}
