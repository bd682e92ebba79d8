import { beforeEach, describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import { activateVersion } from '../../../layers/core/src/publish/activate-version.ts';
import { POPULAR_KEY, readPointer, versionKey } from '../../../layers/core/src/publish/pointer.ts';
import { publishVersion, type Publication } from '../../../layers/core/src/publish/publish.ts';
import { resumePublication, type Resumption } from '../../../layers/core/src/publish/resume-publication.ts';
import type { PublishPorts } from '../../../layers/core/src/publish/retrying.ts';
import { changeVersionState, readVersionState } from '../../../layers/core/src/publish/version-state.ts';
import { makePublication } from './make-publication.ts';

const NOW_MS = Date.UTC(2026, 10, 24);
const UNTIL_MS = Date.UTC(2027, 0);
const POPULAR = Uint8Array.of(112);

const first = await makePublication(1);
const second = await makePublication(2, { listeners: 8 });
const third = await makePublication(3);

let nowMs: number;
let store: ReturnType<typeof createMemoryModelStore>;
let candidates: ReturnType<typeof createMemoryCandidateStore>;
let written: string[];
let ports: PublishPorts;
let passedOver: string[];
let erasedAt: Map<string, number>;
beforeEach(() => {
  nowMs = NOW_MS;
  store = createMemoryModelStore();
  candidates = createMemoryCandidateStore({ clock: () => nowMs });
  written = [];
  passedOver = [];
  erasedAt = new Map();
  ports = {
    modelStore: store,
    candidateStore: {
      ...candidates,
      write: async (version, records, options) => {
        const count = await candidates.write(version, records, options);
        written.push(...records.slice(0, count).map(({ userId }) => userId));
        return count;
      },
    },
    clock: () => nowMs,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
  };
});

const resumption = (change: Partial<Resumption> = {}): Resumption => ({
  isWanted: () => true,
  popular: () => Promise.resolve(POPULAR),
  expiresAtMs: UNTIL_MS,
  chunkRecords: 2,
  erasures: {
    load: async () => {
      const now = new Map(erasedAt);
      return (userId) => now.get(userId);
    },
    erase: (userId) => candidates.erase(userId),
  },
  onPassedOver: (message) => passedOver.push(message),
  ...change,
});

const pointer = async (): Promise<unknown> => (await readPointer(store))?.pointer;

/** Ports over which each record takes a millisecond, so that a deadline allows a number of them. */
const slow = (): PublishPorts => ({
  ...ports,
  candidateStore: {
    ...ports.candidateStore,
    write: async (version, records, options) => {
      let count = 0;
      for (const record of records) {
        if (nowMs >= (options.deadlineMs ?? Infinity)) break;
        count += await ports.candidateStore.write(version, [record], options);
        nowMs++;
      }
      return count;
    },
  },
});

/** Leaves a version behind as a publication whose deadline came after `stored` records. */
async function leave(publication: Publication, stored: number): Promise<void> {
  const options = { chunkRecords: 2, deadlineMs: nowMs + stored };
  expect(await publishVersion(slow(), { ...publication, ...options })).toBe('deadline');
  written.length = 0;
}

const recordsOf = ({ version, candidates: entries }: Publication) =>
  Promise.all(entries.map(async ({ userId }) => candidates.read(userId, version)));

describe('resumePublication', () => {
  it('finishes what a deadline ended, from the record where it ended', async () => {
    await publishVersion(ports, first);
    await leave(second, 5);
    expect((await readVersionState(ports, second.version)).candidatesStored).toEqual({
      count: 5,
      until: UNTIL_MS,
    });
    const advanced: number[] = [];
    const resumed = await resumePublication(
      ports,
      resumption({ onCandidatesWritten: (count) => advanced.push(count) }),
    );
    expect(resumed?.outcome).toBe('published');
    expect(resumed?.manifest.modelVersion).toBe(second.version);
    expect(written).toEqual(second.candidates.slice(5).map(({ userId }) => userId));
    expect(advanced).toEqual([5, 2, 1]);
    expect(await recordsOf(second)).toEqual(second.candidates.map(({ record }) => record));
    expect(await pointer()).toEqual({
      version: second.version,
      previous: first.version,
      fence: 2,
      pinned: false,
    });
    expect((await store.get(POPULAR_KEY))?.body).toEqual(POPULAR);
    expect(await readVersionState(ports, second.version)).toMatchObject({
      candidatesUntil: UNTIL_MS,
      candidatesStored: null,
    });
  });

  it('finishes what was killed among the candidates, from the last note of them', async () => {
    let left = 2;
    const dying: PublishPorts = {
      ...ports,
      candidateStore: {
        ...ports.candidateStore,
        write: (...args) =>
          left-- > 0
            ? ports.candidateStore.write(...args)
            : Promise.reject(new EncoreError('INVALID_OPTION', 'killed')),
      },
    };
    await expect(publishVersion(dying, { ...second, chunkRecords: 2 })).rejects.toThrow('killed');
    written.length = 0;
    expect((await resumePublication(ports, resumption()))?.outcome).toBe('published');
    expect(written).toEqual(second.candidates.slice(4).map(({ userId }) => userId));
  });

  it('publishes any number of records after finitely many runs, however few each has time for', async () => {
    const many = await makePublication(4, { listeners: 23 });
    await leave(many, 3);
    const reached: (number | null)[] = [];
    for (let run = 0; run < 20; run++) {
      const resumed = await resumePublication(slow(), resumption({ deadlineMs: nowMs + 3 }));
      reached.push((await readVersionState(ports, many.version)).candidatesStored?.count ?? null);
      if (resumed?.outcome === 'published') break;
    }
    // Three records a run; the seventh finds two left, and time for the pointer.
    expect(reached).toEqual([6, 9, 12, 15, 18, 21, null]);
    expect(written).toEqual(many.candidates.slice(3).map(({ userId }) => userId));
    expect(await pointer()).toMatchObject({ version: many.version });
  });

  it('moves the pointer where only that was missing, and writes nothing again', async () => {
    const dying: PublishPorts = {
      ...ports,
      modelStore: {
        ...store,
        putIf: (key, body, etag) =>
          key === 'models/current.json'
            ? Promise.reject(new EncoreError('INVALID_OPTION', 'killed'))
            : store.putIf(key, body, etag),
      },
    };
    await expect(publishVersion(dying, second)).rejects.toThrow('in 8 attempts');
    written.length = 0;
    expect((await resumePublication(ports, resumption()))?.outcome).toBe('published');
    expect(written).toEqual([]);
  });

  it('keeps the earlier expiry of the records that were stored first', async () => {
    await leave({ ...second, expiresAtMs: UNTIL_MS - 5 }, 3);
    await resumePublication(ports, resumption());
    expect((await readVersionState(ports, second.version)).candidatesUntil).toBe(UNTIL_MS - 5);
  });

  it('begins with the first record where those stored have expired since', async () => {
    await leave({ ...second, expiresAtMs: nowMs + 100 }, 3);
    nowMs += 100;
    await resumePublication(ports, resumption());
    expect(written).toHaveLength(8);
    expect((await readVersionState(ports, second.version)).candidatesUntil).toBe(UNTIL_MS);
  });

  it('does not serve records that were noted but are gone, and begins with the first of them next time', async () => {
    await leave(second, 5);
    for (const { userId } of second.candidates) await candidates.erase(userId);
    await expect(resumePublication(ports, resumption())).rejects.toThrow('reads back no candidate record');
    expect(await pointer()).toBeUndefined();
    written.length = 0;
    expect((await resumePublication(ports, resumption()))?.outcome).toBe('published');
    expect(written).toHaveLength(8);
  });

  it('takes the newest of several, by fence', async () => {
    await leave(second, 5);
    await leave(third, 2);
    expect((await resumePublication(ports, resumption()))?.manifest.modelVersion).toBe(third.version);
    // Older than what is served now.
    expect(await resumePublication(ports, resumption())).toBeNull();
  });

  it('takes the newest that is wanted', async () => {
    await leave(second, 5);
    await leave(third, 2);
    const resumed = await resumePublication(
      ports,
      resumption({ isWanted: ({ modelVersion }) => modelVersion === second.version }),
    );
    expect(resumed?.manifest.modelVersion).toBe(second.version);
  });

  it('finds nothing where all is published, nothing is whole, or something newer is served', async () => {
    expect(await resumePublication(ports, resumption())).toBeNull();
    await publishVersion(ports, first);
    expect(await resumePublication(ports, resumption())).toBeNull();
    await store.put(versionKey(third.version, 'report.json'), third.files.get('report.json')!);
    expect(await resumePublication(ports, resumption())).toBeNull();
    await leave(second, 5);
    await publishVersion(ports, third);
    expect(await resumePublication(ports, resumption())).toBeNull();
    expect(await pointer()).toMatchObject({ version: third.version });
  });

  it('completes a version behind a pinned pointer once, and leaves the pointer', async () => {
    await publishVersion(ports, first);
    await activateVersion(ports, first.version, {
      fence: 2,
      pinned: true,
      expiresAtMs: UNTIL_MS,
      load: () => Promise.resolve(),
      erasures: resumption().erasures!,
    });
    await leave(third, 2);
    expect((await resumePublication(ports, resumption()))?.outcome).toBe('pinned');
    expect((await readVersionState(ports, third.version)).candidatesUntil).toBe(UNTIL_MS);
    expect(await pointer()).toMatchObject({ version: first.version, fence: 2, pinned: true });
    expect(await resumePublication(ports, resumption())).toBeNull();
  });

  it('is superseded by what moved the pointer with a greater fence while it wrote', async () => {
    await leave(second, 5);
    const raced: PublishPorts = {
      ...ports,
      candidateStore: {
        ...ports.candidateStore,
        write: async (...args) => {
          await publishVersion({ ...ports, candidateStore: candidates }, third);
          return ports.candidateStore.write(...args);
        },
      },
    };
    expect((await resumePublication(raced, resumption()))?.outcome).toBe('superseded');
    expect(await pointer()).toMatchObject({ version: third.version, fence: 3 });
  });

  it('publishes once where two finish the same version at the same time', async () => {
    await leave(second, 3);
    const outcomes = await Promise.all([1, 2].map(() => resumePublication(ports, resumption())));
    expect(outcomes.map((resumed) => resumed?.outcome)).toEqual(['published', 'published']);
    expect(await pointer()).toMatchObject({ version: second.version, previous: null });
    expect(await recordsOf(second)).toEqual(second.candidates.map(({ record }) => record));
  });

  it('leaves out who was erased since, whether their records were stored before or not', async () => {
    await leave(second, 5);
    // Written by a run that died before it could look: '3' lies among the five, '8' after them.
    for (const userId of ['3', '8']) erasedAt.set(userId, nowMs);
    // Long before the version was made: known to it.
    erasedAt.set('9', Date.UTC(2026, 10, 22));
    expect((await resumePublication(ports, resumption()))?.outcome).toBe('published');
    const kept = await recordsOf(second);
    expect(kept.map((record) => record !== undefined)).toEqual(
      second.candidates.map(({ userId }) => userId !== '3' && userId !== '8'),
    );
    expect(written).not.toContain('8');
  });

  it('brings nobody back who is erased while it writes', async () => {
    await leave(second, 5);
    const raced: PublishPorts = {
      ...ports,
      candidateStore: {
        ...ports.candidateStore,
        write: async (...args) => {
          erasedAt.set('9', nowMs);
          await candidates.erase('9');
          return ports.candidateStore.write(...args);
        },
      },
    };
    expect((await resumePublication(raced, resumption()))?.outcome).toBe('published');
    expect(written).toContain('9');
    expect(await candidates.read('9', second.version)).toBeUndefined();
  });

  it.each<[string, string, Uint8Array | null, string]>([
    [
      'with changed tensors',
      'model.safetensors',
      Uint8Array.of(9),
      'has a file model.safetensors of 1 bytes',
    ],
    ['without a shard', 'candidates/000001.bin', null, 'lacks the file candidates/000001.bin'],
    ['with a manifest that is none', 'manifest.json', Uint8Array.of(9), 'found no JSON'],
    ["with another's manifest", 'manifest.json', first.files.get('manifest.json')!, 'has the manifest of'],
    ['whose state is none', 'state.json', Uint8Array.of(9), 'state.json: found'],
  ])('passes over a version %s and takes the one before', async (_, path, body, message) => {
    await leave(second, 5);
    await leave(third, 2);
    const key = versionKey(third.version, path);
    if (body === null) await store.delete([key]);
    else await store.put(key, body);
    expect((await resumePublication(ports, resumption()))?.manifest.modelVersion).toBe(second.version);
    expect(passedOver).toEqual([expect.stringContaining(message)]);
  });

  it('passes over a version that serving could not read', async () => {
    await leave(second, 5);
    const popular: Resumption['popular'] = () =>
      Promise.reject(new EncoreError('ARTIFACT_INCOMPATIBLE', 'from a newer Encore'));
    expect(await resumePublication(ports, resumption({ popular }))).toBeNull();
    expect(passedOver).toEqual(['from a newer Encore']);
  });

  it('leaves a version alone that somebody deletes', async () => {
    await leave(second, 5);
    await changeVersionState(ports, second.version, (state) => ({ ...state, deleting: true }));
    expect(await resumePublication(ports, resumption())).toBeNull();
  });
});
