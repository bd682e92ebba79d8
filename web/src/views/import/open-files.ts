import { chooseEntries, EncoreError, entryName, isEncoreError, type ImportSource } from '@encore/core/import';
import { unzipRaw, type Reader, type ZipEntry } from 'unzipit';

/** Told of the bytes of files as they are read, packed as they are. */
export type OnRead = (bytes: number, file: string) => void;

/** The list of files of an archive is read at once: ten thousand long names are less. */
const MAX_DIRECTORY_BYTES = 16 * 1024 ** 2;

/** What is unpacked in one go: deflate makes at most 1,032 bytes of one. */
const PACKED_PIECE_BYTES = 1 << 14;

const STORED = 0;
const DEFLATED = 8;

/**
 * Opens files that somebody chose, one after the other: plain ones, `.gz`, and of a `.zip` the entries that are listening, told
 * apart by content. Everything is streamed and nothing is unpacked before it is asked for; how much comes out is bounded by who reads.
 *
 * @throws EncoreError `INVALID_DATA_SET` where one cannot be opened or unpacked, or has nothing that fits.
 */
export async function* openFiles(
  files: readonly File[],
  onRead: OnRead,
): AsyncGenerator<ImportSource, void, undefined> {
  for (const file of files) {
    const name = shownName(file.name);
    const count = (bytes: number): void => onRead(bytes, name);
    const opening = await firstBytes(file, name);
    if (opening.startsWith('PK\x03\x04') || opening.startsWith('PK\x05\x06')) {
      yield* zipSources(file, name, count);
    } else if (opening.startsWith('\x1f\x8b')) {
      const unpacked = pieces(file.stream(), count).pipeThrough(new DecompressionStream('gzip'));
      yield { name, chunks: chunksOf(name, unpacked) };
    } else {
      yield { name, chunks: chunksOf(name, pieces(file.stream(), count)) };
    }
  }
}

async function* zipSources(
  file: File,
  name: string,
  count: (bytes: number) => void,
): AsyncGenerator<ImportSource, void, undefined> {
  let nRead = 0;
  const reader = readerOf(file, name, (bytes) => {
    nRead += bytes;
    count(bytes);
  });
  const { entries } = await unzipRaw(reader).catch((cause: unknown) => {
    throw unpackable(name, cause);
  });
  for (const entry of chooseEntries(name, entries, { nameOf: (entry) => entry.name, format: 'auto' })) {
    const path = shownName(entryName(name, entry.name));
    requireUnpackable(path, entry);
    const stream = await entry.stream().catch((cause: unknown) => {
      throw unpackable(path, cause);
    });
    yield { name: path, chunks: chunksOf(path, stream) };
  }
  // What was not listening is done with, too.
  count(Math.max(0, file.size - nRead));
}

function requireUnpackable(name: string, { encrypted, compressionMethod }: ZipEntry): void {
  if (encrypted) throw locked(name);
  if (compressionMethod === STORED || compressionMethod === DEFLATED) return;
  throw new EncoreError(
    'INVALID_DATA_SET',
    `${name} is packed in a way that is not read here (method ${compressionMethod}): unpack it and choose the files in it`,
    { file: name },
  );
}

/** A file as the zip reader wants it: pieces where they lie, never more of it in memory than a list of files may have. */
function readerOf(file: File, name: string, count: (bytes: number) => void): Reader {
  return {
    getLength: () => Promise.resolve(file.size),
    async read(offset, size) {
      if (size > MAX_DIRECTORY_BYTES) {
        throw new EncoreError(
          'INVALID_DATA_SET',
          `${name} has a list of files of ${size} bytes: at most ${MAX_DIRECTORY_BYTES} bytes are allowed`,
          { file: name },
        );
      }
      return new Uint8Array(await file.slice(offset, offset + size).arrayBuffer());
    },
    readStream: (offset, size) => Promise.resolve(pieces(file.slice(offset, offset + size).stream(), count)),
  };
}

/** The same bytes in small pieces, counted on their way: one large piece of a bomb would be gigabytes. */
function pieces(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  count: (bytes: number) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return stream.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        count(chunk.length);
        for (let at = 0; at < chunk.length; at += PACKED_PIECE_BYTES) {
          controller.enqueue(chunk.subarray(at, at + PACKED_PIECE_BYTES));
        }
      },
    }),
  );
}

/** Not every browser can loop over a stream. */
async function* chunksOf(
  name: string,
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  let isFirst = true;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (isFirst && value.length > 0) {
        requireText(name, value);
        isFirst = false;
      }
      yield value;
    }
  } catch (cause) {
    throw unpackable(name, cause);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** What files begin with that are often taken for an export. */
const OTHER_KINDS: readonly (readonly [string, string])[] = [
  ['PK\x03\x04', 'an archive in an archive'],
  ['\x1f\x8b', 'packed twice'],
  ['7z\xbc\xaf', 'an archive of 7-Zip'],
  ['Rar!\x1a', 'an archive of RAR'],
  ['\x89PNG', 'a picture'],
  ['\xff\xd8\xff', 'a picture'],
  ['GIF87a', 'a picture'],
  ['GIF89a', 'a picture'],
  ['%PDF-', 'a PDF'],
  ['SQLite format 3', 'a database'],
];

/** @throws EncoreError `INVALID_DATA_SET` where a file is plainly something else, whatever its name says. */
function requireText(name: string, chunk: Uint8Array): void {
  const opening = String.fromCharCode(...chunk.subarray(0, 16));
  const other = OTHER_KINDS.find(([magic]) => opening.startsWith(magic));
  if (other === undefined) return;
  throw new EncoreError('INVALID_DATA_SET', `${name} is ${other[1]}, not listening as JSON or CSV`, {
    file: name,
  });
}

async function firstBytes(file: File, name: string): Promise<string> {
  const bytes = await file
    .slice(0, 4)
    .arrayBuffer()
    .catch((cause: unknown) => {
      throw unpackable(name, cause);
    });
  return String.fromCharCode(...new Uint8Array(bytes));
}

/** What went wrong with the bytes of a file, in words; what core says of its content comes through as it is. */
function unpackable(name: string, cause: unknown): EncoreError {
  if (isEncoreError(cause)) return cause;
  const { name: kind, message } = cause instanceof Error ? cause : new Error(String(cause));
  if (kind === 'NotFoundError' || kind === 'NotReadableError' || kind === 'SecurityError') {
    return new EncoreError(
      'INVALID_DATA_SET',
      `${name} cannot be opened: it may be a folder, or have been moved or changed since it was chosen`,
      { file: name },
      { cause },
    );
  }
  if (message.includes('encrypt')) return locked(name);
  return new EncoreError(
    'INVALID_DATA_SET',
    `${name} cannot be unpacked: it is damaged or was cut short; download it again`,
    { file: name },
    { cause },
  );
}

function locked(name: string): EncoreError {
  return new EncoreError(
    'INVALID_DATA_SET',
    `${name} is locked with a password: unpack it and choose the files in it`,
    { file: name },
  );
}

const MAX_SHOWN_CHARACTERS = 100;

/** A name that cannot turn the text around it: no control characters, also none of writing direction, and not too long. */
export function shownName(name: string): string {
  const clean = Array.from(name.toWellFormed().replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, '\u{fffd}'));
  if (clean.length <= MAX_SHOWN_CHARACTERS) return clean.join('');
  // Both ends say most: the archive, and the kind of file.
  const half = MAX_SHOWN_CHARACTERS / 2;
  return `${clean.slice(0, half).join('')}…${clean.slice(-half).join('')}`;
}
