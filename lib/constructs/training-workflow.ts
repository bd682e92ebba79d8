import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnPolicy, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import {
  CfnStateMachine,
  Choice,
  Condition,
  DefinitionBody,
  DistributedMap,
  Errors,
  Fail,
  JsonPath,
  LogLevel,
  Map as MapState,
  Pass,
  Result,
  type Chain,
  type IChainable,
  S3JsonItemReader,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import type { TrainVariables } from '../../functions/train/env.ts';
import { acknowledgeExecutions, acknowledgeTraces } from '../acknowledgements.ts';
import type { StageConfig } from '../config.ts';
import type { CoreLayer } from './core-layer.ts';
import { EncoreFunction } from './encore-function.ts';
import { allowTraining, trainingVariables, type TrainingStores } from './training-rights.ts';

/** What delivering an execution's log to its group, and its traces to X-Ray, takes; neither has resources to name. */
const LOG_DELIVERY = [
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
];
const TRACES = [
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
];
/** Rounds of a distributed map before a run gives up on the shards that keep failing. */
const ROUNDS = 3;
/** Shards in a hundred that may fail before a round stops early. Whatever is missing then is the next round's. */
const TOLERATED_FAILURE_PERCENTAGE = 50;
const CONCURRENT_SHARDS = 40;
/** As long as a function may run. */
const FUNCTION_TIMEOUT = Duration.minutes(15);
/** A task of which nothing is heard for longer than its function may run is lost; without a limit its run would wait for it. */
const TASK_TIMEOUT = Timeout.duration(FUNCTION_TIMEOUT.plus(Duration.minutes(1)));
/** What says nothing about the step: throttling, an answer that was lost, a store that did not answer. */
const TRANSIENT = [
  Errors.TIMEOUT,
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
  'STORE_UNAVAILABLE',
];
/**
 * How it is said that a function was cut off: it ran out of time, or its process died. That may have been the machine's fault, so it is asked
 * once more. Not three times: where a step is too large it ends so each time, after 15 minutes of 10 GB.
 */
const CUT_OFF = ['Sandbox.Timedout', 'Lambda.Unknown', 'Runtime.ExitError'];
/** Shorter than the lease of a run. */
export const EXECUTION_TIMEOUT = Duration.hours(12);

export interface TrainingWorkflowProps {
  readonly stores: TrainingStores;
  readonly layer: CoreLayer;
  readonly config: Pick<StageConfig, 'stage' | 'logRetention'>;
  /** Of the function that fits, ranks and publishes, in MiB. Nominating takes the same tables and one core. */
  readonly memoryMiB?: number;
}

/**
 * Training as a state machine, for what one invocation cannot do: the same functions of core as the training in one go, step by
 * step, and listeners in shards.
 *
 * prepare → factorise (a map over the fits of stage one) → candidates (a distributed map over fits and shards of listeners, again for
 * those missing) → rank and evaluate (the new model, and the served one's parameters where the gate compares) → gate → encode →
 * recommendations (a distributed map) → publish (again after a deadline) → release. Between states go keys and numbers; everything
 * else lies under `work/<run>/` of the bucket. Whatever fails releases the lease.
 *
 * It is started with the event of the training function. With `run`, the name of an earlier execution, it goes on with what
 * that one has left.
 */
export class TrainingWorkflow extends Construct {
  readonly stateMachine: StateMachine;
  /** Fits, ranks and publishes. */
  readonly step: EncoreFunction<TrainVariables>;
  /** Works on a shard of listeners. */
  readonly shard: EncoreFunction<TrainVariables>;

  constructor(scope: Construct, id: string, props: TrainingWorkflowProps) {
    super(scope, id);
    const { stores, layer, config, memoryMiB = 10_240 } = props;
    const { bucket } = stores;
    const common = {
      source: 'train/steps',
      layer,
      environment: trainingVariables(stores),
      timeout: FUNCTION_TIMEOUT,
      config,
    };
    this.step = new EncoreFunction<TrainVariables>(this, 'TrainStep', {
      ...common,
      description: 'Fits, ranks and publishes, one step of a training at a time',
      memoryMiB,
    });
    this.shard = new EncoreFunction<TrainVariables>(this, 'TrainShard', {
      ...common,
      description: 'Nominates and recommends for a shard of listeners',
      memoryMiB: 1_769,
    });
    allowTraining(this.step, stores, ['work']);
    const work = bucket.arnForObjects('work/*');
    this.shard.allow(['s3:GetObject', 's3:PutObject'], [work]);
    // Without it S3 says of an object that is not there that it is forbidden.
    this.shard.allow(['s3:ListBucket'], [bucket.bucketArn]);

    const logs = new LogGroup(this, 'Logs', {
      retention: config.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const { role, mayRun } = this.createRole(work);
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      role: role.withoutPolicyUpdates(),
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromChainable(this.define(bucket)),
      comment: 'Trains a model in steps and publishes it',
      timeout: EXECUTION_TIMEOUT,
      tracingEnabled: true,
      // Keys and numbers only: no state carries what listeners did.
      logs: { destination: logs, level: LogLevel.ALL, includeExecutionData: true },
    });
    dependOn(this.stateMachine, mayRun);
    // It would hang on the role, which takes none of CDK's: see below.
    this.stateMachine.node.tryRemoveChild('DistributedMapPolicy');
    this.allowMaps(role);
  }

  /**
   * What the state machine may do: invoke its two functions as they are, read lists of shards, log and trace. The role that CDK makes may
   * invoke every version and alias of the functions, also those there will be.
   */
  private createRole(work: string): { readonly role: Role; readonly mayRun: Policy } {
    const { account } = Stack.of(this);
    const role = new Role(this, 'StateMachineRole', {
      assumedBy: new ServicePrincipal('states.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': account } },
      }),
    });
    acknowledgeTraces(role);
    const mayRun = new Policy(this, 'StateMachineMayRun', {
      roles: [role],
      statements: [
        new PolicyStatement({
          actions: ['lambda:InvokeFunction'],
          resources: [this.step.functionArn, this.shard.functionArn],
        }),
        new PolicyStatement({ actions: ['s3:GetObject'], resources: [work] }),
        new PolicyStatement({ actions: [...LOG_DELIVERY, ...TRACES], resources: ['*'] }),
      ],
    });
    acknowledgeTraces(mayRun);
    return { role, mayRun };
  }

  /** A distributed map runs as executions of its own, which the state machine starts, looks at and stops. */
  private allowMaps(role: Role): void {
    const { stateMachineArn, stateMachineName } = this.stateMachine;
    const below = (suffix: string): string =>
      Stack.of(this).formatArn({
        service: 'states',
        resource: 'execution',
        resourceName: `${stateMachineName}${suffix}`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    // Those of a map have its label between; AWS' example of such a policy names the plain ones.
    const [plain, ofMaps] = [below(':*'), below('/*')];
    const mayMap = new Policy(this, 'StateMachineMayMap', {
      roles: [role],
      statements: [
        new PolicyStatement({ actions: ['states:StartExecution'], resources: [stateMachineArn] }),
        new PolicyStatement({
          actions: ['states:DescribeExecution', 'states:StopExecution'],
          resources: [plain, ofMaps],
        }),
        new PolicyStatement({ actions: ['states:RedriveExecution'], resources: [ofMaps] }),
      ],
    });
    acknowledgeExecutions(mayMap, this.stateMachine);
  }

  private define(bucket: Bucket): IChainable {
    const started = { 'execution.$': '$$.Execution.Name', 'input.$': '$' };
    const failed = this.invoke(this.step, 'Release after a failure', {
      payload: { step: 'release', ...started, failed: true },
      resultPath: JsonPath.DISCARD,
    });
    failed.next(
      new Fail(this, 'Not published', {
        errorPath: JsonPath.stringAt('$.failure.Error'),
        causePath: JsonPath.stringAt('$.failure.Cause'),
      }),
    );
    const guarded = <State extends LambdaInvoke | MapState | DistributedMap>(state: State): State => {
      state.addCatch(failed, { resultPath: '$.failure' });
      return state;
    };
    const task = (name: string, payload: Payload, resultPath: string = JsonPath.DISCARD): LambdaInvoke =>
      guarded(this.invoke(this.step, name, { payload, resultPath }));
    const mapped = (name: string, itemsPath: string, step: string, as: string): MapState => {
      const map = new MapState(this, `${name} all`, {
        itemsPath,
        itemSelector: { step, 'run.$': '$.run', [`${as}.$`]: '$$.Map.Item.Value' },
        resultPath: JsonPath.DISCARD,
      });
      map.itemProcessor(this.invoke(this.step, name, { payload: '$' }));
      return guarded(map);
    };

    const ended = new Succeed(this, 'Ended');
    const release = this.invoke(this.step, 'Release', {
      payload: { step: 'release', ...started, failed: false },
      resultPath: JsonPath.DISCARD,
    });
    const publish = task('Publish', { step: 'publish', 'run.$': '$.run' }, '$.published');
    publish.next(
      new Choice(this, 'Out of time?')
        .when(Condition.stringEquals('$.published.outcome', 'deadline'), publish)
        .otherwise(release.next(ended)),
    );

    const recommendations = this.shards('recommendations', {
      bucket,
      guarded,
      task,
      failed,
      onward: publish,
    });
    const evaluated = task('Gate', { step: 'gate', 'run.$': '$.run' })
      .next(task('Encode', { step: 'encode', 'run.$': '$.run' }, '$.pending'))
      .next(recommendations);
    const ranked = mapped('Rank', '$.models', 'rank', 'model')
      .next(mapped('Evaluate', '$.models', 'evaluate', 'model'))
      .next(evaluated);
    const candidates = this.shards('candidates', { bucket, guarded, task, failed, onward: ranked });
    const fitted = mapped('Factorise', '$.fits', 'factorise', 'fit').next(candidates);
    return guarded(this.invoke(this.step, 'Prepare', { payload: { step: 'prepare', ...started } })).next(
      new Choice(this, 'Anything to do?')
        .when(Condition.stringEquals('$.outcome', 'prepared'), fitted)
        .otherwise(ended),
    );
  }

  /** A distributed map over the shards that are missing, until none is; at most {@link ROUNDS} times. */
  private shards(
    step: 'candidates' | 'recommendations',
    parts: {
      readonly bucket: Bucket;
      readonly guarded: (map: DistributedMap) => DistributedMap;
      readonly task: (name: string, payload: Payload, resultPath: string) => LambdaInvoke;
      readonly failed: IChainable;
      readonly onward: IChainable;
    },
  ): Chain {
    const { bucket, guarded, task, failed, onward } = parts;
    const name = step === 'candidates' ? 'Candidates' : 'Recommendations';
    const selector = {
      step,
      'run.$': '$.run',
      ...(step === 'candidates' ? { 'fit.$': '$$.Map.Item.Value.fit' } : {}),
      'from.$': '$$.Map.Item.Value.from',
      'to.$': '$$.Map.Item.Value.to',
    };
    const map = new DistributedMap(this, `${name} of all`, {
      itemReader: new S3JsonItemReader({
        bucketNamePath: bucket.bucketName,
        key: JsonPath.stringAt('$.pending.items'),
      }),
      itemSelector: selector,
      maxConcurrency: CONCURRENT_SHARDS,
      toleratedFailurePercentage: TOLERATED_FAILURE_PERCENTAGE,
      mapExecutionType: StateMachineType.STANDARD,
      resultPath: JsonPath.DISCARD,
    });
    const shard = this.invoke(this.shard, name, { payload: '$' });
    shard.addRetry({ errors: [Errors.ALL], maxAttempts: 2, interval: Duration.seconds(5), backoffRate: 2 });
    map.itemProcessor(shard);
    const complete = task(
      `${name} complete?`,
      { step: 'complete', 'run.$': '$.run', shards: step, 'round.$': '$.pending.round' },
      '$.pending',
    );
    // The last shards of a run are few: where they fail, many of a hundred do.
    map.addCatch(complete, {
      errors: ['States.ExceedToleratedFailureThreshold'],
      resultPath: JsonPath.DISCARD,
    });
    guarded(map);
    const givenUp = new Pass(this, `${name} given up`, {
      result: Result.fromObject({
        Error: 'SHARDS_MISSING',
        Cause: `${step}: some shards of listeners failed in each of ${ROUNDS} rounds`,
      }),
      resultPath: '$.failure',
    });
    givenUp.next(failed);
    return map
      .next(complete)
      .next(
        new Choice(this, `${name} left?`)
          .when(Condition.numberEquals('$.pending.missing', 0), onward)
          .when(Condition.numberLessThan('$.pending.round', ROUNDS), map)
          .otherwise(givenUp),
      );
  }

  private invoke(
    lambdaFunction: IFunction,
    name: string,
    options: { readonly payload: Payload | '$'; readonly resultPath?: string },
  ): LambdaInvoke {
    const { payload, resultPath } = options;
    const task = new LambdaInvoke(this, name, {
      lambdaFunction,
      ...(payload === '$' ? {} : { payload: TaskInput.fromObject(payload) }),
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      taskTimeout: TASK_TIMEOUT,
      ...(resultPath === undefined ? {} : { resultPath }),
    });
    task.addRetry({ errors: TRANSIENT, maxAttempts: 3, interval: Duration.seconds(5), backoffRate: 2 });
    task.addRetry({ errors: CUT_OFF, maxAttempts: 1, interval: Duration.seconds(5) });
    return task;
  }
}

/** CDK lets the machine wait for its role, which it does anyway as it names it, and not for what the role may do. */
function dependOn({ node }: StateMachine, policy: Policy): void {
  const [machine, attached] = [node.defaultChild, policy.node.defaultChild];
  if (!(machine instanceof CfnStateMachine) || !(attached instanceof CfnPolicy)) {
    throw new TypeError('CDK makes state machines and policies otherwise than this was written for');
  }
  machine.addOverride('DependsOn', [Stack.of(policy).getLogicalId(attached)]);
}

type Payload = Record<string, unknown>;
