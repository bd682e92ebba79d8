import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseTrainingEvent } from '../../functions/train/request.ts';
import { parseUpkeepEvent } from '../../functions/upkeep/request.ts';
import { functionsOf, grantsOf, propertiesOf, resourcesOf, synthesise } from './synthesise.ts';

const { training } = synthesise({ timeZone: 'Europe/Berlin', retrainHour: '4' });
const SCHEDULE = 'AWS::Scheduler::Schedule';
const retrain = propertiesOf(training, SCHEDULE).filter(({ Description }) =>
  String(Description).startsWith('Trains'),
);
const checks = propertiesOf(training, SCHEDULE).filter(({ Description }) =>
  String(Description).startsWith('Looks after'),
);
const train = propertiesOf(training, 'AWS::Lambda::Function').find(({ Description }) =>
  String(Description).startsWith('Trains'),
);
const queues = Object.keys(resourcesOf(training, 'AWS::SQS::Queue'));
const queueArn = { 'Fn::GetAtt': [queues[0], 'Arn'] };

describe('the training stack', () => {
  it('has two whole cores and the longest time that Lambda gives', () => {
    expect(train).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 3538,
      Timeout: 900,
      TracingConfig: { Mode: 'Active' },
    });
  });

  it('trains every day at the hour of the configured time zone, by EventBridge Scheduler and not by a rule', () => {
    expect(propertiesOf(training, 'AWS::Events::Rule')).toEqual([]);
    expect(retrain).toMatchObject([
      {
        ScheduleExpression: 'cron(0 4 * * ? *)',
        ScheduleExpressionTimezone: 'Europe/Berlin',
        State: 'ENABLED',
      },
    ]);
  });

  it('sends the event that the training function understands, with the scheduled time as now', () => {
    const [schedule] = z.array(z.object({ Target: z.object({ Input: z.string() }) })).parse(retrain);
    const sent = schedule!.Target.Input.replace('<aws.scheduler.scheduled-time>', '2026-03-22T03:00:00Z');
    expect(parseTrainingEvent(JSON.parse(sent))).toEqual({
      dataset: 'hetrec2011-lastfm-2k',
      preset: 'full',
      options: {},
      now: Date.UTC(2026, 2, 22, 3),
    });
  });

  it('keeps an event that could not be delivered', () => {
    expect(queues).toHaveLength(1);
    expect(retrain).toMatchObject([
      {
        Target: {
          DeadLetterConfig: { Arn: queueArn },
          RetryPolicy: { MaximumEventAgeInSeconds: 7200, MaximumRetryAttempts: 3 },
        },
      },
    ]);
  });

  it('tries a failed run twice more and then keeps its event', () => {
    expect(propertiesOf(training, 'AWS::Lambda::EventInvokeConfig')).toContainEqual(
      expect.objectContaining({ MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 7200 }),
    );
    expect(train).toMatchObject({ DeadLetterConfig: { TargetArn: queueArn } });
  });

  it('lets the schedule start the function as it is, keep what it could not, and nothing else', () => {
    expect(grantsOf(training, 'Retrain')).toEqual([
      expect.stringMatching(/^lambda:InvokeFunction on <Train\w+\.Arn>$/),
      `sqs:SendMessage on <${queues[0]}.Arn>`,
    ]);
    expect(propertiesOf(training, 'AWS::IAM::Role')).toContainEqual(
      expect.objectContaining({
        AssumeRolePolicyDocument: {
          Statement: [
            {
              Action: 'sts:AssumeRole',
              Effect: 'Allow',
              Principal: { Service: 'scheduler.amazonaws.com' },
              Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
            },
          ],
          Version: '2012-10-17',
        },
      }),
    );
  });

  it('logs to a group that keeps nothing for ever', () => {
    const groups = resourcesOf(training, 'AWS::Logs::LogGroup');
    expect(Object.values(groups).map(({ Properties }) => Properties['RetentionInDays'])).toEqual([7, 7]);
    const logGroups = [...functionsOf(training).values()].map(({ LoggingConfig }) => LoggingConfig.LogGroup);
    expect(logGroups).toEqual(Object.keys(groups).map((id) => `<${id}>`));
  });

  it('looks after the model every hour and after experiments every day, by events that the upkeep understands', () => {
    const sent = z
      .array(z.object({ ScheduleExpression: z.string(), Target: z.object({ Input: z.string() }) }))
      .parse(checks);
    expect(
      sent.map(({ ScheduleExpression, Target }) => [
        ScheduleExpression,
        parseUpkeepEvent(JSON.parse(Target.Input)).check,
      ]),
    ).toEqual([
      ['rate(1 hour)', 'model'],
      ['rate(1 day)', 'experiments'],
    ]);
    for (const check of checks) {
      expect(check).toMatchObject({ Target: { DeadLetterConfig: { Arn: queueArn } } });
    }
  });
});
