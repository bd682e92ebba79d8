import { Tags, Validations, type App } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { acknowledgePrefixes } from './acknowledgements.ts';
import { readStageConfig } from './config.ts';
import { DataStack } from './data-stack.ts';
import { ServingStack } from './serving-stack.ts';
import { TrainingStack } from './training-stack.ts';

/** The three stacks of one stage. */
export interface EncoreStacks {
  readonly data: DataStack;
  readonly training: TrainingStack;
  readonly serving: ServingStack;
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
  acknowledgePrefixes(app, data);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  Tags.of(app).add('encore:stage', config.stage);
  return { data, training, serving };
}
