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
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { EventsVariables } from '../functions/events/env.ts';
import type { ExperimentsVariables } from '../functions/experiments/env.ts';
import type { ModelsVariables } from '../functions/models/env.ts';
import type { RecommendVariables } from '../functions/recommend/env.ts';
import { gateOf, ROUTES, type HttpFunction } from '../functions/routes.ts';
import { TABLES } from '../functions/shared/tables.ts';
import type { UsersVariables } from '../functions/users/env.ts';
import { acknowledgeOpenRoute } from './acknowledgements.ts';
import { createAuthorization } from './auth.ts';
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
  readonly api: HttpApi;
  readonly functions: Readonly<Record<HttpFunction, IFunction>>;

  constructor(scope: Construct, id: string, props: ServingStackProps) {
    super(scope, id, props);
    const { config, data } = props;
    const { bucket, candidates, events, experiments, exposures, leases, tombstones } = data;

    const layer = new CoreLayer(this, 'CoreLayer');
    const auth = { AUTH_MODE: config.auth.mode, ADMIN_SCOPE: config.auth.adminScope };
    const recommend = new EncoreFunction<RecommendVariables>(this, 'Recommend', {
      source: 'recommend',
      description: 'Ranks a listener’s candidates and logs what was served',
      layer,
      environment: {
        ...auth,
        BUCKET_NAME: bucket.bucketName,
        CANDIDATES_TABLE: candidates.tableName,
        EXPOSURES_TABLE: exposures.tableName,
        EVENTS_TABLE: events.tableName,
        EXPERIMENTS_TABLE: experiments.tableName,
      },
      // Ranking takes microseconds; the memory buys the CPU that a cold start decodes the model with.
      memoryMiB: 1_024,
      timeout: Duration.seconds(10),
      config,
    });
    recommend.allow(['s3:GetObject'], [bucket.arnForObjects('models/*')]);
    // Without it S3 answers 403 and not 404 where there is no object: a stage without a model would look broken.
    recommend.allow(['s3:ListBucket'], [bucket.bucketArn]);
    recommend.allow(['dynamodb:GetItem'], [candidates.tableArn]);
    recommend.allow(['dynamodb:PutItem'], [exposures.tableArn]);

    recommend.allow(['dynamodb:Query'], [events.tableArn]);
    recommend.allow(['dynamodb:Scan'], [experiments.tableArn]);

    const acceptEvents = new EncoreFunction<EventsVariables>(this, 'AcceptEvents', {
      source: 'events',
      description: 'Stores what listeners did',
      layer,
      environment: { ...auth, EVENTS_TABLE: events.tableName },
      memoryMiB: 512,
      timeout: Duration.seconds(15),
      config,
    });
    acceptEvents.allow(['dynamodb:PutItem'], [events.tableArn]);

    const configureExperiments = new EncoreFunction<ExperimentsVariables>(this, 'ConfigureExperiments', {
      source: 'experiments',
      description: 'Keeps experiments and reads them out',
      layer,
      environment: {
        ...auth,
        EXPERIMENTS_TABLE: experiments.tableName,
        EXPOSURES_TABLE: exposures.tableName,
        EVENTS_TABLE: events.tableName,
      },
      // A read-out goes through days of exposures.
      memoryMiB: 1_769,
      timeout: Duration.seconds(29),
      config,
    });
    configureExperiments.allow(
      ['dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:Scan'],
      [experiments.tableArn],
    );
    configureExperiments.allow(
      ['dynamodb:Query'],
      [exposures.tableArn, `${events.tableArn}/index/${TABLES.events.index.name}`],
    );

    const models = new EncoreFunction<ModelsVariables>(this, 'Models', {
      source: 'models',
      description: 'Lists model versions and activates them',
      layer,
      environment: {
        ...auth,
        BUCKET_NAME: bucket.bucketName,
        CANDIDATES_TABLE: candidates.tableName,
        LEASES_TABLE: leases.tableName,
        TOMBSTONES_TABLE: tombstones.tableName,
      },
      // A model of 60 MB is read whole, and hashed.
      memoryMiB: 1_024,
      timeout: Duration.seconds(29),
      config,
    });
    models.allow(['s3:GetObject'], [bucket.arnForObjects('models/*'), bucket.arnForObjects('keys/erasure')]);
    // The pointer, and a version's state.
    models.allow(['s3:PutObject'], [bucket.arnForObjects('models/*')]);
    models.allow(['s3:ListBucket'], [bucket.bucketArn]);
    models.allow(['dynamodb:BatchWriteItem', 'dynamodb:GetItem', 'dynamodb:Query'], [candidates.tableArn]);
    models.allow(['dynamodb:UpdateItem'], [leases.tableArn]);
    models.allow(['dynamodb:Scan'], [tombstones.tableArn]);

    const users = new EncoreFunction<UsersVariables>(this, 'Users', {
      source: 'users',
      description: 'Forgets listeners who ask for it',
      layer,
      environment: {
        ...auth,
        BUCKET_NAME: bucket.bucketName,
        CANDIDATES_TABLE: candidates.tableName,
        EVENTS_TABLE: events.tableName,
        EXPOSURES_TABLE: exposures.tableName,
        TOMBSTONES_TABLE: tombstones.tableName,
      },
      memoryMiB: 512,
      timeout: Duration.seconds(29),
      config,
    });
    users.allow(['s3:GetObject', 's3:PutObject'], [bucket.arnForObjects('keys/erasure')]);
    users.allow(['s3:ListBucket'], [bucket.bucketArn]);
    users.allow(
      ['dynamodb:BatchWriteItem', 'dynamodb:Query'],
      [candidates.tableArn, events.tableArn, exposures.tableArn],
    );
    users.allow(['dynamodb:UpdateItem'], [tombstones.tableArn]);

    this.functions = { recommend, events: acceptEvents, experiments: configureExperiments, models, users };
    const api = new HttpApi(this, 'Api', {
      description: 'Encore',
      createDefaultStage: false,
      ...corsOf(config),
    });
    this.api = api;
    const authorizationOf = createAuthorization(config.auth);
    const integrations = {
      recommend: new HttpLambdaIntegration('RecommendIntegration', recommend),
      events: new HttpLambdaIntegration('AcceptEventsIntegration', acceptEvents),
      experiments: new HttpLambdaIntegration('ConfigureExperimentsIntegration', configureExperiments),
      models: new HttpLambdaIntegration('ModelsIntegration', models),
      users: new HttpLambdaIntegration('UsersIntegration', users),
    } satisfies Record<HttpFunction, HttpLambdaIntegration>;
    for (const route of ROUTES) {
      const added = api.addRoutes({
        path: route.path,
        methods: [HttpMethod[route.method]],
        integration: integrations[route.handledBy],
        ...authorizationOf(route),
      });
      if (gateOf(config.auth.mode, route) === 'none') added.forEach(acknowledgeOpenRoute);
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
