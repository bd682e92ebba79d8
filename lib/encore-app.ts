import { Tags, Validations, type App } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { acknowledgePrefixes } from './acknowledgements.ts';
import { readStageConfig } from './config.ts';
import { DataStack } from './data-stack.ts';
import { ObservabilityStack, STAGE_TAG } from './observability-stack.ts';
import { PageStack } from './page-stack.ts';
import { ServingStack } from './serving-stack.ts';
import { TrainingStack } from './training-stack.ts';

/** The stacks of one stage. */
export interface EncoreStacks {
  readonly data: DataStack;
  readonly training: TrainingStack;
  readonly serving: ServingStack;
  readonly observability: ObservabilityStack;
  /** `null` where the stage has no page. */
  readonly page: PageStack | null;
}

/**
 * Adds the stacks of the stage that the app's context names. They are bound to no account and region: those come from
 * the credentials of whoever deploys.
 *
 * @throws When a context value is not allowed.
 */
export function addStage(app: App): EncoreStacks {
  const config = readStageConfig(app.node.getAllContext());
  const stackName = (part: string): string => `encore-${config.stage}-${part}`;
  const data = new DataStack(app, stackName('data'), {
    config,
    description: 'Encore: data sets, models, candidates and exposures',
  });
  const training = new TrainingStack(app, stackName('training'), {
    config,
    data,
    description: 'Encore: scheduled training',
  });
  const serving = new ServingStack(app, stackName('serving'), {
    config,
    data,
    description: 'Encore: recommendations over HTTPS',
  });
  // What serves has to read what training writes: it is deployed first.
  training.addStackDependency(serving);
  const observability = new ObservabilityStack(app, stackName('observability'), {
    config,
    watched: {
      api: serving.api,
      serving: serving.functions,
      training: training.functions,
      failedTrainings: training.failures,
      upkeep: training.upkeep,
      failedRuns: training.failedRuns,
      tables: data,
    },
    description: 'Encore: alarms, dashboard, costs',
  });
  const page =
    config.page === null
      ? null
      : new PageStack(app, stackName('page'), {
          config: { auth: config.auth, page: config.page },
          api: serving.api,
          description: 'Encore: the page, and the API at the same host',
        });
  acknowledgePrefixes(app, data);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  // A dashboard has no cost to tell apart, and not every tool knows that it may have tags.
  Tags.of(app).add(STAGE_TAG, config.stage, {
    excludeResourceTypes: ['AWS::CloudWatch::Dashboard'],
  });
  return { data, training, serving, observability, page };
}
