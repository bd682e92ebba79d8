/* oxlint-disable eslint/no-new -- a construct adds itself to its scope */
import { Duration } from 'aws-cdk-lib';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { UpkeepVariables } from '../../functions/upkeep/env.ts';
import type { StageConfig } from '../config.ts';
import type { DataStack } from '../data-stack.ts';
import type { CoreLayer } from './core-layer.ts';
import { EncoreFunction } from './encore-function.ts';
import { scheduleRole } from './schedule-role.ts';

export interface UpkeepProps {
  readonly config: StageConfig;
  readonly data: DataStack;
  readonly layer: CoreLayer;
  /** Where events end that could not be delivered, or whose every run failed. */
  readonly failed: IQueue;
}

/** When what is looked after: the model every hour, experiments once a day, because their exposures cost reading. */
const SCHEDULES = {
  model: ScheduleExpression.rate(Duration.hours(1)),
  experiments: ScheduleExpression.rate(Duration.days(1)),
} as const;

/** Looks after what is served between trainings. */
export class Upkeep extends Construct {
  readonly function: EncoreFunction<UpkeepVariables>;

  constructor(scope: Construct, id: string, { config, data, layer, failed }: UpkeepProps) {
    super(scope, id);
    const { bucket, candidates, experiments, exposures, tombstones } = data;
    const upkeep = new EncoreFunction<UpkeepVariables>(this, 'Function', {
      source: 'upkeep',
      description: 'Measures what is served, keeps its candidates, checks running experiments',
      layer,
      environment: {
        BUCKET_NAME: bucket.bucketName,
        CANDIDATES_TABLE: candidates.tableName,
        EXPERIMENTS_TABLE: experiments.tableName,
        EXPOSURES_TABLE: exposures.tableName,
        TOMBSTONES_TABLE: tombstones.tableName,
      },
      // A model of 60 MB is read whole where its candidates have to be written again.
      memoryMiB: 1_024,
      timeout: Duration.minutes(15),
      config,
      failed,
    });
    upkeep.configureAsyncInvoke({ retryAttempts: 1, maxEventAge: Duration.minutes(30) });
    upkeep.allow(['s3:GetObject'], [bucket.arnForObjects('models/*'), bucket.arnForObjects('keys/erasure')]);
    // A version's state.
    upkeep.allow(['s3:PutObject'], [bucket.arnForObjects('models/*')]);
    upkeep.allow(['s3:ListBucket'], [bucket.bucketArn]);
    upkeep.allow(['dynamodb:BatchWriteItem', 'dynamodb:Query'], [candidates.tableArn]);
    upkeep.allow(['dynamodb:Scan'], [experiments.tableArn, tombstones.tableArn]);
    upkeep.allow(['dynamodb:Query'], [exposures.tableArn]);
    this.function = upkeep;

    const role = scheduleRole(this, 'ScheduleRole', {
      target: upkeep.functionArn,
      action: 'lambda:InvokeFunction',
      failed,
    });
    for (const [check, schedule] of Object.entries(SCHEDULES)) {
      new Schedule(this, `Check-${check}`, {
        description: `Looks after the ${check}`,
        schedule,
        target: new LambdaInvoke(upkeep, {
          input: ScheduleTargetInput.fromObject({ check }),
          role,
          retryAttempts: 2,
          maxEventAge: Duration.minutes(30),
          deadLetterQueue: failed,
        }),
      });
    }
  }
}
