import { describe, expect, it } from 'vitest';
import { createMemoryModelStore } from '../../../functions/shared/adapters/memory-stores.ts';
import { rewriteDataset } from '../../../functions/train/erasures.ts';
import { runTraining } from '../../../functions/train/run-training.ts';
import { currentManifest } from '../../../functions/train/saved-parts.ts';
import { decodeManifest } from '../../../layers/core/src/artifact/manifest.ts';
import { HETREC_FILES } from '../../../layers/core/src/data/hetrec.ts';
import type { ListenerEvent } from '../../../layers/core/src/ports.ts';
import { POINTER_KEY } from '../../../layers/core/src/publish/pointer.ts';
import { makeEvent } from '../../core/events/make-event.ts';
import { EVENT, NOW, trainingWorld } from './training-world.ts';

const DAY_MS = 86_400_000;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const event = (userId: string, artistId: string, more: Partial<ListenerEvent> = {}) =>
  makeEvent({ userId, artistId, at: NOW - 60_000, ...more });

describe('a training on what listeners did since', () => {
  it('publishes the same model bytes with an empty log as without one', async () => {
    const [one, other] = [await trainingWorld(), await trainingWorld()];
    const { events: _, erasure: __, ...bare } = other.ports;
    const withLog = await one.run();
    const without = await runTraining(bare, EVENT, { holder: 'run' });
    expect(withLog.events).toBeNull();
    expect(withLog.modelVersion).toBe(without.modelVersion);
    for (const key of await other.modelStore.list(`models/${without.modelVersion}/`)) {
      if (key.endsWith('manifest.json')) continue;
      expect(await one.modelStore.get(key)).toEqual(await other.modelStore.get(key));
    }
    const manifest = (await currentManifest(one.modelStore))!;
    expect(manifest.datasetFingerprint).toBe(manifest.inputFingerprint);
    expect(manifest.events).toBeUndefined();
  });

  it('shows in the next model: played artists are heard, disliked ones gone, new listeners known', async () => {
    const { run, recordOf, eventLog, modelStore, pass } = await trainingWorld();
    const first = await run();
    const before = (await recordOf('1', first.modelVersion!))!;
    const [played, liked, disliked, ...others] = before.candidates;
    expect(await recordOf('newcomer #1', first.modelVersion!)).toBeUndefined();
    await eventLog.append([
      event('1', played!, { plays: 40 }),
      event('1', liked!, { type: 'like' }),
      event('1', disliked!, { type: 'dislike' }),
      event('1', others[0]!, { type: 'click' }),
      event('newcomer #1', before.heard[0]!, { plays: 9 }),
      event('newcomer #1', before.heard[1]!, { type: 'like' }),
      event('newcomer #1', 'no such artist'),
    ]);
    pass(DAY_MS);
    const second = await run();
    expect(second.outcome).toBe('published');
    expect(second.events).toMatchObject({
      read: 7,
      merged: 5,
      newListeners: 1,
      unknownArtist: 1,
      ineffective: 1,
      hiddenPairs: 1,
      newEvents: 7,
    });
    const after = (await recordOf('1', second.modelVersion!))!;
    expect(after.heard.toSorted()).toEqual([...before.heard, played!, liked!].toSorted());
    for (const artist of [played!, liked!, disliked!]) expect(after.candidates).not.toContain(artist);
    const newcomer = (await recordOf('newcomer #1', second.modelVersion!))!;
    expect(newcomer.heard.toSorted()).toEqual(before.heard.slice(0, 2).toSorted());
    expect(newcomer.candidates.length).toBeGreaterThan(5);

    const manifest = (await currentManifest(modelStore))!;
    expect(manifest.events).toEqual(second.events);
    expect(manifest.inputFingerprint).not.toBe(manifest.datasetFingerprint);
    const report = JSON.parse(
      new TextDecoder().decode((await modelStore.get(`models/${second.modelVersion}/report.json`))!.body),
    );
    expect(report.events).toEqual(second.events);
    const csv = new TextDecoder().decode(
      (await modelStore.get(`models/${second.modelVersion}/recommendations.csv`))!.body,
    );
    expect(csv).toContain('\nnewcomer #1,');

    // Long after the table forgot the dislike it still holds.
    await eventLog.erase('1');
    pass(200 * DAY_MS);
    const third = await run();
    expect((await recordOf('1', third.modelVersion!))!.candidates).not.toContain(disliked);
    expect(third.modelVersion!.slice(17, 29)).toBe(second.modelVersion!.slice(17, 29));
  });

  it('names the input anew when events come in, and the data set as before', async () => {
    const { run, modelStore, eventLog, pass } = await trainingWorld();
    await run();
    const before = (await currentManifest(modelStore))!;
    await eventLog.append([event('1', '1')]);
    pass(1_000);
    await run();
    const after = (await currentManifest(modelStore))!;
    expect(after.datasetFingerprint).toBe(before.datasetFingerprint);
    expect(after.inputFingerprint).not.toBe(before.inputFingerprint);
  });

  it('has room for no more than its time: a drain past the deadline trains nothing', async () => {
    const { run, modelStore } = await trainingWorld();
    expect(await run({}, { deadlineMs: NOW })).toMatchObject({ outcome: 'deadline', modelVersion: null });
    expect(await modelStore.list('models/')).toEqual([]);
  });
});

describe('a training after an erasure', () => {
  it('leaves the listener out, and takes their rows out of the data set and its old partitions', async () => {
    const { run, recordOf, eventLog, modelStore, textOf, erase, pass } = await trainingWorld();
    await eventLog.append([event('1', '1', { plays: 5 }), event('2', '1', { plays: 5 })]);
    const first = await run();
    expect(await recordOf('1', first.modelVersion!)).toBeDefined();
    const before = await Promise.all(Object.values(HETREC_FILES).map(textOf));
    pass(1_000);
    await erase('1');
    pass(1_000);
    const second = await run();
    expect(second.outcome).toBe('published');
    expect(await recordOf('1', second.modelVersion!)).toBeUndefined();
    expect(await recordOf('2', second.modelVersion!)).toBeDefined();
    expect(second.events!.erasedRows).toBeGreaterThan(10);
    expect(second.events!.erasedEvents).toBe(1);
    const after = await Promise.all(Object.values(HETREC_FILES).map(textOf));
    Object.values(HETREC_FILES).forEach((file, i) => {
      const names = (line: string): boolean =>
        line.startsWith('1\t') || (file === HETREC_FILES.friends && /^\d+\t1\r?$/.test(line));
      const named = file === HETREC_FILES.artists || file === HETREC_FILES.tags ? () => false : names;
      expect(after[i]).toBe(
        before[i]!.split('\n')
          .filter((line) => !named(line))
          .join('\n'),
      );
    });
    for (const key of await modelStore.list(`models/${second.modelVersion}/`)) {
      if (!key.endsWith('.csv')) continue;
      expect(new TextDecoder().decode((await modelStore.get(key))!.body)).not.toMatch(/^1,/m);
    }
    // Nothing is left to be done.
    pass(1_000);
    const third = await run();
    expect(third.events).toMatchObject({ erasedRows: 0, erasedEvents: 0, partitionsWritten: 0 });
    expect(await recordOf('1', third.modelVersion!)).toBeUndefined();
  });

  it('knows a listener who came back by what came after it, and by nothing from before', async () => {
    const { run, recordOf, eventLog, erase, pass } = await trainingWorld();
    const first = await run();
    const { candidates } = (await recordOf('1', first.modelVersion!))!;
    pass(1_000);
    await erase('1', NOW + 1_000);
    pass(1_000);
    await eventLog.append([event('1', candidates[0]!, { plays: 3, at: NOW, receivedAt: NOW + 1_500 })]);
    const second = await run();
    expect((await recordOf('1', second.modelVersion!))!.heard).toEqual([candidates[0]]);
  });

  it('erases the candidates of who was erased while it ran, whichever way it ends', async () => {
    for (const deadlineMs of [Infinity, NOW + 1]) {
      const { run, recordOf, ports, erase, candidateStore, textOf, pass } = await trainingWorld();
      let erased = false;
      const slow: typeof ports.candidateStore = {
        ...candidateStore,
        write: async (version, records, { expiresAtMs }) => {
          // Between the reading of the tombstones and the writing of the candidates.
          if (!erased) await erase('1');
          erased = true;
          const count = await candidateStore.write(version, records, { expiresAtMs });
          pass(10);
          return deadlineMs === Infinity ? count : 0;
        },
      };
      const { modelVersion, outcome } = await run({ candidateStore: slow }, { deadlineMs });
      expect(outcome).toBe(deadlineMs === Infinity ? 'published' : 'deadline');
      expect(await recordOf('1', modelVersion!)).toBeUndefined();
      const [, other] = /^((?!1\t)\d+)\t/m.exec(await textOf(HETREC_FILES.plays))!;
      expect(await recordOf(other!, modelVersion!)).toBeDefined();
    }
  });

  it('serves nobody who was erased while candidates were written, and publishes all the same', async () => {
    const { run, erase, candidateStore, modelStore } = await trainingWorld();
    let gone: string | undefined;
    const slow: typeof candidateStore = {
      ...candidateStore,
      write: async (version, records, options) => {
        const count = await candidateStore.write(version, records, options);
        // The first record is one of those that are read back.
        if (gone === undefined) await erase((gone = records[0]!.userId));
        return count;
      },
    };
    const servedWith: unknown[] = [];
    const watched: typeof modelStore = {
      ...modelStore,
      putIf: async (key, body, etag) => {
        if (key === POINTER_KEY) {
          const { version } = JSON.parse(new TextDecoder().decode(body));
          servedWith.push(await candidateStore.read(gone!, version));
        }
        return modelStore.putIf(key, body, etag);
      },
    };
    const { outcome } = await run({ candidateStore: slow, modelStore: watched });
    expect(outcome).toBe('published');
    expect(servedWith).toEqual([undefined]);
  });

  it('erases what a run left behind that died before it could look again', async () => {
    const { run, recordOf, erase, pass, ports } = await trainingWorld();
    let asked = 0;
    const dying = {
      ...ports.erasure!,
      readErasures: () =>
        // When it begins, and before and after it writes candidates.
        asked++ < 3 ? ports.erasure!.readErasures() : Promise.reject(new Error('killed')),
    };
    await expect(run({ erasure: dying })).rejects.toThrow('killed');
    const left = (await currentManifest(ports.modelStore))!.modelVersion;
    const record = (await ports.candidateStore.read('1', left))!;
    await erase('1');
    // What the run that died wrote after the erasure.
    await ports.candidateStore.write(left, [{ userId: '1', record }], { expiresAtMs: Infinity });
    pass(1_000);
    await run();
    expect(await recordOf('1', left)).toBeUndefined();
  });

  it('trains on nothing when it cannot learn who was erased', async () => {
    const { run, ports, modelStore } = await trainingWorld();
    const erasure = { ...ports.erasure!, readErasures: () => Promise.reject(new Error('no tombstones')) };
    await expect(run({ erasure })).rejects.toThrow('no tombstones');
    expect(await modelStore.list('models/')).toEqual([]);
  });
});

describe('rewriting a data set', () => {
  it('reads again what somebody else wrote meanwhile, instead of overwriting it', async () => {
    const store = createMemoryModelStore();
    await store.put(HETREC_FILES.plays, bytes('1\t1\t1\n2\t1\t1\n'));
    let raced = false;
    const racing = {
      ...store,
      putIf: async (...args: Parameters<typeof store.putIf>) => {
        if (!raced) {
          raced = true;
          await store.put(HETREC_FILES.plays, bytes('1\t1\t1\n2\t1\t1\n3\t1\t1\n'));
        }
        return store.putIf(...args);
      },
    };
    expect(
      await rewriteDataset(
        racing,
        (file) => file,
        (userId) => (userId === '1' ? 0 : undefined),
      ),
    ).toBe(1);
    expect(new TextDecoder().decode((await store.get(HETREC_FILES.plays))!.body)).toBe('2\t1\t1\n3\t1\t1\n');
  });

  it('gives up where it never comes through', async () => {
    const store = createMemoryModelStore();
    await store.put(HETREC_FILES.plays, new TextEncoder().encode('1\t1\t1\n'));
    const stuck = { ...store, putIf: async () => false };
    await expect(
      rewriteDataset(
        stuck,
        (file) => file,
        () => 0,
      ),
    ).rejects.toThrow(
      expect.objectContaining({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining(HETREC_FILES.plays),
      }),
    );
  });
});

describe('a manifest', () => {
  it('keeps the fingerprint of the data set and the events, and refuses others', async () => {
    const { run, modelStore, eventLog } = await trainingWorld();
    await eventLog.append([event('1', '1')]);
    const { modelVersion } = await run();
    const { body } = (await modelStore.get(`models/${modelVersion}/manifest.json`))!;
    const fields = JSON.parse(new TextDecoder().decode(body));
    const decode = (change: object) =>
      decodeManifest(new TextEncoder().encode(JSON.stringify({ ...fields, ...change })));
    expect(decode({})).toMatchObject({ datasetFingerprint: fields.datasetFingerprint, events: { read: 1 } });
    for (const change of [
      { datasetFingerprint: 'x' },
      { datasetFingerprint: 1 },
      { events: { read: 'many' } },
      { events: 3 },
    ]) {
      expect(() => decode(change)).toThrow(expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }));
    }
  });
});
