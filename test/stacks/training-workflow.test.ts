import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { withoutDistributedMaps } from '../functions/train/local-workflow.ts';
import { grantsOf, propertiesOf } from './synthesise.ts';
import { definitionOf, workflowTemplate } from './workflow-stack.ts';

const template = workflowTemplate();

/** The tasks of a definition, those within maps too. */
function tasksOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Reflect.get(value, 'Type') === 'Task' ? [value] : Object.values(value).flatMap(tasksOf);
}

describe('the training workflow', () => {
  it('has a definition that the validator of the states language accepts', () => {
    const { isValid, errors } = validate(structuredClone(definitionOf(template)));
    expect(errors).toEqual([]);
    expect(isValid).toBe(true);
  });

  it('is refused by that validator where a state leads nowhere', () => {
    const broken = JSON.parse(
      JSON.stringify(definitionOf(template)).replace('"Next":"Candidates complete?"', '"Next":"Nowhere"'),
    );
    expect(validate(broken).isValid).toBe(false);
  });

  it('keeps its definition valid when a driver stands in for distributed maps', () => {
    const { isValid, errors } = validate(withoutDistributedMaps(definitionOf(template)));
    expect(errors).toEqual([]);
    expect(isValid).toBe(true);
  });

  it('reads shards from the bucket, retries each, and tolerates failures', () => {
    for (const name of ['Candidates', 'Recommendations']) {
      expect(definitionOf(template)).toMatchObject({
        States: {
          [`${name} of all`]: {
            ItemReader: {
              Resource: 'arn:aws:states:::s3:getObject',
              ReaderConfig: { InputType: 'JSON' },
              Parameters: { 'Key.$': '$.pending.items' },
            },
            ToleratedFailurePercentage: 50,
            MaxConcurrency: 40,
            ItemProcessor: {
              ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
              States: {
                [name]: {
                  Retry: [
                    { ErrorEquals: expect.arrayContaining(['Lambda.TooManyRequestsException']) },
                    { ErrorEquals: expect.arrayContaining(['Sandbox.Timedout']) },
                    { ErrorEquals: ['States.ALL'], MaxAttempts: 2 },
                  ],
                },
              },
            },
          },
        },
      });
    }
  });

  it('waits for every task a little longer than its function may run, and asks again then', () => {
    const timeouts = propertiesOf(template, 'AWS::Lambda::Function').map(
      (properties) => properties['Timeout'],
    );
    expect(new Set(timeouts)).toEqual(new Set([900]));
    const tasks = tasksOf(definitionOf(template));
    expect(tasks.length).toBeGreaterThan(10);
    for (const task of tasks) {
      expect(task).toMatchObject({
        TimeoutSeconds: 960,
        Retry: expect.arrayContaining([
          expect.objectContaining({ ErrorEquals: expect.arrayContaining(['States.Timeout']) }),
        ]),
      });
    }
  });

  it('asks once more, and not as often as after what is transient, where Lambda cut a function off', () => {
    for (const task of tasksOf(definitionOf(template))) {
      const { Retry: retriers } = z
        .object({ Retry: z.array(z.object({ ErrorEquals: z.array(z.string()), MaxAttempts: z.number() })) })
        .parse(task);
      // Of several that match the first counts.
      const attemptsAfter = (error: string): number | undefined =>
        retriers.find(({ ErrorEquals }) => ErrorEquals.includes(error))?.MaxAttempts;
      for (const error of ['Sandbox.Timedout', 'Lambda.Unknown', 'Runtime.ExitError']) {
        expect([error, attemptsAfter(error)]).toEqual([error, 1]);
      }
      expect(attemptsAfter('States.Timeout')).toBe(3);
    }
  });

  it('is a standard workflow with traces, and with logs that are dropped in time', () => {
    expect(propertiesOf(template, 'AWS::StepFunctions::StateMachine')).toMatchObject([
      {
        StateMachineType: 'STANDARD',
        TracingConfiguration: { Enabled: true },
        LoggingConfiguration: { Level: 'ALL' },
      },
    ]);
    expect(propertiesOf(template, 'AWS::Logs::LogGroup').map((group) => group['RetentionInDays'])).toEqual([
      14, 14, 14,
    ]);
  });

  it('lets its big function do what training does, and its small one nothing but work on shards', () => {
    const step = grantsOf(template, 'TrainingTrainStep');
    expect(step).toEqual(expect.arrayContaining([expect.stringMatching(/^dynamodb:UpdateItem on <Leases/)]));
    const shard = grantsOf(template, 'TrainingTrainShard').filter((grant) => !/^(logs|xray):/.test(grant));
    expect(shard.map((grant) => grant.replace(/<Bucket[^>]*>\/?/, 'bucket:'))).toEqual([
      's3:GetObject on bucket:work/*',
      's3:PutObject on bucket:work/*',
      's3:ListBucket on bucket:',
    ]);
  });

  it('may itself invoke its functions, read what lies under work/, start and look after its own executions, log and trace', () => {
    const granted = [
      ...grantsOf(template, 'TrainingStateMachineMayRun'),
      ...grantsOf(template, 'TrainingStateMachineMayMap'),
    ];
    const names = granted.map((grant) =>
      grant.replace(/<Training(\w+?)[0-9A-F]{8}(\.\w+)?>/g, '<$1>').replace(/<Bucket\w+\.Arn>\//, 'bucket:'),
    );
    const executions = 'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<StateMachine>';
    expect(names.toSorted()).toEqual([
      'lambda:InvokeFunction on <TrainShard>',
      'lambda:InvokeFunction on <TrainStep>',
      // What CDK allows the roles that it makes, to deliver logs and to send traces: neither has resources to name.
      'logs:CreateLogDelivery on *',
      'logs:DeleteLogDelivery on *',
      'logs:DescribeLogGroups on *',
      'logs:DescribeResourcePolicies on *',
      'logs:GetLogDelivery on *',
      'logs:ListLogDeliveries on *',
      'logs:PutResourcePolicy on *',
      'logs:UpdateLogDelivery on *',
      's3:GetObject on bucket:work/*',
      `states:DescribeExecution on ${executions}/*`,
      `states:DescribeExecution on ${executions}:*`,
      `states:RedriveExecution on ${executions}/*`,
      'states:StartExecution on <StateMachine>',
      `states:StopExecution on ${executions}/*`,
      `states:StopExecution on ${executions}:*`,
      'xray:GetSamplingRules on *',
      'xray:GetSamplingTargets on *',
      'xray:PutTelemetryRecords on *',
      'xray:PutTraceSegments on *',
    ]);
  });
});
