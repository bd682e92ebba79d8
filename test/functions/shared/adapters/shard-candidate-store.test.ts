import { beforeEach, describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryModelStore,
} from '../../../../functions/shared/adapters/memory-stores.ts';
import { createShardCandidateStore } from '../../../../functions/shared/adapters/shard-candidate-store.ts';
import type { ModelStore } from '../../../../layers/core/src/ports.ts';
import { publishVersion, type Publication } from '../../../../layers/core/src/publish/publish.ts';
import { makePublication } from '../../../core/publish/make-publication.ts';

let modelStore: ModelStore;
let first: Publication;
let second: Publication;

async function publish(fence: number): Promise<Publication> {
  const publication = await makePublication(fence);
  const outcome = await publishVersion(
    {
      modelStore,
      candidateStore: createMemoryCandidateStore({ clock: () => 0 }),
      clock: () => 0,
      sleep: () => Promise.resolve(),
      random: () => 0.5,
    },
    publication,
  );
  expect(outcome).toBe('published');
  return publication;
}

beforeEach(async () => {
  modelStore = createMemoryModelStore();
  first = await publish(1);
  second = await publish(2);
});

const shardOf = ({ version }: Publication): string => `models/${version}/candidates/000000.bin`;

/** The store, and how often it was read. */
function counting(store: ModelStore): { readonly store: ModelStore; readonly reads: () => number } {
  let reads = 0;
  return {
    store: {
      ...store,
      get: async (key, range) => {
        reads++;
        return store.get(key, range);
      },
    },
    reads: () => reads,
  };
}

describe('candidates out of a version’s files', () => {
  it('are the records that were published, for every listener of every version', async () => {
    const store = createShardCandidateStore(modelStore);
    for (const { version, candidates } of [first, second, first]) {
      for (const { userId, record } of candidates) expect(await store.read(userId, version)).toEqual(record);
    }
    expect(first.candidates.length).toBeGreaterThan(0);
  });

  it('are absent for a stranger, and for a version that is not there', async () => {
    const store = createShardCandidateStore(modelStore);
    expect(await store.read('nobody', first.version)).toBeUndefined();
    expect(await store.read(first.candidates[0]!.userId, 'no such version')).toBeUndefined();
  });

  it('are read once for all requests, those at the same time too', async () => {
    const { store, reads } = counting(modelStore);
    const candidates = createShardCandidateStore(store);
    const ids = first.candidates.map(({ userId }) => userId);
    await Promise.all(ids.map((userId) => candidates.read(userId, first.version)));
    const once = reads();
    await candidates.read(ids[0]!, first.version);
    expect(reads()).toBe(once);
  });

  it('do not share memory with whoever reads them', async () => {
    const store = createShardCandidateStore(modelStore);
    const { userId, record } = first.candidates[0]!;
    (await store.read(userId, first.version))!.fill(0);
    expect(await store.read(userId, first.version)).toEqual(record);
  });

  it('are not lost for ever where a read failed once', async () => {
    let failing = true;
    const store = createShardCandidateStore({
      ...modelStore,
      get: async (key, range) => {
        if (failing) throw new Error('away');
        return modelStore.get(key, range);
      },
    });
    const { userId, record } = first.candidates[0]!;
    await expect(store.read(userId, first.version)).rejects.toThrow('away');
    failing = false;
    expect(await store.read(userId, first.version)).toEqual(record);
  });

  it('are refused where a file is missing or damaged: its listeners are no strangers', async () => {
    const missing = createShardCandidateStore({
      ...modelStore,
      get: async (key, range) => (key === shardOf(first) ? undefined : modelStore.get(key, range)),
    });
    await expect(missing.read('nobody', first.version)).rejects.toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining('candidates/000000.bin'),
      }),
    );
    await modelStore.put(shardOf(second), Uint8Array.of(1, 2, 3, 4));
    await expect(createShardCandidateStore(modelStore).read('nobody', second.version)).rejects.toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });

  it('count as written without a write: the files hold them already', async () => {
    const { store, reads } = counting(modelStore);
    const before = await modelStore.list('');
    const counted: number[] = [];
    const written = await createShardCandidateStore(store).write(first.version, first.candidates, {
      expiresAtMs: 1,
      onWritten: (count) => counted.push(count),
    });
    expect(written).toBe(first.candidates.length);
    expect(counted).toEqual([first.candidates.length]);
    expect(await modelStore.list('')).toEqual(before);
    expect(reads()).toBe(0);
  });
});
