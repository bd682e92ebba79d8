import { beforeEach, describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import type { ModelStore } from '../../../layers/core/src/ports.ts';
import { encodePointer, POINTER_KEY, readPointer } from '../../../layers/core/src/publish/pointer.ts';
import { publishVersion, type Publication } from '../../../layers/core/src/publish/publish.ts';
import { POPULAR_KEY, versionKey } from '../../../layers/core/src/publish/pointer.ts';
import type { PublishPorts } from '../../../layers/core/src/publish/retrying.ts';
import { makePublication } from './make-publication.ts';

const first = await makePublication(1);
const second = await makePublication(2);
const third = await makePublication(3);

let ports: PublishPorts;
let slept: number[];
let nowMs: number;
beforeEach(() => {
  slept = [];
  nowMs = 1000;
  ports = {
    modelStore: createMemoryModelStore(),
    candidateStore: createMemoryCandidateStore({ clock: () => nowMs }),
    clock: () => nowMs,
    sleep: async (ms) => {
      slept.push(ms);
    },
    random: () => 0.5,
  };
});

const pointer = async (): Promise<unknown> => (await readPointer(ports.modelStore))?.pointer;
const unavailable = (): Promise<never> => Promise.reject(new EncoreError('STORE_UNAVAILABLE', 'no answer'));
const withStore = (change: (store: ModelStore) => Partial<ModelStore>): PublishPorts => ({
  ...ports,
  modelStore: { ...ports.modelStore, ...change(ports.modelStore) },
});
const withManifestOf = (publication: Publication, other: Publication): Publication => ({
  ...publication,
  files: new Map([...publication.files, ['manifest.json', other.files.get('manifest.json')!]]),
});

describe('publishVersion', () => {
  it('stores every file and candidate record and moves the pointer', async () => {
    expect(await publishVersion(ports, first)).toBe('published');
    for (const [path, body] of first.files) {
      expect((await ports.modelStore.get(versionKey(first.version, path)))?.body).toEqual(body);
    }
    for (const { userId, record } of first.candidates) {
      expect(await ports.candidateStore.read(userId, first.version)).toEqual(record);
    }
    expect(await pointer()).toEqual({ version: first.version, previous: null, fence: 1, pinned: false });
  });

  it('names the version before as the previous one', async () => {
    await publishVersion(ports, first);
    await publishVersion(ports, second);
    expect(await pointer()).toEqual({
      version: second.version,
      previous: first.version,
      fence: 2,
      pinned: false,
    });
  });

  it('writes the manifest last among the files, then candidates, then the pointer, then the popular list', async () => {
    const keys: string[] = [];
    const recording = withStore((store) => ({
      put: (key, body) => {
        keys.push(key);
        return store.put(key, body);
      },
      putIf: (key, body, etag) => {
        keys.push(key);
        return store.putIf(key, body, etag);
      },
    }));
    const { write } = { write: ports.candidateStore.write.bind(ports.candidateStore) };
    await publishVersion(
      {
        ...recording,
        candidateStore: {
          ...ports.candidateStore,
          write: (...args) => {
            keys.push('candidates');
            return write(...args);
          },
        },
      },
      { ...first, popular: Uint8Array.of(1) },
    );
    expect(keys.slice(-5)).toEqual([
      versionKey(first.version, 'manifest.json'),
      'candidates',
      versionKey(first.version, 'state.json'),
      POINTER_KEY,
      POPULAR_KEY,
    ]);
    expect((await ports.modelStore.get(POPULAR_KEY))?.body).toEqual(Uint8Array.of(1));
  });

  it('is superseded by a greater fence and writes nothing', async () => {
    await publishVersion(ports, second);
    expect(await publishVersion(ports, { ...first, popular: Uint8Array.of(1) })).toBe('superseded');
    expect(await ports.modelStore.list(versionKey(first.version, ''))).toEqual([]);
    expect(await ports.modelStore.get(POPULAR_KEY)).toBeUndefined();
    expect(await pointer()).toMatchObject({ version: second.version });
  });

  it('can be repeated after it was published, and after it was followed', async () => {
    await publishVersion(ports, first);
    expect(await publishVersion(ports, first)).toBe('published');
    await publishVersion(ports, second);
    expect(await publishVersion(ports, first)).toBe('published');
    expect(await pointer()).toMatchObject({ version: second.version, fence: 2 });
  });

  it('counts as published when the answer to moving the pointer is lost', async () => {
    const lossy = withStore((store) => ({
      putIf: async (key, body, etag) => {
        const written = await store.putIf(key, body, etag);
        return key === POINTER_KEY ? unavailable() : written;
      },
    }));
    expect(await publishVersion(lossy, first)).toBe('published');
    expect(await pointer()).toMatchObject({ version: first.version });
  });

  it('counts as published when its lost move was followed by another before it was read back', async () => {
    const lossy = withStore((store) => ({
      putIf: async (key, body, etag) => {
        const written = await store.putIf(key, body, etag);
        if (key !== POINTER_KEY) return written;
        await publishVersion(ports, second);
        return unavailable();
      },
    }));
    expect(await publishVersion(lossy, first)).toBe('published');
    expect(await pointer()).toMatchObject({ version: second.version, previous: first.version });
  });

  it('is superseded when another wins the race for the pointer', async () => {
    const slow = withStore((store) => ({
      putIf: async (key, body, etag) => {
        if (key === POINTER_KEY) await publishVersion(ports, second);
        return store.putIf(key, body, etag);
      },
    }));
    expect(await publishVersion(slow, first)).toBe('superseded');
    expect(await pointer()).toMatchObject({ version: second.version, previous: null });
  });

  it('tries the pointer eight times, with pauses that double to 5 s, and then fails', async () => {
    const down = withStore((store) => ({
      putIf: (key, body, etag) => (key === POINTER_KEY ? unavailable() : store.putIf(key, body, etag)),
    }));
    await expect(publishVersion(down, first)).rejects.toThrow(
      expect.objectContaining({
        code: 'PUBLISH_FAILED',
        message: 'could not move models/current.json in 8 attempts; it is at version none',
        cause: expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
      }),
    );
    // Half (the random part) of 200, 400, … 3,200, then of 5,000.
    expect(slept).toEqual([100, 200, 400, 800, 1600, 2500, 2500]);
  });

  it('repeats a write while the store is unavailable, five times', async () => {
    let failures = 0;
    const flaky = withStore((store) => ({
      put: (key, body) => (failures++ < 4 ? unavailable() : store.put(key, body)),
    }));
    expect(await publishVersion(flaky, first)).toBe('published');
    failures = -Infinity;
    const down = withStore(() => ({ put: unavailable }));
    await expect(publishVersion(down, second)).rejects.toThrow(
      expect.objectContaining({
        code: 'PUBLISH_FAILED',
        message: `could not write models/${second.version}/model.safetensors in 5 attempts: no answer`,
      }),
    );
    expect(await pointer()).toMatchObject({ version: first.version });
  });

  it('passes an error on that repeating cannot mend', async () => {
    const broken = withStore(() => ({ put: () => Promise.reject(new TypeError('a mistake in an adapter')) }));
    await expect(publishVersion(broken, first)).rejects.toThrow(TypeError);
    expect(slept).toEqual([]);
  });

  it('goes on with the candidates where a write stopped', async () => {
    const sizes: number[] = [];
    const { candidateStore } = ports;
    const partial: PublishPorts = {
      ...ports,
      candidateStore: {
        read: (userId, version) => candidateStore.read(userId, version),
        write: (version, records, options) => {
          sizes.push(records.length);
          return candidateStore.write(version, records.slice(0, 2), options);
        },
      },
    };
    expect(await publishVersion(partial, first)).toBe('published');
    expect(sizes).toEqual([5, 3, 1]);
  });

  it('gives up on a candidate store that stores nothing', async () => {
    const stuck: PublishPorts = {
      ...ports,
      candidateStore: { ...ports.candidateStore, write: async () => 0 },
    };
    await expect(publishVersion(stuck, first)).rejects.toThrow('could store only 0 of 5 candidate records');
    expect(await pointer()).toBeUndefined();
  });

  it('is out of time, and has not failed, where the store stopped for the deadline', async () => {
    const stopping: PublishPorts = {
      ...ports,
      candidateStore: {
        ...ports.candidateStore,
        write: async () => {
          nowMs++;
          return 0;
        },
      },
    };
    expect(await publishVersion(stopping, { ...first, deadlineMs: nowMs + 5 })).toBe('deadline');
    expect(await publishVersion(ports, first)).toBe('published');
  });

  it('does not move the pointer when a candidate record does not read back', async () => {
    const forgetful: PublishPorts = {
      ...ports,
      candidateStore: {
        ...ports.candidateStore,
        write: async (_, records) => records.length,
      },
    };
    await expect(publishVersion(forgetful, first)).rejects.toThrow('reads back no candidate record');
    expect(await pointer()).toBeUndefined();
  });

  it('does not move the pointer when a file is not there afterwards', async () => {
    const forgetful = withStore((store) => ({
      put: (key, body) => (key.endsWith('report.json') ? Promise.resolve() : store.put(key, body)),
    }));
    await expect(publishVersion(forgetful, first)).rejects.toThrow('lacks report.json after it was written');
    expect(await pointer()).toBeUndefined();
  });

  it('does not move the pointer when another manifest reads back', async () => {
    const confused = withStore((store) => ({
      list: async (prefix) => {
        await store.put(versionKey(first.version, 'manifest.json'), second.files.get('manifest.json')!);
        return store.list(prefix);
      },
    }));
    await expect(publishVersion(confused, first)).rejects.toThrow(
      'reads back another manifest than was written',
    );
    expect(await pointer()).toBeUndefined();
  });

  it('gives up on a manifest that the store never takes, keeping the cause', async () => {
    const down = withStore(() => ({ putIf: unavailable }));
    await expect(publishVersion(down, first)).rejects.toThrow(
      expect.objectContaining({
        code: 'PUBLISH_FAILED',
        message: expect.stringContaining('could not write its manifest in 5 attempts'),
        cause: expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
      }),
    );
  });

  it('stops at the deadline without moving the pointer, and goes on when repeated', async () => {
    const ticking: PublishPorts = { ...ports, clock: () => nowMs++ };
    const pointers: unknown[] = [];
    let outcome = 'deadline';
    for (let deadlineMs = 1001; outcome === 'deadline'; deadlineMs += 4) {
      nowMs = 1000;
      outcome = await publishVersion(ticking, { ...first, deadlineMs });
      pointers.push(await pointer());
    }
    expect(outcome).toBe('published');
    expect(pointers.length).toBeGreaterThan(2);
    expect(pointers.slice(0, -1).every((found) => found === undefined)).toBe(true);
    expect(pointers.at(-1)).toMatchObject({ version: first.version });
  });

  it('refuses another manifest under a version that exists, published or not', async () => {
    const other = await makePublication(1, { note: '-other' });
    expect(other.version).toBe(first.version);
    await publishVersion(ports, first);
    const refused = expect.objectContaining({
      code: 'PUBLISH_FAILED',
      message: expect.stringContaining('exists already with another manifest'),
    });
    await expect(publishVersion(ports, other)).rejects.toThrow(refused);
    await publishVersion(ports, second);
    await publishVersion(ports, third);
    await expect(publishVersion(ports, other)).rejects.toThrow(refused);
    expect((await ports.modelStore.get(versionKey(first.version, 'manifest.json')))?.body).toEqual(
      first.files.get('manifest.json'),
    );
  });

  it.each<[string, Publication, string]>([
    ['without a manifest', { ...first, files: new Map() }, 'has no manifest.json'],
    [
      "with another's manifest",
      withManifestOf(first, second),
      `has the manifest of version ${second.version}`,
    ],
    [
      'with a file that is not listed',
      { ...first, files: new Map([...first.files, ['extra.bin', Uint8Array.of(1)]]) },
      'has a file extra.bin that its manifest does not list',
    ],
    [
      'without a listed file',
      { ...first, files: new Map([...first.files].filter(([path]) => path !== 'report.json')) },
      'lacks the file report.json that its manifest lists',
    ],
    [
      'with a changed file',
      { ...first, files: new Map([...first.files, ['report.json', Uint8Array.of(1)]]) },
      'has a file report.json of 1 bytes, sha-256 4bf5122f',
    ],
    [
      'with too few candidates',
      { ...first, candidates: first.candidates.slice(1) },
      'has 4 candidate records, 5 in its files, 5 in its manifest',
    ],
    [
      'with other candidates',
      { ...first, candidates: first.candidates.with(3, { userId: '5', record: Uint8Array.of(9) }) },
      'has a candidate record 3 that differs from the one in its files',
    ],
  ])('refuses a publication %s before it writes a byte', async (_, publication, message) => {
    await expect(publishVersion(ports, publication)).rejects.toThrow(
      expect.objectContaining({ code: 'PUBLISH_FAILED', message: expect.stringContaining(message) }),
    );
    expect(await ports.modelStore.list('')).toEqual([]);
  });
});

describe('readPointer', () => {
  it('reads undefined before anything is published', async () => {
    expect(await readPointer(ports.modelStore)).toBeUndefined();
  });

  const whole = { version: 'v1', previous: null, fence: 1, pinned: false };
  it.each<[string, unknown]>([
    ['models/current.json: found 5, expected an object', 5],
    ['models/current.json field version: found nothing, expected a string', { ...whole, version: undefined }],
    ['models/current.json field previous: found 3, expected a string or null', { ...whole, previous: 3 }],
    ['models/current.json field fence: found 1.5, expected an integer', { ...whole, fence: 1.5 }],
    ['models/current.json field pinned: found "no", expected true or false', { ...whole, pinned: 'no' }],
  ])('says %s', async (message, value) => {
    await ports.modelStore.put(POINTER_KEY, new TextEncoder().encode(JSON.stringify(value)));
    await expect(readPointer(ports.modelStore)).rejects.toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE', message }),
    );
  });

  it('refuses what is no JSON', async () => {
    await ports.modelStore.put(POINTER_KEY, encodePointer(whole).subarray(0, 20));
    await expect(readPointer(ports.modelStore)).rejects.toThrow(
      'models/current.json: found no JSON, expected a JSON object',
    );
  });
});
