import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Aws, type Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  CfnFunction,
  Code,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledgeTraces } from '../acknowledgements.ts';
import { bundleFunction } from '../build/bundle-function.ts';
import { ROOT } from '../build/root.ts';
import type { StageConfig } from '../config.ts';
import type { CoreLayer } from './core-layer.ts';

export interface EncoreFunctionProps<Variables extends object> {
  /** Folder under `functions/`, at any depth, whose `handler.ts` exports `handler`. */
  readonly source: string;
  readonly description: string;
  /** Every variable that the function's `env.ts` asks of the stack: one missing or too many does not compile. */
  readonly environment: { readonly [Name in keyof Variables]: string };
  readonly layer: CoreLayer;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  readonly config: Pick<StageConfig, 'stage' | 'logRetention'>;
  /**
   * Where the event of an asynchronous invocation ends whose every attempt failed, as it came: it can be sent again from there.
   *
   * @default - nowhere: for functions that somebody waits for
   */
  readonly failed?: IQueue;
}

/**
 * A Lambda function of Encore. The bundle leaves `@encore/core` out and the layer brings it: both happen here, so that
 * one cannot be forgotten.
 *
 * Its role may write to its own log group and send traces; every other right is granted by the stack, verb by verb.
 * `CODE_VERSION` tells the function which layer and bundle it runs. `LOG_HASH_KEY` keys the hashes that stand for listeners in logs: the random
 * part of the stack's id, so that one listener has one stand-in in the logs of a stack, and whoever has the logs alone cannot
 * find out whose it is.
 */
export class EncoreFunction<Variables extends object> extends LambdaFunction {
  constructor(scope: Construct, id: string, props: EncoreFunctionProps<Variables>) {
    const { source, layer } = props;
    const built = Stack.of(scope).bundlingRequired
      ? bundleFunction(
          `functions/${source}/handler.ts`,
          join(ROOT, 'dist/functions', source.replaceAll('/', '-')),
        )
      : null;
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: props.config.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Not the role that CDK would make: that one may write to every log group of the account.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    acknowledgeTraces(role);
    super(scope, id, {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(built?.folder ?? join(ROOT, 'functions', source)),
      handler: 'handler.handler',
      layers: [layer],
      memorySize: props.memoryMiB,
      timeout: props.timeout,
      environment: {
        ...props.environment,
        STAGE: props.config.stage,
        LOG_HASH_KEY: Fn.select(2, Fn.split('/', Aws.STACK_ID)),
        CODE_VERSION: codeVersion([layer.codeHash, built?.hash ?? 'unbuilt']),
      },
      tracing: Tracing.ACTIVE,
      role,
      logGroup,
      ...(props.failed === undefined ? {} : { deadLetterQueue: props.failed }),
    });
    dependOnPolicyAlone(this, role);
  }

  /** Allows actions, each named, on resources, each named. */
  allow(actions: readonly string[], resources: readonly string[]): void {
    this.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }));
  }
}

/**
 * CDK lets a function wait for its role, which it does anyway as it names it, and for what the role may do, which it would not. Only the latter
 * has to be said.
 */
function dependOnPolicyAlone({ node }: LambdaFunction, role: Role): void {
  const resource = node.defaultChild;
  const policy = role.node.findChild('DefaultPolicy').node.defaultChild;
  if (!(resource instanceof CfnFunction) || !(policy instanceof CfnPolicy)) {
    throw new TypeError('CDK makes functions and policies otherwise than this was written for');
  }
  resource.addOverride('DependsOn', [Stack.of(policy).getLogicalId(policy)]);
}

/** 12 hexadecimal digits over the hashes of everything that runs. */
function codeVersion(hashes: readonly string[]): string {
  return createHash('sha256').update(hashes.join('\n')).digest('hex').slice(0, 12);
}
