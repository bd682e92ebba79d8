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
import { readPointer, POPULAR_KEY, versionKey } from '../../../layers/core/src/publish/pointer.ts';
import { publishVersion, type Publication } from '../../../layers/core/src/publish/publish.ts';
import type { PublishPorts } from '../../../layers/core/src/publish/retrying.ts';
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
