import { createReadStream } from 'node:fs';
import { open as openFile, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { EncoreError, type OpenFile } from '@encore/core/train';

/**
 * A data set in a folder, its files under their published names.
 *
 * @throws {@link EncoreError} `INVALID_DATA_SET` when the folder is missing.
 */
export async function openFolder(folder: string): Promise<OpenFile> {
  const found = await stat(folder).catch(() => null);
  if (found === null || !found.isDirectory()) {
    throw new EncoreError(
      'INVALID_DATA_SET',
      `${folder} is ${found === null ? 'missing' : 'not a folder'}: expected a folder with the HetRec files`,
      {
        folder,
      },
    );
  }
  return async (name) => {
    try {
      const handle = await openFile(join(folder, name));
      return readThrough(handle, join(folder, name));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw unreadable(join(folder, name), error);
    }
  };
}

async function* readThrough(handle: FileHandle, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const chunks: AsyncIterable<Uint8Array> = createReadStream('', { fd: handle, highWaterMark: 1 << 18 });
    yield* chunks;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): EncoreError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new EncoreError('STORE_UNAVAILABLE', `${path} cannot be read: ${why}`, { path }, { cause });
}
