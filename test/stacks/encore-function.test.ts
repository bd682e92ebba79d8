import { describe, expect, it } from 'vitest';
import { recommendVariables } from '../../functions/recommend/env.ts';
import { trainVariables } from '../../functions/train/env.ts';
import { upkeepVariables } from '../../functions/upkeep/env.ts';
import { functionsOf, propertiesOf, resourcesOf, synthesise } from './synthesise.ts';

const { data, training, serving } = synthesise();

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

describe('the stacks of a stage', () => {
  it('have functions only where there is a layer', () => {
    expect(functionsOf(data).size).toBe(0);
  });

  it.each([
    ['Recommend', serving, recommendVariables],
    ['Train', training, trainVariables],
    ['UpkeepFunction', training, upkeepVariables],
  ])('tell the function %s every variable that it parses', (id, template, variables) => {
    const [, lambda] = [...functionsOf(template)].find(([logicalId]) => logicalId.startsWith(id))!;
    expect(Object.keys(lambda.Environment.Variables)).toEqual(
      expect.arrayContaining(Object.keys(variables.shape)),
    );
  });
});
