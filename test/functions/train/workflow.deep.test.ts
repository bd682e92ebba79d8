import { describe, expect, it } from 'vitest';
import type { StepRequest } from '../../../functions/train/steps/request.ts';
import { SAMPLE_DIR, SAMPLE_NOW } from '../../core/sample.ts';
import { definitionOf, workflowTemplate } from '../../stacks/workflow-stack.ts';
import { runWorkflow } from './local-workflow.ts';
import { createWorld, DATASET, expectSameVersion, servedVersion, trainInOne } from './workflow-world.ts';

const folder = process.env['ENCORE_DATA'] ?? '';
const EVENT = {
  dataset: DATASET,
  preset: 'full',
  options: { effort: process.env['ENCORE_WORKFLOW_EFFORT'] ?? 'default' },
  now: Date.UTC(2026, 0, 1),
};

describe.skipIf(folder === '')('the training workflow on the real data', () => {
  it('publishes what the training in one invocation does, byte for byte', async () => {
    const [one, steps] = [await createWorld(folder), await createWorld(folder)];
    try {
      const seconds: Record<string, number> = {};
      const startedAt = performance.now();
      await trainInOne(one, EVENT);
      seconds['in one'] = (performance.now() - startedAt) / 1000;
      let began = performance.now();
      let step = 'prepare';
      const turn = (next: string): void => {
        seconds[step] = (seconds[step] ?? 0) + (performance.now() - began) / 1000;
        began = performance.now();
        step = next;
      };
      await runWorkflow(definitionOf(workflowTemplate()), steps, {
        name: 'run',
        input: EVENT,
        before: (request) => {
          if (request.step !== step) turn(request.step);
        },
      });
      turn('ended');
      console.log(seconds);
      await expectSameVersion(one, steps);
      expect((await servedVersion(steps)).records.size).toBe(1892);
    } finally {
      await one.close();
      await steps.close();
    }
  });
});

it('publishes what the training in one invocation does on the sample, byte for byte', async () => {
  const [one, steps] = [await createWorld(SAMPLE_DIR), await createWorld(SAMPLE_DIR)];
  const input = { ...EVENT, now: SAMPLE_NOW, options: { effort: 'low' } };
  try {
    await trainInOne(one, input);
    await runWorkflow(definitionOf(workflowTemplate()), steps, { name: 'run', input });
    await expectSameVersion(one, steps);
    expect((await servedVersion(steps)).records.size).toBe(300);
  } finally {
    await one.close();
    await steps.close();
  }
});

it('publishes nothing and releases the lease where the quality gate refuses', async () => {
  const world = await createWorld(SAMPLE_DIR);
  const definition = definitionOf(workflowTemplate());
  const SEED = { dataset: DATASET, preset: 'seed', now: SAMPLE_NOW };
  await trainInOne(world, { ...SEED, options: { svdEpochs: 2, maxFeatures: 200 } });
  const before = (await servedVersion(world)).version;
  const worse = { ...SEED, options: { svdEpochs: 2, maxFeatures: 1 } };
  await expect(runWorkflow(definition, world, { name: 'run', input: worse })).rejects.toThrow(
    'nothing is published',
  );
  expect((await servedVersion(world)).version).toBe(before);
  expect(await world.leaseStore.acquire('somebody-else', Date.now(), 1000)).toBeDefined();
  await world.close();
});

/** A fit whose every shard fails, always. */
function cutOff(request: StepRequest): void {
  if (request.step === 'candidates' && request.fit === 1) throw new Error('the function was cut off');
}

it('gives up on a shard that fails in every round, releases the lease and publishes nothing', async () => {
  const world = await createWorld(SAMPLE_DIR);
  const definition = definitionOf(workflowTemplate());
  const input = { dataset: DATASET, preset: 'seed', options: { svdEpochs: 2 }, now: SAMPLE_NOW };
  await expect(runWorkflow(definition, world, { name: 'run', input, before: cutOff })).rejects.toThrow(
    'candidates: some shards of listeners failed in each of 3 rounds',
  );
  expect(await world.leaseStore.acquire('somebody-else', Date.now(), 1000)).toBeDefined();
  expect(await world.modelStore.list('models/')).toEqual([]);
  await world.close();
});
