import { expect, it } from 'vitest';
import { z } from 'zod';
import { createObservability } from '../../../functions/shared/observability.ts';
import { localContext } from '../../../functions/train/handler.ts';
import { createStepHandler } from '../../../functions/train/steps/handler.ts';
import type { TrainingPorts } from '../../../functions/train/training-ports.ts';
import { decodeManifest } from '../../../layers/core/src/artifact/manifest.ts';
import { decodeCandidateShard } from '../../../layers/core/src/artifact/candidates-file.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import { readPointer, versionKey } from '../../../layers/core/src/publish/pointer.ts';
import { EVENT, trainingWorld } from './training-world.ts';

const observability = createObservability('train', { LOG_LEVEL: 'SILENT', METRICS: 'off', STAGE: 'dev' });
const prepared = z.object({ outcome: z.string(), fits: z.array(z.int()), models: z.array(z.int()) });
const pending = z.object({ items: z.string(), missing: z.int() });
const INVOCATION_MS = 15 * 60_000;
const items = z.array(z.record(z.string(), z.int()));

/** The steps of a run one after the other, as the state machine has them, over stores in memory. */
function stepsOver(ports: TrainingPorts) {
  const handler = createStepHandler(ports, observability);
  const context = { ...localContext(), getRemainingTimeInMillis: () => INVOCATION_MS };
  const step = (request: object): Promise<unknown> => handler(request, context);
  const shards = async (name: 'candidates' | 'recommendations', run: string, key: string): Promise<void> => {
    const { body } = (await ports.modelStore.get(key))!;
    for (const item of items.parse(JSON.parse(new TextDecoder().decode(body)))) {
      await step({ step: name, run, ...item });
    }
  };
  return {
    publish: (run: string) => step({ step: 'publish', run }),
    /** Everything before it. */
    upToPublish: async (run: string): Promise<void> => {
      const found = await step({ step: 'prepare', execution: run, input: EVENT });
      const { fits, models } = prepared.parse(found);
      const { pending: before } = z.object({ pending }).parse(found);
      for (const fit of fits) await step({ step: 'factorise', run, fit });
      await shards('candidates', run, before.items);
      for (const model of models) await step({ step: 'rank', run, model });
      for (const model of models) await step({ step: 'evaluate', run, model });
      await step({ step: 'gate', run });
      await shards('recommendations', run, pending.parse(await step({ step: 'encode', run })).items);
    },
  };
}

/** The stored record of each listener of the version served, beside the one that its files say. */
async function recordsOf({ modelStore, candidateStore }: Awaited<ReturnType<typeof trainingWorld>>) {
  const { version } = (await readPointer(modelStore))!.pointer;
  const read = async (path: string): Promise<Uint8Array> =>
    (await modelStore.get(versionKey(version, path)))!.body;
  const { files } = decodeManifest(await read('manifest.json'));
  const found: { readonly userId: string; readonly stored: unknown; readonly kept: Uint8Array }[] = [];
  for (const path of Object.keys(files).filter((name) => name.startsWith('candidates/'))) {
    for (const { userId, record } of decodeCandidateShard(await read(path))) {
      found.push({ userId, stored: await candidateStore.read(userId, version), kept: record });
    }
  }
  return found;
}

it('takes nothing of a run whose plan has expired for its own', async () => {
  const [world, fresh] = [await trainingWorld(), await trainingWorld()];
  await stepsOver(world.ports).upToPublish('run');
  // A lifecycle rule goes by days: what was written before midnight goes a day before what was written after it.
  await world.modelStore.delete(['work/run/plan.v8', 'work/run/dataset.v8']);
  for (const each of [world, fresh]) {
    each.pass(4 * 86_400_000);
    // A listener less: everybody behind them moves up a place.
    await each.erase('3');
    const steps = stepsOver(each.ports);
    await steps.upToPublish('run');
    expect(await steps.publish('run')).toMatchObject({ outcome: 'published' });
  }
  const [found, expected] = [await recordsOf(world), await recordsOf(fresh)];
  expect(found.length).toBeGreaterThan(30);
  expect(found).toEqual(expected);
});

it('ends a publication in steps though somebody is erased between two attempts', async () => {
  const world = await trainingWorld();
  await stepsOver(world.ports).upToPublish('run');
  let halted = false;
  const halting: TrainingPorts = {
    ...world.ports,
    candidateStore: {
      ...world.candidateStore,
      write: async (version, records, options) => {
        if (halted) return world.candidateStore.write(version, records, options);
        halted = true;
        // Half of it, and the time is over; meanwhile somebody asks to be forgotten who is stored already, and would be read back.
        const count = await world.candidateStore.write(version, records.slice(0, 20), options);
        await world.erase(records[0]!.userId);
        world.pass(INVOCATION_MS);
        return count;
      },
    },
  };
  const steps = stepsOver(halting);
  expect(await steps.publish('run')).toMatchObject({ outcome: 'deadline' });
  expect(await steps.publish('run')).toMatchObject({ outcome: 'published' });
  const records = await recordsOf(world);
  expect(records.filter(({ stored }) => stored === undefined)).toHaveLength(1);
});

it('says of a step that failed as a store did not answer that it did not, whatever was tried in vain', async () => {
  const world = await trainingWorld();
  await stepsOver(world.ports).upToPublish('run');
  const put: typeof world.modelStore.put = (key, body) =>
    key.startsWith('models/')
      ? Promise.reject(new EncoreError('STORE_UNAVAILABLE', 'the store does not answer', { store: 's3' }))
      : world.modelStore.put(key, body);
  const { publish } = stepsOver({ ...world.ports, modelStore: { ...world.modelStore, put } });
  await expect(publish('run')).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
  expect(await stepsOver(world.ports).publish('run')).toMatchObject({ outcome: 'published' });
});
