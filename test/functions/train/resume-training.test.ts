import { describe, expect, it } from 'vitest';
import type { TrainingResult } from '../../../functions/train/run-training.ts';
import { currentManifest } from '../../../functions/train/saved-parts.ts';
import type { TrainingPorts } from '../../../functions/train/training-ports.ts';
import { decodeCandidateShard, shardPath } from '../../../layers/core/src/artifact/candidates-file.ts';
import { HETREC_FILES } from '../../../layers/core/src/data/hetrec.ts';
import { readPointer, POPULAR_KEY, versionKey } from '../../../layers/core/src/publish/pointer.ts';
import { makeEvent } from '../../core/events/make-event.ts';
import { EVENT, keyOf, NOW, trainingWorld } from './training-world.ts';

const DAY_MS = 86_400_000;
const DEADLINE = { deadlineMs: NOW + 10 };

type World = Awaited<ReturnType<typeof trainingWorld>>;

/** A candidate store for which each record takes a millisecond. */
const slow = ({ candidateStore, pass, ports }: World): TrainingPorts['candidateStore'] => ({
  ...candidateStore,
  write: async (version, records, options) => {
    let count = 0;
    for (const record of records) {
      if (ports.clock() >= (options.deadlineMs ?? Infinity)) break;
      count += await candidateStore.write(version, [record], options);
      pass(1);
    }
    return count;
  },
});

/** A world in which a training has run out of time among its candidates. */
async function interrupted(prepare: (world: World) => Promise<unknown> = async () => undefined) {
  const world = await trainingWorld();
  await prepare(world);
  const left = await world.run({ candidateStore: slow(world) }, DEADLINE);
  expect(left).toMatchObject({ outcome: 'deadline', resumed: false });
  const steps: string[] = [];
  const progress: TrainingPorts['progress'] = {
    step: (name) => {
      steps.push(name);
      return { advance: () => undefined, end: () => undefined };
    },
  };
  const again = (change: Partial<TrainingPorts> = {}, options = {}): Promise<TrainingResult> => {
    steps.length = 0;
    return world.run({ progress, ...change }, options);
  };
  const shard = await world.modelStore.get(versionKey(left.modelVersion!, shardPath(0)));
  /** In the order in which their records are stored. */
  const listeners = decodeCandidateShard(shard!.body).map(({ userId }) => userId);
  expect(listeners.length).toBeGreaterThan(30);
  return { ...world, left, again, steps, listeners };
}

describe('a training after one that could not publish', () => {
  it('finishes what that one had trained, without training', async () => {
    const { left, again, steps, modelStore } = await interrupted();
    expect(await again()).toMatchObject({
      outcome: 'published',
      resumed: true,
      modelVersion: left.modelVersion,
      metrics: left.metrics,
      events: null,
    });
    expect(steps).toEqual(['drain', 'read', 'publish']);
    expect((await readPointer(modelStore))?.pointer).toMatchObject({ version: left.modelVersion, fence: 1 });
  });

  it('serves the same as if that one had had the time', async () => {
    const { left, again, ...world } = await interrupted();
    await again();
    const undisturbed = await trainingWorld();
    const { modelVersion } = await undisturbed.run();
    expect(modelVersion).toBe(left.modelVersion);
    const popular = await undisturbed.modelStore.get(POPULAR_KEY);
    expect(popular).toBeDefined();
    expect(await world.modelStore.get(POPULAR_KEY)).toEqual(popular);
    for (const userId of world.listeners) {
      const record = await undisturbed.candidateStore.read(userId, modelVersion!);
      expect(record).toBeDefined();
      expect(await world.candidateStore.read(userId, modelVersion!)).toEqual(record);
    }
  });

  it('goes on where even that runs out of time, until it is published', async () => {
    const { again, ...world } = await interrupted();
    const outcomes: string[] = [];
    for (let run = 0; outcomes.at(-1) !== 'published' && run < 9; run++) {
      const deadlineMs = world.ports.clock() + 10;
      const { outcome, resumed } = await again({ candidateStore: slow(world) }, { deadlineMs });
      expect(resumed).toBe(true);
      outcomes.push(outcome);
    }
    // 40 listeners, 10 a run, 10 stored before; the third finds no time left for the pointer.
    expect(outcomes).toEqual(['deadline', 'deadline', 'deadline', 'published']);
  });

  it('leaves events that came since to the next one', async () => {
    const { again, eventLog, recordOf, ports } = await interrupted();
    const at = ports.clock();
    await eventLog.append([makeEvent({ userId: 'new-listener', artistId: '1', at, plays: 9 })]);
    const resumed = await again();
    expect(resumed).toMatchObject({ resumed: true, events: null });
    expect(await recordOf('new-listener', resumed.modelVersion!)).toBeUndefined();
    const next = await again();
    expect(next).toMatchObject({ outcome: 'published', resumed: false });
    expect(await recordOf('new-listener', next.modelVersion!)).toBeDefined();
  });

  it('leaves out who was erased since', async () => {
    const { again, erase, recordOf, textOf, listeners } = await interrupted();
    // Of the first ten records, and of the rest.
    const erased = [listeners[3]!, listeners[30]!];
    for (const userId of erased) await erase(userId);
    const { resumed, modelVersion } = await again();
    expect(resumed).toBe(true);
    for (const userId of listeners) {
      const isKept = (await recordOf(userId, modelVersion!)) !== undefined;
      expect([userId, isKept]).toEqual([userId, !erased.includes(userId)]);
    }
    expect(await textOf(HETREC_FILES.plays)).not.toMatch(new RegExp(`^${erased[1]}\t`, 'm'));
  });

  it('knows the files again out of which that one took the rows of erased listeners', async () => {
    const { left, again, modelStore } = await interrupted(({ erase }) => erase('3'));
    expect(await again()).toMatchObject({ resumed: true, modelVersion: left.modelVersion });
    const manifest = (await currentManifest(modelStore))!;
    expect(manifest.rewrittenFingerprint).not.toBe(manifest.datasetFingerprint);
  });

  it('trains where there is nothing left to finish', async () => {
    const { left, again } = await interrupted();
    await again();
    const next = await again();
    expect(next).toMatchObject({ outcome: 'published', resumed: false });
    expect(next.modelVersion).not.toBe(left.modelVersion);
  });

  it.each<[string, (world: World) => Promise<unknown> | undefined, object, object]>([
    ['is told not to resume', () => undefined, {}, { resume: false }],
    ['has other parameters', () => undefined, {}, { c: 2 }],
    ['is of other code', () => undefined, { codeVersion: 'other' }, {}],
    ['comes a day later', async ({ pass }) => pass(DAY_MS - 10), {}, {}],
    [
      'reads other files',
      async ({ modelStore, textOf }) => {
        const text = await textOf(HETREC_FILES.plays);
        const more = new TextEncoder().encode(text.replace(/\t(\d+)\n/, '\t1$1\n'));
        await modelStore.put(keyOf(HETREC_FILES.plays), more);
      },
      {},
      {},
    ],
  ])('trains anew where it %s', async (_, prepare, change, options) => {
    const { left, modelStore, ...world } = await interrupted();
    await prepare({ ...world, modelStore });
    const event = { ...EVENT, options: { ...EVENT.options, ...options } };
    const result = await world.run(change, {}, event);
    expect(result).toMatchObject({ outcome: 'published', resumed: false });
    expect(result.modelVersion).not.toBe(left.modelVersion);
  });

  it('trains anew where the version is damaged, and says why', async () => {
    const { left, again, modelStore } = await interrupted();
    await modelStore.put(versionKey(left.modelVersion!, 'report.json'), Uint8Array.of(1));
    const messages: string[] = [];
    const result = await again({ onPassedOver: (message) => messages.push(message) });
    expect(result).toMatchObject({ outcome: 'published', resumed: false });
    expect(messages).toEqual([expect.stringContaining('has a file report.json of 1 bytes')]);
  });
});
