/* oxlint-disable eslint/no-new -- a construct adds itself to its scope */
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  HttpStage,
  LogGroupLogDestination,
  type HttpApiProps,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { RecommendVariables } from '../functions/recommend/env.ts';
import { ROUTES, type HttpFunction } from '../functions/routes.ts';
import type { StageConfig } from './config.ts';
import { CORS_RULES } from './cors.ts';
import { CoreLayer } from './constructs/core-layer.ts';
import { EncoreFunction } from './constructs/encore-function.ts';
import type { DataStack } from './data-stack.ts';

export interface ServingStackProps extends StackProps {
  readonly config: StageConfig;
  readonly data: DataStack;
}

/** Answers over HTTPS. Its routes are those of `functions/routes.ts`, which the local server has too. */
export class ServingStack extends Stack {
  constructor(scope: Construct, id: string, props: ServingStackProps) {
    super(scope, id, props);
    const { config, data } = props;
    const { bucket, candidates, exposures } = data;

    const recommend = new EncoreFunction<RecommendVariables>(this, 'Recommend', {
      source: 'recommend',
      description: 'Ranks a listener’s candidates and logs what was served',
      layer: new CoreLayer(this, 'CoreLayer'),
      environment: {
        BUCKET_NAME: bucket.bucketName,
        CANDIDATES_TABLE: candidates.tableName,
        EXPOSURES_TABLE: exposures.tableName,
      },
      // Ranking takes microseconds; the memory buys the CPU that a cold start decodes the model with.
      memoryMiB: 1_024,
      timeout: Duration.seconds(10),
      logRetention: config.logRetention,
    });
    recommend.allow(['s3:GetObject'], [bucket.arnForObjects('models/*')]);
    // Without it S3 answers 403 and not 404 where there is no object: a stage without a model would look broken.
    recommend.allow(['s3:ListBucket'], [bucket.bucketArn]);
    recommend.allow(['dynamodb:GetItem'], [candidates.tableArn]);
    recommend.allow(['dynamodb:PutItem'], [exposures.tableArn]);

    const api = new HttpApi(this, 'Api', {
      description: 'Encore',
      createDefaultStage: false,
      ...corsOf(config),
    });
    const integrations = {
      recommend: new HttpLambdaIntegration('RecommendIntegration', recommend),
    } satisfies Partial<Record<HttpFunction, HttpLambdaIntegration>>;
    for (const { method, path, handledBy } of ROUTES) {
      if (handledBy !== 'recommend') continue;
      api.addRoutes({ path, methods: [HttpMethod[method]], integration: integrations[handledBy] });
    }
    new HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: config.throttle.rate, burstLimit: config.throttle.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(
          new LogGroup(this, 'AccessLogs', {
            retention: config.logRetention,
            removalPolicy: RemovalPolicy.DESTROY,
          }),
        ),
        // The route and not the path, which holds the listener's id; no address either.
        format: AccessLogFormat.custom(
          JSON.stringify({
            requestId: '$context.requestId',
            time: '$context.requestTime',
            route: '$context.routeKey',
            status: '$context.status',
            latencyMs: '$context.responseLatency',
            integrationLatencyMs: '$context.integrationLatency',
            integrationError: '$context.integrationErrorMessage',
            error: '$context.error.message',
          }),
        ),
      },
    });
    new CfnOutput(this, 'ApiUrl', { value: api.apiEndpoint });
  }
}

/** What the HTTP API says to pages of other origins; nothing where none is configured. */
function corsOf({ corsOrigins }: StageConfig): Pick<HttpApiProps, 'corsPreflight'> {
  if (corsOrigins.length === 0) return {};
  return {
    corsPreflight: {
      allowOrigins: [...corsOrigins],
      allowMethods: CORS_RULES.methods.map((method) => CorsHttpMethod[method]),
      allowHeaders: [...CORS_RULES.requestHeaders],
      exposeHeaders: [...CORS_RULES.exposedHeaders],
      maxAge: Duration.seconds(CORS_RULES.maxAgeSeconds),
    },
  };
}
