import { beforeEach, describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import {
  activateVersion,
  unpin,
  type Activation,
} from '../../../layers/core/src/publish/activate-version.ts';
import {
  POINTER_KEY,
  readPointer,
  POPULAR_KEY,
  versionKey,
} from '../../../layers/core/src/publish/pointer.ts';
import { publishVersion, type Publication } from '../../../layers/core/src/publish/publish.ts';
import type { PublishPorts } from '../../../layers/core/src/publish/retrying.ts';
import { readVersionState } from '../../../layers/core/src/publish/version-state.ts';
import type { CandidateEntry } from '../../../layers/core/src/ports.ts';
import { makePublication } from './make-publication.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 24);
const until = (days: number): number => NOW_MS + days * DAY_MS;

const first = await makePublication(1, { expiresAtMs: until(60) });
const second = await makePublication(2, { expiresAtMs: until(60) });
const third = await makePublication(3, { expiresAtMs: until(60) });

let store: ReturnType<typeof createMemoryModelStore>;
let candidates: ReturnType<typeof createMemoryCandidateStore>;
let written: string[];
let expiries: number[];
let erasedAt: Map<string, number>;
let nowMs: number;
let ports: PublishPorts;
beforeEach(() => {
  nowMs = NOW_MS;
  store = createMemoryModelStore();
  candidates = createMemoryCandidateStore({ clock: () => nowMs });
  written = [];
  expiries = [];
  erasedAt = new Map();
  ports = {
    modelStore: store,
    candidateStore: {
      ...candidates,
      write: (version, records, options) => {
        written.push(...records.map(({ userId }) => userId));
        expiries.push(options.expiresAtMs);
        return candidates.write(version, records, options);
      },
    },
    clock: () => nowMs,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
  };
});

const activation = (fence: number, change: Partial<Activation> = {}): Activation => ({
  fence,
  pinned: true,
  expiresAtMs: until(60),
  load: () => Promise.resolve(),
  erasures: {
    load: () => Promise.resolve((userId) => erasedAt.get(userId)),
    erase: (userId) => candidates.erase(userId),
  },
  ...change,
});

const pointer = async (): Promise<unknown> => (await readPointer(store))?.pointer;

async function publishAll(...publications: readonly Publication[]): Promise<void> {
  for (const publication of publications) await publishVersion(ports, publication);
  written.length = 0;
  expiries.length = 0;
}

const recordsOf = ({ version, candidates: entries }: Publication) =>
  Promise.all(entries.map(async ({ userId }) => [userId, await candidates.read(userId, version)] as const));
const pairs = (entries: readonly CandidateEntry[]) =>
  entries.map(({ userId, record }) => [userId, record] as const);

describe('activateVersion', () => {
  it('serves an earlier version again and holds trainings back until it is unpinned', async () => {
    await publishAll(first, second);
    expect(await activateVersion(ports, first.version, activation(3))).toEqual({
      outcome: 'activated',
      candidatesWritten: 0,
    });
    expect(await pointer()).toEqual({
      version: first.version,
      previous: second.version,
      fence: 3,
      pinned: true,
    });
    const fourth = await makePublication(4);
    expect(await publishVersion(ports, { ...fourth, popular: Uint8Array.of(1) })).toBe('pinned');
    expect(await store.get(versionKey(fourth.version, 'manifest.json'))).toBeDefined();
    expect(await store.get(POPULAR_KEY)).toBeUndefined();
    expect(await unpin(ports, { version: first.version, fence: 5 })).toBe('unpinned');
    expect(await pointer()).toEqual({
      version: first.version,
      previous: second.version,
      fence: 5,
      pinned: false,
    });
    expect(await publishVersion(ports, await makePublication(6))).toBe('published');
  });

  it('serves a version that was only held back, without pinning it, and the next training goes on', async () => {
    await publishAll(first);
    await activateVersion(ports, first.version, activation(2));
    await publishVersion(ports, third);
    expect(await activateVersion(ports, third.version, activation(4, { pinned: false }))).toMatchObject({
      outcome: 'activated',
    });
    expect(await pointer()).toEqual({
      version: third.version,
      previous: first.version,
      fence: 4,
      pinned: false,
    });
    expect(await publishVersion(ports, await makePublication(6))).toBe('published');
  });

  it('supersedes a training that was under way with a smaller fence', async () => {
    await publishAll(first);
    await activateVersion(ports, first.version, activation(3));
    expect(await publishVersion(ports, second)).toBe('superseded');
  });

  it('pins the version that is served already and keeps its previous one', async () => {
    await publishAll(first, second);
    await activateVersion(ports, second.version, activation(3));
    expect(await pointer()).toEqual({
      version: second.version,
      previous: first.version,
      fence: 3,
      pinned: true,
    });
  });

  it('leaves the pointer where it says that already, so that a repetition disturbs no training', async () => {
    await publishAll(first, second);
    await activateVersion(ports, first.version, activation(3));
    expect(await activateVersion(ports, first.version, activation(4))).toMatchObject({
      outcome: 'activated',
    });
    expect(await pointer()).toMatchObject({ version: first.version, fence: 3, pinned: true });
  });

  it('writes no candidates while the store keeps all of them for 14 days more', async () => {
    await publishAll(first, second);
    nowMs = until(60 - 14);
    await activateVersion(ports, first.version, activation(3));
    expect(written).toEqual([]);
  });

  it('writes all candidates again where they have less, once, with the new expiry', async () => {
    await publishAll(first, second);
    nowMs = until(60 - 14) + 1;
    const again = { expiresAtMs: nowMs + 60 * DAY_MS };
    expect(await activateVersion(ports, first.version, activation(3, again))).toEqual({
      outcome: 'activated',
      candidatesWritten: 5,
    });
    expect(written).toEqual(first.candidates.map(({ userId }) => userId));
    expect(expiries).toEqual([again.expiresAtMs]);
    expect((await activateVersion(ports, first.version, activation(4, again))).candidatesWritten).toBe(0);
  });

  it('writes them again where the store has lost them all, or has others', async () => {
    await publishAll(first, second);
    for (const { userId } of first.candidates) await candidates.erase(userId);
    expect((await activateVersion(ports, first.version, activation(3))).candidatesWritten).toBe(5);
    expect(await recordsOf(first)).toEqual(pairs(first.candidates));
    await candidates.write(first.version, [{ userId: '2', record: Uint8Array.of(7) }], { expiresAtMs: 0 });
    expect((await activateVersion(ports, first.version, activation(4))).candidatesWritten).toBe(5);
    expect(await recordsOf(first)).toEqual(pairs(first.candidates));
  });

  it('completes the candidates of a version whose publication died among them', async () => {
    await publishAll(first);
    const dying: PublishPorts = {
      ...ports,
      candidateStore: {
        ...candidates,
        write: async (version, records, options) => {
          await candidates.write(version, records.slice(0, 3), options);
          throw new EncoreError('INVALID_OPTION', 'killed');
        },
      },
    };
    await expect(publishVersion(dying, second)).rejects.toThrow('killed');
    expect((await activateVersion(ports, second.version, activation(3))).candidatesWritten).toBe(5);
    expect(await recordsOf(second)).toEqual(pairs(second.candidates));
  });

  it('leaves out who was erased since, and keeps who was erased long before the version was made', async () => {
    await publishAll(first, second);
    for (const { userId } of first.candidates) await candidates.erase(userId);
    const createdAtMs = Date.UTC(2026, 10, 23, 12, 0, 1);
    erasedAt.set('3', createdAtMs + 1);
    erasedAt.set('4', createdAtMs - 2 * 3_600_000);
    expect((await activateVersion(ports, first.version, activation(3))).candidatesWritten).toBe(4);
    expect(await candidates.read('3', first.version)).toBeUndefined();
    expect(await candidates.read('4', first.version)).toEqual(first.candidates[2]!.record);
  });

  it('brings nobody back who is erased while it writes', async () => {
    await publishAll(first, second);
    for (const { userId } of first.candidates) await candidates.erase(userId);
    const raced: PublishPorts = {
      ...ports,
      candidateStore: {
        ...candidates,
        write: async (version, records, options) => {
          // The tombstone first, then the deletion; the records arrive after both.
          erasedAt.set('5', nowMs);
          await candidates.erase('5');
          return candidates.write(version, records, options);
        },
      },
    };
    await activateVersion(raced, first.version, activation(3));
    expect(await candidates.read('5', first.version)).toBeUndefined();
    expect(await candidates.read('6', first.version)).toBeDefined();
  });

  it('refuses a version that does not exist, and leaves no trace of it', async () => {
    await publishAll(first);
    await expect(activateVersion(ports, second.version, activation(3))).rejects.toThrow(
      expect.objectContaining({
        code: 'NOT_FOUND',
        message: `there is no published model version ${second.version}`,
      }),
    );
    expect(await store.list(versionKey(second.version, ''))).toEqual([]);
  });

  it.each<[string, string, Uint8Array | null, string]>([
    ['whose tensors changed', 'model.safetensors', Uint8Array.of(1, 1, 2, 4), 'has a file model.safetensors'],
    ['whose catalogue is cut short', 'catalog.json.gz', Uint8Array.of(1, 4), 'has a file catalog.json.gz'],
    [
      'whose candidates changed',
      'candidates/000000.bin',
      Uint8Array.of(1),
      'has a file candidates/000000.bin',
    ],
    ['without a report', 'report.json', null, 'lacks the file report.json'],
    ['without its second shard', 'candidates/000001.bin', null, 'lacks the file candidates/000001.bin'],
    ['whose manifest is no manifest', 'manifest.json', Uint8Array.of(1), 'manifest: found no JSON'],
    [
      "with another's manifest",
      'manifest.json',
      second.files.get('manifest.json')!,
      'has the manifest of version',
    ],
  ])('refuses a version %s', async (_, path, body, message) => {
    await publishAll(first, second);
    const key = versionKey(first.version, path);
    if (body === null) await store.delete([key]);
    else await store.put(key, body);
    await expect(activateVersion(ports, first.version, activation(3))).rejects.toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining(message),
      }),
    );
    expect(await pointer()).toMatchObject({ version: second.version, fence: 2, pinned: false });
  });

  it('refuses a damaged shard that it would write from, whichever it is', async () => {
    await publishAll(first, second);
    for (const { userId } of first.candidates) await candidates.erase(userId);
    await store.put(versionKey(first.version, 'candidates/000001.bin'), Uint8Array.of(1));
    await expect(activateVersion(ports, first.version, activation(3))).rejects.toThrow(
      'has a file candidates/000001.bin of 1 bytes',
    );
    expect(await pointer()).toMatchObject({ version: second.version });
  });

  it('gives serving’s reader the serving bytes, and refuses what it cannot read', async () => {
    await publishAll(first, second);
    const seen: unknown[] = [];
    const load: Activation['load'] = (files) => {
      seen.push(files);
      return Promise.reject(new EncoreError('ARTIFACT_INCOMPATIBLE', 'from a newer Encore'));
    };
    await expect(activateVersion(ports, first.version, activation(3, { load }))).rejects.toThrow(
      'from a newer Encore',
    );
    expect(seen).toEqual([{ tensors: Uint8Array.of(1, 1), catalog: Uint8Array.of(1, 4, 5) }]);
    expect(await pointer()).toMatchObject({ version: second.version });
  });

  it('gives way to a greater fence', async () => {
    await publishAll(second, third);
    expect((await activateVersion(ports, second.version, activation(3))).outcome).toBe('superseded');
    await activateVersion(ports, second.version, activation(9));
    expect(await unpin(ports, { version: second.version, fence: 8 })).toBe('superseded');
    expect(await pointer()).toMatchObject({ version: second.version, fence: 9, pinned: true });
  });

  it('stops at a deadline without moving the pointer', async () => {
    await publishAll(first, second);
    const late = activation(3, { deadlineMs: nowMs });
    expect((await activateVersion(ports, first.version, late)).outcome).toBe('deadline');
    for (const { userId } of first.candidates) await candidates.erase(userId);
    expect(await activateVersion(ports, first.version, late)).toEqual({
      outcome: 'deadline',
      candidatesWritten: 0,
    });
    expect(await pointer()).toMatchObject({ version: second.version });
  });

  it('fails where the store stays away, the pointer where it was', async () => {
    await publishAll(first, second);
    const down: PublishPorts = {
      ...ports,
      modelStore: {
        ...store,
        list: () => Promise.reject(new EncoreError('STORE_UNAVAILABLE', 'no answer')),
      },
    };
    await expect(activateVersion(down, first.version, activation(3))).rejects.toThrow(
      expect.objectContaining({ code: 'PUBLISH_FAILED' }),
    );
    expect(await pointer()).toMatchObject({ version: second.version });
  });
});

const ids = ({ candidates: entries }: Publication): readonly string[] => entries.map(({ userId }) => userId);
/** Makes the candidates of `publishAll` due. */
const expire = (): void => {
  nowMs = until(60 - 14) + 1;
};
const again = (change: Partial<Activation> = {}): Activation =>
  activation(3, { expiresAtMs: nowMs + 60 * DAY_MS, chunkRecords: 2, ...change });

/** Activates over ports on which each record takes a millisecond, with time for a number of them. */
async function activateInPart(nRecords: number, version = first.version): Promise<unknown> {
  const slow: PublishPorts = {
    ...ports,
    candidateStore: {
      ...candidates,
      write: async (to, records, options) => {
        let count = 0;
        for (const record of records) {
          if (nowMs >= (options.deadlineMs ?? Infinity)) break;
          count += await ports.candidateStore.write(to, [record], options);
          nowMs++;
        }
        return count;
      },
    },
  };
  return activateVersion(slow, version, again({ deadlineMs: nowMs + nRecords }));
}

const killed = (): Promise<never> => Promise.reject(new EncoreError('INVALID_OPTION', 'killed'));

/** Ports on which a process dies before the fifth record, where it writes two at once. */
const dyingAtTheLast = (): PublishPorts => ({
  ...ports,
  candidateStore: {
    ...candidates,
    write: (version, records, options) =>
      records.length === 1 ? killed() : candidates.write(version, records, options),
  },
});

/** Every object's etag. */
async function objects(): Promise<ReadonlyMap<string, string>> {
  const keys = await store.list('');
  return new Map(await Promise.all(keys.map(async (key) => [key, (await store.get(key))!.etag] as const)));
}

describe('activateVersion, out of time or killed among the candidates', () => {
  it('goes on where it ended, and says that all are kept for as long as the first of them', async () => {
    await publishAll(first, second);
    expire();
    const expiresAtMs = nowMs + 60 * DAY_MS;
    expect(await activateInPart(3)).toEqual({ outcome: 'deadline', candidatesWritten: 3 });
    expect(await readVersionState(ports, first.version)).toMatchObject({
      candidatesUntil: until(60),
      candidatesStored: { count: 3, until: expiresAtMs },
    });
    expect(await pointer()).toMatchObject({ version: second.version });
    nowMs += DAY_MS;
    expect(await activateInPart(1)).toEqual({ outcome: 'deadline', candidatesWritten: 1 });
    expect(await activateVersion(ports, first.version, again())).toEqual({
      outcome: 'activated',
      candidatesWritten: 1,
    });
    expect(written).toEqual(ids(first));
    expect(await readVersionState(ports, first.version)).toMatchObject({
      candidatesUntil: expiresAtMs,
      candidatesStored: null,
    });
    nowMs = expiresAtMs - 1;
    expect(await recordsOf(first)).toEqual(pairs(first.candidates));
  });

  it('begins with the first record when they are due again', async () => {
    await publishAll(first, second);
    expire();
    await activateInPart(3);
    await activateVersion(ports, first.version, again());
    written.length = 0;
    nowMs += 46 * DAY_MS;
    expect(await activateVersion(ports, first.version, again())).toMatchObject({ candidatesWritten: 5 });
    expect(written).toEqual(ids(first));
  });

  it('begins with the first record where an attempt that never ended would be due again itself', async () => {
    await publishAll(first, second);
    expire();
    await activateInPart(4);
    nowMs += 46 * DAY_MS;
    const expiresAtMs = nowMs + 60 * DAY_MS;
    expect(await activateInPart(3)).toEqual({ outcome: 'deadline', candidatesWritten: 3 });
    expect(await activateVersion(ports, first.version, again())).toMatchObject({ candidatesWritten: 2 });
    expect(await readVersionState(ports, first.version)).toMatchObject({
      candidatesUntil: expiresAtMs,
      candidatesStored: null,
    });
    nowMs += 59 * DAY_MS;
    expect(await recordsOf(first)).toEqual(pairs(first.candidates));
  });

  it('begins with the first record where the publication’s own progress ends sooner than the candidates may', async () => {
    const publication = { ...second, expiresAtMs: nowMs + 13 * DAY_MS, chunkRecords: 2 };
    await publishAll(first);
    await expect(publishVersion(dyingAtTheLast(), publication)).rejects.toThrow('killed');
    expect(await readVersionState(ports, second.version)).toMatchObject({
      candidatesStored: { count: 4, until: publication.expiresAtMs },
    });
    expect(await activateVersion(ports, second.version, again())).toMatchObject({ candidatesWritten: 5 });
    nowMs += 59 * DAY_MS;
    expect(await recordsOf(second)).toEqual(pairs(second.candidates));
  });

  it('goes on with what a publication has stored for long enough', async () => {
    await publishAll(first);
    await expect(publishVersion(dyingAtTheLast(), { ...second, chunkRecords: 2 })).rejects.toThrow('killed');
    nowMs += DAY_MS;
    expect(await activateVersion(ports, second.version, again())).toMatchObject({ candidatesWritten: 1 });
    expect(await readVersionState(ports, second.version)).toMatchObject({ candidatesUntil: until(60) });
  });

  it.each([
    ['before it was noted', 'state'],
    ['before it was stored', 'candidates'],
  ])('goes on from the last note where it was killed after the next chunk, %s', async (_, at) => {
    await publishAll(first, second);
    expire();
    let nWrites = 0;
    const dying: PublishPorts = {
      ...ports,
      modelStore: {
        ...store,
        putIf: (...args) => (at === 'state' && nWrites === 2 ? killed() : store.putIf(...args)),
      },
      candidateStore: {
        ...candidates,
        write: (...args) => (++nWrites === 2 && at === 'candidates' ? killed() : candidates.write(...args)),
      },
    };
    const attempt = activateVersion(dying, first.version, again());
    await expect(attempt).rejects.toThrow(at === 'state' ? 'could not change' : 'killed');
    expect((await readVersionState(ports, first.version)).candidatesStored).toMatchObject({ count: 2 });
    expect(await activateVersion(ports, first.version, again())).toMatchObject({ candidatesWritten: 3 });
    expect(written).toEqual(ids(first).slice(2));
  });

  it('does not take what it wrote again in part for all that the store had lost', async () => {
    await publishAll(first, second);
    for (const { userId } of first.candidates) await candidates.erase(userId);
    expect(await activateInPart(4)).toMatchObject({ outcome: 'deadline' });
    expect(await activateVersion(ports, first.version, again())).toMatchObject({ candidatesWritten: 1 });
    expect(await recordsOf(first)).toEqual(pairs(first.candidates));
  });

  it('begins with the first record where the store has lost what was noted', async () => {
    await publishAll(first, second);
    expire();
    await activateInPart(3);
    for (const { userId } of first.candidates) await candidates.erase(userId);
    expect(await activateInPart(2)).toMatchObject({ outcome: 'deadline', candidatesWritten: 2 });
    expect(await activateVersion(ports, first.version, again())).toMatchObject({ candidatesWritten: 3 });
    expect(await recordsOf(first)).toEqual(pairs(first.candidates));
  });

  it('leaves the note of somebody who is further', async () => {
    await publishAll(first, second);
    expire();
    let rival = true;
    const overtaken: PublishPorts = {
      ...ports,
      candidateStore: {
        ...candidates,
        write: async (version, records, options) => {
          const begins = rival;
          rival = false;
          if (begins) await activateInPart(4);
          const count = await ports.candidateStore.write(version, records, options);
          nowMs = deadlineMs;
          return count;
        },
      },
    };
    const deadlineMs = nowMs + 1000;
    expect(await activateVersion(overtaken, first.version, again({ deadlineMs }))).toEqual({
      outcome: 'deadline',
      candidatesWritten: 2,
    });
    expect((await readVersionState(ports, first.version)).candidatesStored).toMatchObject({ count: 4 });
  });

  it('writes nothing of the version but its state', async () => {
    await publishAll(first, second);
    expire();
    const before = await objects();
    await activateInPart(3);
    await activateVersion(ports, first.version, again());
    const after = await objects();
    const changed = Array.from(after).filter(([key, etag]) => before.get(key) !== etag);
    expect(changed.map(([key]) => key).toSorted()).toEqual(
      [POINTER_KEY, versionKey(first.version, 'state.json')].toSorted(),
    );
  });
});

describe('unpin', () => {
  it('changes nothing where nothing is pinned, and fails where nothing is published', async () => {
    const { version } = first;
    await expect(unpin(ports, { version, fence: 1 })).rejects.toThrow('no model version is published yet');
    await publishAll(first);
    expect(await unpin(ports, { version, fence: 2 })).toBe('unpinned');
    expect(await pointer()).toMatchObject({ fence: 1 });
  });

  it('leaves alone what somebody else has pinned meanwhile', async () => {
    await publishAll(first, second);
    await activateVersion(ports, first.version, activation(3));
    expect(await unpin(ports, { version: second.version, fence: 4 })).toBe('superseded');
    expect(await pointer()).toMatchObject({ version: first.version, pinned: true });
  });
});
