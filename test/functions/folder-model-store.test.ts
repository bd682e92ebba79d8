import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { createFolderModelStore } from '../../functions/shared/adapters/folder-model-store.ts';
import { createMemoryCandidateStore } from '../../functions/shared/adapters/memory-stores.ts';
import { readPointer } from '../../layers/core/src/publish/pointer.ts';
import { publishVersion } from '../../layers/core/src/publish/publish.ts';
import { modelStoreContract } from '../core/contracts/model-store.contract.ts';
import { makePublication } from '../core/publish/make-publication.ts';

const folders: string[] = [];
async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'encore-store-'));
  folders.push(folder);
  return folder;
}
afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const lockOf = (folder: string, key: string): string =>
  join(folder, '.work', `${createHash('sha256').update(key).digest('hex')}.lock`);

/** The id of a process that has ended. */
const deadPid = (): number => spawnSync(process.execPath, ['--version']).pid;

modelStoreContract('the model store in a folder', async () =>
  createFolderModelStore(join(await makeFolder(), 'new')),
);

describe('the model store in a folder', () => {
  it('keeps what it was given for the next process that opens it', async () => {
    const folder = await makeFolder();
    await createFolderModelStore(folder).put('models/v1/report.json', bytes('{}'));
    expect((await createFolderModelStore(folder).get('models/v1/report.json'))?.body).toEqual(bytes('{}'));
  });

  it('leaves neither temporary files nor locks behind', async () => {
    const folder = await makeFolder();
    const store = createFolderModelStore(folder);
    await store.put('a', bytes('1'));
    await store.putIf('b', bytes('2'), null);
    await store.putIf('b', bytes('3'), null);
    expect(await readdir(join(folder, '.work'))).toEqual([]);
    expect((await readdir(folder)).toSorted()).toEqual(['.work', 'a', 'b']);
  });

  it('shows no temporary file and no lock among its keys', async () => {
    const folder = await makeFolder();
    const store = createFolderModelStore(folder);
    await store.put('a', bytes('1'));
    await writeFile(join(folder, '.work', 'left-over.tmp'), 'half');
    expect(await store.list('')).toEqual(['a']);
  });

  it('counts 60 conditional increments of three processes, none lost', async () => {
    const folder = await makeFolder();
    const child = fileURLToPath(new URL('folder-model-store.child.ts', import.meta.url));
    const run = promisify(execFile);
    await Promise.all(Array.from({ length: 3 }, () => run(process.execPath, [child, folder, '20'])));
    const counter = await createFolderModelStore(folder).get('counter');
    expect(new TextDecoder().decode(counter!.body)).toBe('60');
  });

  it('breaks the lock of a process that died', async () => {
    const folder = await makeFolder();
    await mkdir(join(folder, '.work'));
    await writeFile(lockOf(folder, 'a'), `${deadPid()} token`);
    const writers = Array.from({ length: 4 }, (_, i) => bytes(`writer ${i}`));
    const store = createFolderModelStore(folder);
    const won = await Promise.all(writers.map((body) => store.putIf('a', body, null)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await store.get('a'))?.body).toEqual(writers[won.indexOf(true)]);
  });

  it('breaks the lock of an earlier process that had its own id', async () => {
    const folder = await makeFolder();
    await mkdir(join(folder, '.work'));
    await writeFile(lockOf(folder, 'a'), `${process.pid} token of another life`);
    expect(await createFolderModelStore(folder).putIf('a', bytes('1'), null)).toBe(true);
  });

  it('waits for a living process and then says which lock is in the way', async () => {
    const folder = await makeFolder();
    await mkdir(join(folder, '.work'));
    await writeFile(lockOf(folder, 'a'), `${process.ppid} token`);
    await expect(
      createFolderModelStore(folder, { lockWaitMs: 60 }).putIf('a', bytes('1'), null),
    ).rejects.toThrow(
      expect.objectContaining({
        code: 'STORE_UNAVAILABLE',
        message: `lock ${lockOf(folder, 'a')} was held for 60 ms; if no process is writing, remove the file`,
      }),
    );
  });

  it.each(['', '/a', 'a/', 'a//b', '../a', 'a/../b', '.work/x', 'a/.hidden', 'a\\b', 'a\0b'])(
    'refuses the key %j',
    async (key) => {
      const store = createFolderModelStore(await makeFolder());
      const refused = expect.objectContaining({ code: 'INVALID_OPTION' });
      await expect(store.get(key)).rejects.toThrow(refused);
      await expect(store.put(key, bytes('1'))).rejects.toThrow(refused);
      await expect(store.putIf(key, bytes('1'), null)).rejects.toThrow(refused);
    },
  );

  it('knows a folder from an object', async () => {
    const store = createFolderModelStore(await makeFolder());
    await store.put('models/v1/a', bytes('1'));
    expect(await store.get('models/v1')).toBeUndefined();
    expect(await store.get('models/v1/a/b')).toBeUndefined();
    expect(await store.list('models/v1/a/')).toEqual([]);
  });

  it('reports what the disk refuses as an unavailable store, with the cause', async () => {
    const folder = await makeFolder();
    const store = createFolderModelStore(folder);
    await store.put('a', bytes('1'));
    await expect(store.put('a/b', bytes('1'))).rejects.toThrow(
      expect.objectContaining({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('could not write a/b: '),
        cause: expect.objectContaining({ code: 'EEXIST' }),
      }),
    );
    expect(await readdir(join(folder, '.work'))).toEqual([]);
  });

  it('publishes a version that another store on the same folder reads', async () => {
    const folder = await makeFolder();
    const publication = await makePublication(7);
    const outcome = await publishVersion(
      {
        modelStore: createFolderModelStore(folder),
        candidateStore: createMemoryCandidateStore(),
        clock: () => 0,
        sleep: () => Promise.resolve(),
        random: () => 0.5,
      },
      publication,
    );
    expect(outcome).toBe('published');
    const reader = createFolderModelStore(folder);
    expect((await readPointer(reader))?.pointer.version).toBe(publication.version);
    // The files and the state.
    expect(await reader.list(`models/${publication.version}/`)).toHaveLength(publication.files.size + 1);
  });
});
