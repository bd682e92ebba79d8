/* oxlint-disable eslint/no-new -- a construct adds itself to its scope */
import { CfnResource, Duration, ReferenceStrength, Stack, type StackProps, TimeZone } from 'aws-cdk-lib';
import { MathExpression, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleTargetInput,
  type IScheduleTarget,
} from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke, StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import type { ScheduleTargetBaseProps } from 'aws-cdk-lib/aws-scheduler-targets';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { TrainVariables } from '../functions/train/env.ts';
import type { StageConfig } from './config.ts';
import { CoreLayer } from './constructs/core-layer.ts';
import { EncoreFunction } from './constructs/encore-function.ts';
import { scheduleRole } from './constructs/schedule-role.ts';
import { allowTraining, trainingVariables } from './constructs/training-rights.ts';
import { TrainingWorkflow } from './constructs/training-workflow.ts';
import { Upkeep } from './constructs/upkeep.ts';
import type { DataStack } from './data-stack.ts';

export interface TrainingStackProps extends StackProps {
  readonly config: StageConfig;
  readonly data: DataStack;
}

/** Trains and publishes a model every day. Costs nothing in between. */
export class TrainingStack extends Stack {
  /** Where events end that could not be delivered, or whose every run failed. */
  readonly failedRuns: Queue;
  readonly functions: Readonly<Record<string, IFunction>>;
  readonly upkeep: IFunction;
  /** Runs that failed. */
  readonly failures: (period: Duration) => IMetric;

  constructor(scope: Construct, id: string, props: TrainingStackProps) {
    super(scope, id, props);
    const { config, data } = props;
    const layer = new CoreLayer(this, 'CoreLayer');
    // An event ends here when it could not be delivered, or when every run of it failed.
    const failed = new Queue(this, 'FailedRuns', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.failedRuns = failed;
    this.upkeep = new Upkeep(this, 'Upkeep', { config, data, layer, failed }).function;
    const parts = { config, data, layer, failed };
    const trained = config.training === 'function' ? this.#inOneGo(parts) : this.#inSteps(parts);
    this.functions = trained.functions;
    this.failures = trained.failures;
    const { target: start, action, resource } = trained;
    const role = scheduleRole(this, 'RetrainRole', { target: resource, action, failed });
    new Schedule(this, 'Retrain', {
      description: 'Trains and publishes a model every day',
      schedule: ScheduleExpression.cron({
        minute: '0',
        hour: String(config.retrainHour),
        timeZone: TimeZone.of(config.timeZone),
      }),
      target: start({
        input: ScheduleTargetInput.fromObject({
          dataset: config.dataset,
          preset: config.preset,
          options: {},
          now: ContextAttribute.scheduledTime,
        }),
        role,
        retryAttempts: 3,
        maxEventAge: Duration.hours(2),
        deadLetterQueue: failed,
      }),
    });
    this.#lendWeakly();
  }

  /**
   * Lets other stacks name what is here without holding it. The other kind of training has other functions: those of before go when this
   * stack is updated, while the alarms that are deployed still name them, and CloudFormation deletes no export that is imported. A weak
   * reference is an output without an export, read when whoever names it is deployed: after this stack, unless somebody deploys this one alone. Names
   * of our own would need no reference, but nothing that has one can be replaced.
   */
  #lendWeakly(): void {
    for (const construct of this.node.findAll()) {
      if (CfnResource.isCfnResource(construct)) {
        construct.applyCrossStackReferenceStrength(ReferenceStrength.WEAK);
      }
    }
  }

  /** One function, for data that it can train on within its 15 minutes. */
  #inOneGo({ config, data, layer, failed }: TrainingParts): Trained {
    const train = new EncoreFunction<TrainVariables>(this, 'Train', {
      source: 'train',
      description: 'Trains a model on a data set and publishes it',
      layer,
      environment: trainingVariables(data),
      // Lambda gives CPU by memory: from here on a function has two whole cores, one for each training thread.
      memoryMiB: 3_538,
      timeout: Duration.minutes(15),
      config,
      failed,
    });
    allowTraining(train, data);
    // The schedule only hands the event over; whether the run succeeds is between Lambda and the function.
    train.configureAsyncInvoke({ retryAttempts: 2, maxEventAge: Duration.hours(2) });

    return {
      functions: { train },
      failures: (period) => train.metricErrors({ statistic: 'Sum', period }),
      target: (props) => new LambdaInvoke(train, props),
      action: 'lambda:InvokeFunction',
      resource: train.functionArn,
    };
  }

  /** A state machine of many, for more. */
  #inSteps({ config, data, layer }: TrainingParts): Trained {
    const { stateMachine, step, shard } = new TrainingWorkflow(this, 'Workflow', {
      stores: data,
      layer,
      config,
    });
    const failures = (period: Duration): MathExpression =>
      new MathExpression({
        expression: 'FILL(failed, 0) + FILL(timedOut, 0) + FILL(aborted, 0)',
        usingMetrics: {
          failed: stateMachine.metricFailed({ period }),
          timedOut: stateMachine.metricTimedOut({ period }),
          aborted: stateMachine.metricAborted({ period }),
        },
        label: 'executions without a model',
        period,
      });
    return {
      functions: { step, shard },
      failures,
      target: (props) => new StepFunctionsStartExecution(stateMachine, props),
      action: 'states:StartExecution',
      resource: stateMachine.stateMachineArn,
    };
  }
}

type TrainingParts = Pick<TrainingStackProps, 'config' | 'data'> & {
  readonly layer: CoreLayer;
  readonly failed: Queue;
};

/** What trains, how it is started, and how one hears of its failures. */
interface Trained {
  readonly functions: Readonly<Record<string, IFunction>>;
  readonly failures: (period: Duration) => IMetric;
  readonly target: (props: ScheduleTargetBaseProps) => IScheduleTarget;
  readonly action: string;
  readonly resource: string;
}
