import { EncoreError, type ModelStore } from '@encore/core/serve';
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where half-written files and locks lie, inside the store's folder and outside its keys. */
const WORK_FOLDER = '.work';

/**
 * A model store in a folder, safe among processes of one machine: a key is a path below it.
 *
 * A write goes to a temporary file that is flushed to the disk and then renamed, so that a reader finds the old bytes or
 * the new ones and a crash leaves one of them. A conditional write holds a lock file while it compares and renames; the
 * lock of a process that died is broken. The entity tag is the SHA-256 of the bytes.
 *
 * @param folder - Created with the first write.
 * @param options - `lockWaitMs`: how long a conditional write waits for another before it fails.
 */
export function createFolderModelStore(
  folder: string,
  options: { readonly lockWaitMs?: number } = {},
): ModelStore {
  const { lockWaitMs = 5000 } = options;
  const work = join(folder, WORK_FOLDER);
  const lockOf = (key: string): string =>
    join(work, `${createHash('sha256').update(key).digest('hex')}.lock`);

  const read = async (key: string): Promise<Uint8Array | undefined> => {
    try {
      return new Uint8Array(await readFile(pathOf(folder, key)));
    } catch (error) {
      if (isOneOf(error, ['ENOENT', 'ENOTDIR', 'EISDIR'])) return undefined;
      throw error;
    }
  };
  const write = async (key: string, body: Uint8Array): Promise<void> => {
    const path = pathOf(folder, key);
    const temporary = join(work, `${randomUUID()}.tmp`);
    await mkdir(work, { recursive: true });
    await mkdir(dirname(path), { recursive: true });
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(body);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(dirname(path));
  };

  /** A folder without files is no key: it would be all that is left of a deleted version. */
  const removeEmptyFolders = async (parent: string): Promise<void> => {
    for (let name = parent; name !== '.'; name = dirname(name)) {
      try {
        await rmdir(join(folder, name));
      } catch (error) {
        // Not empty, or a writer has filled it or another has removed it meanwhile.
        if (isOneOf(error, ['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR', 'EPERM'])) return;
        throw error;
      }
    }
  };

  return {
    get: (key, range) =>
      translated(`read ${key}`, async () => {
        const whole = await read(key);
        if (whole === undefined) return undefined;
        const body = range === undefined ? whole : whole.slice(range.start, range.end);
        return { body, etag: etagOf(whole) };
      }),
    put: (key, body) => translated(`write ${key}`, () => write(key, body.slice())),
    putIf: (key, body, etag) =>
      translated(`write ${key}`, async () => {
        const copy = body.slice();
        pathOf(folder, key);
        await mkdir(work, { recursive: true });
        return holding(lockOf(key), lockWaitMs, async () => {
          const current = await read(key);
          if ((current === undefined ? null : etagOf(current)) !== etag) return false;
          await write(key, copy);
          return true;
        });
      }),
    list: (prefix) =>
      translated(`list ${prefix}`, async () => {
        const keys: string[] = [];
        const walk = async (parent: string): Promise<void> => {
          for (const entry of await readFolder(join(folder, parent))) {
            const key = parent + entry.name;
            if (entry.name.startsWith('.')) continue;
            if (entry.isDirectory()) {
              const inside = `${key}/`;
              if (inside.startsWith(prefix) || prefix.startsWith(inside)) await walk(inside);
            } else if (key.startsWith(prefix)) {
              keys.push(key);
            }
          }
        };
        await walk('');
        return keys.toSorted();
      }),
    delete: (keys) =>
      translated(`delete ${keys.length} objects`, async () => {
        for (const key of keys) {
          const path = pathOf(folder, key);
          await unlinkFile(path);
          await removeEmptyFolders(dirname(key));
        }
      }),
  };
}

/** Refuses keys that would leave the folder or meet its own files. */
function pathOf(folder: string, key: string): string {
  const segments = key.split('/');
  if (segments.some((segment) => segment === '' || segment.startsWith('.') || /[\\\0]/.test(segment))) {
    throw new EncoreError(
      'INVALID_OPTION',
      `key ${JSON.stringify(key)} of a folder store; allowed: names separated by "/", none empty or starting with "."`,
      { key },
    );
  }
  return join(folder, ...segments);
}

function etagOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function unlinkFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isOneOf(error, ['ENOENT', 'ENOTDIR', 'EISDIR'])) throw error;
  }
}

async function readFolder(
  path: string,
): Promise<readonly { readonly name: string; isDirectory(): boolean }[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isOneOf(error, ['ENOENT', 'ENOTDIR'])) return [];
    throw error;
  }
}

/** Makes a rename last; not every platform can open a folder. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!isOneOf(error, ['EISDIR', 'EPERM', 'EACCES', 'EINVAL'])) throw error;
  }
}

/** Tokens of the locks that this process holds: another process may have died with the same process id. */
const held = new Set<string>();

async function holding<T>(lock: string, waitMs: number, run: () => Promise<T>): Promise<T> {
  const token = `${process.pid} ${randomUUID()}`;
  const giveUpAt = performance.now() + waitMs;
  held.add(token);
  try {
    while (!createExclusively(lock, token)) {
      breakDeadLock(lock);
      if (performance.now() > giveUpAt) {
        throw new EncoreError(
          'STORE_UNAVAILABLE',
          `lock ${lock} was held for ${waitMs} ms; if no process is writing, remove the file`,
          { lock },
        );
      }
      await sleep(2 + 8 * Math.random());
    }
    try {
      return await run();
    } finally {
      rmSync(lock, { force: true });
    }
  } finally {
    held.delete(token);
  }
}

function createExclusively(path: string, text: string): boolean {
  try {
    const file = openSync(path, 'wx');
    writeFileSync(file, text);
    closeSync(file);
    return true;
  } catch (error) {
    if (isOneOf(error, ['EEXIST'])) return false;
    throw error;
  }
}

/**
 * Removes a lock whose process is dead. Only one process at a time may decide that, or the second would remove the lock
 * that the first has taken since.
 */
function breakDeadLock(lock: string): void {
  if (!isDead(lock)) return;
  const deciding = `${lock}.break`;
  if (!createExclusively(deciding, '')) return;
  try {
    if (isDead(lock)) rmSync(lock, { force: true });
  } finally {
    rmSync(deciding, { force: true });
  }
}

function isDead(lock: string): boolean {
  let token: string;
  try {
    token = readFileSync(lock, 'utf8');
  } catch (error) {
    if (isOneOf(error, ['ENOENT'])) return false;
    throw error;
  }
  const pid = Number.parseInt(token, 10);
  // Created a moment ago, its text still to be written.
  if (Number.isNaN(pid)) return false;
  if (pid === process.pid) return !held.has(token);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return isOneOf(error, ['ESRCH']);
  }
}

async function translated<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof EncoreError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EncoreError('STORE_UNAVAILABLE', `could not ${what}: ${reason}`, { what }, { cause });
  }
}

function isOneOf(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
