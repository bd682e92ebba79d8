import { afterEach, describe, expect, it, vi } from 'vitest';
import type { StepRequest } from '../../../functions/train/steps/request.ts';
import { SAMPLE_DIR, SAMPLE_NOW } from '../../core/sample.ts';
import { definitionOf, workflowTemplate } from '../../stacks/workflow-stack.ts';
import { runWorkflow } from './local-workflow.ts';
import {
  createWorld,
  DATASET,
  expectSameVersion,
  servedVersion,
  trainInOne,
  type World,
} from './workflow-world.ts';

const definition = definitionOf(workflowTemplate());
const SEED = { dataset: DATASET, preset: 'seed', options: { svdEpochs: 2 }, now: SAMPLE_NOW };

// Whole trainings, on a machine that may do other things besides.
vi.setConfig({ testTimeout: 600_000 });

const worlds: World[] = [];
async function sampleWorld(): Promise<World> {
  const world = await createWorld(SAMPLE_DIR);
  worlds.push(world);
  return world;
}
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

const leftovers = (world: World): Promise<readonly string[]> => world.modelStore.list('work/');
const isFree = async (world: World): Promise<boolean> =>
  (await world.leaseStore.acquire('somebody-else', Date.now(), 1000)) !== undefined;

describe('the training workflow', () => {
  // The preset full is in workflow.deep.test.ts.
  it('publishes what the training in one invocation does, byte for byte', async () => {
    const [one, steps] = [await sampleWorld(), await sampleWorld()];
    await trainInOne(one, SEED);
    await runWorkflow(definition, steps, { name: 'run', input: SEED });
    await expectSameVersion(one, steps);
    expect((await servedVersion(steps)).records.size).toBe(300);
    expect(await leftovers(steps)).toEqual(['work/run/published.v8']);
    expect(await isFree(steps)).toBe(true);
  });

  it('does a shard that failed in every attempt of the first round in the second, and no other', async () => {
    const world = await sampleWorld();
    const tried: string[] = [];
    let completed = 0;
    const before = (request: StepRequest): void => {
      if (request.step === 'complete' && request.shards === 'candidates') completed++;
      if (request.step !== 'candidates') return;
      tried.push(`fit ${request.fit} from ${request.from} in round ${completed}`);
      if (request.fit === 1 && request.from === 250 && completed === 0)
        throw new Error('the function was cut off');
    };
    await runWorkflow(definition, world, { name: 'run', input: SEED, before });
    expect(tried.toSorted()).toEqual([
      'fit 0 from 0 in round 0',
      'fit 0 from 250 in round 0',
      'fit 1 from 0 in round 0',
      'fit 1 from 250 in round 0',
      'fit 1 from 250 in round 0',
      'fit 1 from 250 in round 0',
      'fit 1 from 250 in round 1',
    ]);
    expect((await servedVersion(world)).records.size).toBe(300);
  });

  it('goes on with what an execution that died has fitted, without fitting it again', async () => {
    const world = await sampleWorld();
    const fitted: string[] = [];
    const dying = (request: StepRequest): void => {
      if (request.step === 'factorise') fitted.push(`fit ${request.fit}`);
      if (request.step === 'rank') throw new Error('the function was cut off');
    };
    await expect(
      runWorkflow(definition, world, { name: 'first', input: SEED, before: dying }),
    ).rejects.toThrow('cut off');
    // A fit writes its tables anew.
    const tables = ['work/first/fits/0/tables.v8', 'work/first/fits/1/tables.v8'];
    await world.modelStore.delete(tables);
    const atRank: string[] = [];
    await runWorkflow(definition, world, {
      name: 'second',
      input: { ...SEED, run: 'first' },
      before: async ({ step }) => {
        if (step === 'rank') atRank.push(...(await leftovers(world)));
      },
    });
    expect(fitted.toSorted()).toEqual(['fit 0', 'fit 1']);
    expect(atRank).toContain('work/first/fits/1/head.v8');
    expect(atRank).not.toContain('work/first/fits/1/tables.v8');
    expect(atRank).not.toContain('work/first/fits/0/tables.v8');
    expect((await servedVersion(world)).records.size).toBe(300);
  });

  it('leaves a training that is under way alone', async () => {
    const world = await sampleWorld();
    await world.leaseStore.acquire('somebody-else', Date.now(), 60_000);
    const answer = await runWorkflow(definition, world, { name: 'run', input: SEED });
    expect(answer).toMatchObject({ outcome: 'busy' });
    expect(await leftovers(world)).toEqual([]);
  });
});
