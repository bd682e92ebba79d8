import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createFolderModelStore } from '../../../../functions/shared/adapters/folder-model-store.ts';
import { createMemoryModelStore } from '../../../../functions/shared/adapters/memory-stores.ts';
import { createObjectLeaseStore } from '../../../../functions/shared/adapters/object-lease-store.ts';
import { leaseStoreContract } from '../../../core/contracts/lease-store.contract.ts';

const KEY = 'models/lease.json';

const folders: string[] = [];
afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

leaseStoreContract('a lease in an object in memory', async () =>
  createObjectLeaseStore(createMemoryModelStore(), KEY),
);
leaseStoreContract('a lease in a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'encore-lease-'));
  folders.push(folder);
  return createObjectLeaseStore(createFolderModelStore(folder), KEY);
});

describe('a lease in an object', () => {
  it('goes on counting where another store left off', async () => {
    const store = createMemoryModelStore();
    await createObjectLeaseStore(store, KEY).acquire('a', 1000, 10);
    expect(await createObjectLeaseStore(store, KEY).acquire('b', 2000, 10)).toEqual({ fence: 2 });
  });

  it('keeps leases under different keys apart', async () => {
    const store = createMemoryModelStore();
    await createObjectLeaseStore(store, KEY).acquire('a', 1000, 10);
    expect(await createObjectLeaseStore(store, 'other.json').acquire('b', 1000, 10)).toEqual({ fence: 1 });
  });

  it('tries again after a lost race, and sees who won', async () => {
    const store = createMemoryModelStore();
    const winner = createObjectLeaseStore(store, KEY);
    let raced = false;
    const loser = createObjectLeaseStore(
      {
        ...store,
        putIf: async (key, body, etag) => {
          if (!raced) {
            raced = true;
            await winner.acquire('winner', 1000, 60_000);
          }
          return store.putIf(key, body, etag);
        },
      },
      KEY,
    );
    expect(await loser.acquire('loser', 1000, 60_000)).toBeUndefined();
    expect(await winner.acquire('winner', 1000, 60_000)).toEqual({ fence: 2 });
  });

  it('gives up where every attempt is lost, naming the object', async () => {
    const store = { ...createMemoryModelStore(), putIf: async () => false };
    await expect(createObjectLeaseStore(store, KEY).acquire('a', 1000, 10)).rejects.toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining(KEY) }),
    );
  });

  it.each(['', '{', 'null', '[]', '{"fence":1}', '{"fence":"1","holder":"a","expiresAtMs":1}'])(
    'is not guessed from %j: a fence could be issued twice',
    async (text) => {
      const store = createMemoryModelStore();
      await store.put(KEY, new TextEncoder().encode(text));
      const lease = createObjectLeaseStore(store, KEY);
      const refused = expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining(KEY),
      });
      await expect(lease.acquire('a', 1000, 10)).rejects.toThrow(refused);
      await expect(lease.release('a')).rejects.toThrow(refused);
    },
  );
});
