import { createReadStream } from 'node:fs';
import { open as openFile, stat } from 'node:fs/promises';
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
      return createReadStream('', { fd: handle, highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new EncoreError(
        'STORE_UNAVAILABLE',
        `${join(folder, name)} cannot be read`,
        { folder, name },
        { cause: error },
      );
    }
  };
}
