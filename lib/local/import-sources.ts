import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import {
  checkEntryCount,
  chooseEntries,
  EncoreError,
  entryName,
  isEncoreError,
  type ImportFormat,
  type ImportSource,
} from '@encore/core/import';
import { openPromise, type Entry } from 'yauzl';

/**
 * Opens files to import from, one after the other: plain ones, `.gz`, and of a `.zip` the entries that fit the format (told apart by
 * content, not by name). Nothing is unpacked to disk or whole into memory; how much comes out is bounded by who reads.
 *
 * @throws {@link EncoreError} `INVALID_DATA_SET` where a file is missing, cannot be unpacked, or has nothing that fits.
 */
export async function* openImportSources(
  paths: readonly string[],
  format: ImportFormat | 'auto',
): AsyncGenerator<ImportSource, void, undefined> {
  for (const path of paths) {
    const magic = await firstBytes(path);
    if (magic.startsWith('PK')) {
      yield* zipSources(path, format);
      continue;
    }
    const isGzip = magic.startsWith('\x1f\x8b');
    yield { name: basename(path), chunks: readThrough(path, plainStream(path, isGzip)) };
  }
}

function plainStream(path: string, isGzip: boolean): Readable {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  if (!isGzip) return file;
  const unpacked = createGunzip({ chunkSize: 1 << 18 });
  file.on('error', (error) => unpacked.destroy(error));
  unpacked.on('close', () => file.destroy());
  return file.pipe(unpacked);
}

async function* readThrough(path: string, stream: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const chunks: AsyncIterable<Uint8Array> = stream;
    yield* chunks;
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function* zipSources(
  path: string,
  format: ImportFormat | 'auto',
): AsyncGenerator<ImportSource, void, undefined> {
  try {
    const archive = await openPromise(path, { autoClose: false });
    try {
      checkEntryCount(path, archive.entryCount);
      const entries: Entry[] = [];
      for await (const entry of archive.eachEntry()) entries.push(entry);
      for (const entry of chooseEntries(path, entries, { nameOf: ({ fileName }) => fileName, format })) {
        const name = entryName(basename(path), entry.fileName);
        yield { name, chunks: readThrough(path, await archive.openReadStreamPromise(entry)) };
      }
    } finally {
      archive.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The first bytes as characters of their numbers. */
async function firstBytes(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) {
    const what = found === null ? 'missing' : 'not a file';
    throw new EncoreError('INVALID_DATA_SET', `${path} is ${what}: expected a file, plain, .gz or .zip`, {
      path,
    });
  }
  try {
    const handle = await open(path);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): unknown {
  // What core says of the content comes through here as well.
  if (isEncoreError(cause)) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new EncoreError('INVALID_DATA_SET', `${path} cannot be read: ${why}`, { path }, { cause });
}
