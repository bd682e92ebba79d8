import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { eventsVariables } from '../../functions/events/env.ts';
import { experimentsVariables } from '../../functions/experiments/env.ts';
import { modelsVariables } from '../../functions/models/env.ts';
import { recommendVariables } from '../../functions/recommend/env.ts';
import { trainVariables } from '../../functions/train/env.ts';
import { upkeepVariables } from '../../functions/upkeep/env.ts';
import { usersVariables } from '../../functions/users/env.ts';
import type { FunctionName } from '../../lib/build/function-names.ts';
import { functionsOf, propertiesOf, resourcesOf, synthesise, VARIANTS, variablesOf } from './synthesise.ts';

const { training, serving } = synthesise();

describe.each([
  ['training', training],
  ['serving', serving],
])('every function of the %s stack', (_, template) => {
  const functions = functionsOf(template);

  it('runs the Node.js that the bundles are made for, on arm64, traced', () => {
    expect(functions.size).toBeGreaterThan(0);
    for (const lambda of propertiesOf(template, 'AWS::Lambda::Function')) {
      expect(lambda).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'handler.handler',
        TracingConfig: { Mode: 'Active' },
      });
    }
  });

  it('has the core layer, and no other', () => {
    const layers = Object.keys(resourcesOf(template, 'AWS::Lambda::LayerVersion'));
    expect(layers).toHaveLength(1);
    for (const [id, { Layers }] of functions) expect([id, Layers]).toEqual([id, [`<${layers[0]!}>`]]);
  });

  it('knows which code it runs', () => {
    for (const { Environment } of functions.values()) {
      expect(Environment.Variables['CODE_VERSION']).toMatch(/^[0-9a-f]{12}$/);
    }
  });

  it('has a role of its own without managed policies', () => {
    expect(new Set([...functions.values()].map(({ Role }) => Role)).size).toBe(functions.size);
    for (const role of propertiesOf(template, 'AWS::IAM::Role')) {
      expect(role).not.toHaveProperty('ManagedPolicyArns');
    }
  });
});

/** What a function asks of the stack, by its folder. */
const ASKED: Readonly<Record<FunctionName, { readonly shape: object }>> = {
  recommend: recommendVariables,
  events: eventsVariables,
  experiments: experimentsVariables,
  models: modelsVariables,
  users: usersVariables,
  upkeep: upkeepVariables,
  train: trainVariables,
  'train/steps': trainVariables,
};

/** What is the same in all stages: names of what holds data, by the ids of constructs. */
const REFERENCES: Readonly<Record<string, string>> = {
  BUCKET_NAME: '<Bucket>',
  CANDIDATES_TABLE: '<Candidates>',
  EVENTS_TABLE: '<Events>',
  EXPERIMENTS_TABLE: '<Experiments>',
  EXPOSURES_TABLE: '<Exposures>',
  LEASES_TABLE: '<Leases>',
  TOMBSTONES_TABLE: '<Tombstones>',
};

interface Expected {
  /** The folders of the functions that train. */
  readonly training: readonly FunctionName[];
  /** What functions are told by configuration. */
  readonly told: Readonly<Record<'STAGE' | 'AUTH_MODE' | 'ADMIN_SCOPE', string>>;
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  dev: {
    training: ['train'],
    told: { STAGE: 'dev', AUTH_MODE: 'iam', ADMIN_SCOPE: 'encore/admin' },
  },
  demo: {
    training: ['train'],
    told: { STAGE: 'dev', AUTH_MODE: 'demo', ADMIN_SCOPE: 'encore/admin' },
  },
  'prod, iam': {
    training: ['train'],
    told: { STAGE: 'prod', AUTH_MODE: 'iam', ADMIN_SCOPE: 'encore/admin' },
  },
  'prod, jwt': {
    training: ['train'],
    told: { STAGE: 'prod', AUTH_MODE: 'jwt', ADMIN_SCOPE: 'music/admin' },
  },
  'prod, jwt, workflow': {
    training: ['train/steps', 'train/steps'],
    told: { STAGE: 'prod', AUTH_MODE: 'jwt', ADMIN_SCOPE: 'encore/admin' },
  },
};

describe.each(Object.entries(VARIANTS))('the functions of the stage %s', (name, context) => {
  const stage = synthesise(context);
  const expected = EXPECTED[name]!;
  const functions = Object.values(stage).flatMap((template: Template | null) =>
    template === null ? [] : [...functionsOf(template).values()],
  );

  it('are made of the folders that are deployed there', () => {
    expect(functions.map(({ source }) => source).toSorted()).toEqual([
      'events',
      'experiments',
      'models',
      'recommend',
      ...expected.training,
      'upkeep',
      'users',
    ]);
  });

  it('are told all that they ask for, each name as what it is called after, and nothing else', () => {
    const known: Readonly<Record<string, string>> = { ...REFERENCES, ...expected.told };
    for (const lambda of functions) {
      const { source } = lambda;
      const asked = Object.keys(ASKED[source].shape);
      const variables = Object.entries(variablesOf(lambda, stage.data)).map(
        // The construct’s id, without CDK’s hash of it.
        ([variable, value]) => [variable, value.replace(/^<(\w+)[0-9A-F]{8}>$/, '<$1>')],
      );
      expect([source, Object.fromEntries(variables)]).toEqual([
        source,
        {
          ...Object.fromEntries(asked.map((variable) => [variable, known[variable]])),
          STAGE: expected.told.STAGE,
          // The random part of the stack’s id.
          LOG_HASH_KEY: '<AWS::StackId>.split(/)[2]',
          CODE_VERSION: expect.stringMatching(/^[0-9a-f]{12}$/),
        },
      ]);
    }
  });
});
