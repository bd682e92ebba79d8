import { EncoreError } from '../errors.ts';

/** The bytes of a file, in chunks of any size. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** What a file begins with, as far as it decides how to read it. */
export type Opening = 'json' | 'text' | 'empty';

const MAX_BLANK_BYTES = 65_536;

/**
 * Looks at the first character of a file that is no blank, without losing any of it.
 *
 * @returns What it begins with, and all its chunks.
 * @throws {@link EncoreError} `INVALID_DATA_SET` where the bytes are no text in UTF-8 (UTF-16, or a binary file).
 */
export async function peek(
  name: string,
  chunks: ByteChunks,
): Promise<{ readonly opening: Opening; readonly chunks: ByteChunks }> {
  const iterator =
    Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  const read: Uint8Array[] = [];
  let nBlank = 0;
  let opening: Opening = 'empty';
  while (opening === 'empty' && nBlank < MAX_BLANK_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    read.push(next.value);
    for (const byte of next.value) {
      if (isBlank(byte) || isMark(byte, nBlank)) {
        nBlank++;
        continue;
      }
      if (byte < 0x20 || (nBlank === 0 && (byte === 0xff || byte === 0xfe))) {
        throw new EncoreError(
          'INVALID_DATA_SET',
          `${name} is ${byte < 0x20 ? 'not a text' : 'in UTF-16'}: allowed is a text in UTF-8, plain, .gz or .zip`,
          { file: name },
        );
      }
      opening = byte === OPEN_BRACE || byte === OPEN_BRACKET ? 'json' : 'text';
      break;
    }
  }
  return { opening, chunks: rejoin(read, iterator) };
}

async function* rejoin(
  read: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* read;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Whoever stops early leaves no file open.
    await iterator.return?.();
  }
}

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/** Blanks of JSON and CSV: space, tab, line feed, carriage return. */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** The bytes of a UTF-8 byte order mark at the very start. */
function isMark(byte: number, at: number): boolean {
  return (at === 0 && byte === 0xef) || (at === 1 && byte === 0xbb) || (at === 2 && byte === 0xbf);
}
