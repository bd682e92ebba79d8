import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { EncoreError, isEncoreError, type ImportFormat, type ImportSource } from '@encore/core/train';
import { openPromise, type Entry } from 'yauzl';

/** An archive of more entries is no export of anybody's listening. */
const MAX_ENTRIES = 10_000;

/** What services call the files of listening in the archives that they hand out, beside much that is none of ours. */
const KNOWN_ENTRIES = {
  spotify: /(?:^|\/)(?:Streaming_History_Audio_[^/]*|endsong_\d+|StreamingHistory(?:_music_)?\d+)\.json$/iu,
  listenbrainz: /(?:^|\/)listens\/(?:\d{4}\/\d{1,2}\.jsonl|[^/]+\.listens)$/u,
} as const;

const ANY_ENTRY: Readonly<Record<ImportFormat | 'auto', RegExp>> = {
  'lastfm-top-artists': /\.json$/iu,
  'lastfm-recent-tracks': /\.json$/iu,
  listenbrainz: /\.jsonl?$/iu,
  spotify: KNOWN_ENTRIES.spotify,
  csv: /\.csv$/iu,
  auto: /\.(?:jsonl?|csv)$/iu,
};

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
      if (archive.entryCount > MAX_ENTRIES) {
        throw new Error(`it has ${archive.entryCount} entries, at most ${MAX_ENTRIES} are allowed`);
      }
      const entries: Entry[] = [];
      for await (const entry of archive.eachEntry()) entries.push(entry);
      const fitting = entriesOf(entries, format);
      if (fitting.length === 0) {
        throw new Error(
          `none of its ${entries.length} entries is listening: expected are files named as the service names them, or .json, .jsonl or .csv`,
        );
      }
      for (const entry of fitting) {
        // A control character in a name must not reach a terminal.
        const name = `${basename(path)}/${entry.fileName.replaceAll(/\p{Cc}/gu, '?')}`;
        yield { name, chunks: readThrough(path, await archive.openReadStreamPromise(entry)) };
      }
    } finally {
      archive.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Of an archive of a service its listening alone; of any other all files that the format could be in. */
function entriesOf(entries: readonly Entry[], format: ImportFormat | 'auto'): readonly Entry[] {
  const files = entries.filter(
    // macOS puts a shadow of each file beside it.
    ({ fileName }) => !fileName.endsWith('/') && !/(?:^|\/)(?:__MACOSX\/|\._)/u.test(fileName),
  );
  for (const [service, pattern] of Object.entries(KNOWN_ENTRIES)) {
    if (format !== 'auto' && format !== service) continue;
    const known = files.filter(({ fileName }) => pattern.test(fileName));
    if (known.length > 0) return known;
  }
  return files.filter(({ fileName }) => ANY_ENTRY[format].test(fileName));
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
