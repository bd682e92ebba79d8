import { EncoreError } from '../errors.ts';
import { isBlank, type ByteChunks } from './byte-chunks.ts';

/** What is told of each value, in order. */
export interface JsonValueVisitor {
  /** @param row - 1-based number of the value. */
  readonly value: (value: unknown, row: number) => void;
  /** A value whose end was found but that is not JSON. */
  readonly malformed: (row: number) => void;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const LF = 0x0a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** What is being read. */
const READING = { none: 0, container: 1, text: 2, bare: 3, line: 4 } as const;

/**
 * Reads a file of JSON value by value, so that never more than one of them is in memory: the elements of an array at the root,
 * the values of a sequence (`{…}{…}`, also with line breaks), or one value for each line (JSON Lines).
 *
 * The bytes are only cut here, by counting brackets outside of strings; `JSON.parse` reads each piece. A piece that it refuses is
 * `malformed` and the next one is read. Lines are taken one by one as soon as the first value was a whole line, so that a
 * broken line costs no more than itself. Commas between the elements are skipped and not counted.
 *
 * @param name - The file, for messages.
 * @param options - `maxValueBytes`: of one value.
 * @throws {@link EncoreError} `INVALID_DATA_SET` where the file ends within a value or an array (cut short), has a closing bracket too
 *   many, or a value is too large. No message quotes the file.
 */
export async function scanJsonValues(
  name: string,
  chunks: ByteChunks,
  visitor: JsonValueVisitor,
  options: { readonly maxValueBytes: number },
): Promise<void> {
  const { maxValueBytes } = options;
  const decoder = new TextDecoder();
  let kind: (typeof READING)[keyof typeof READING] = READING.none;
  let inArray = false;
  let depth = 0;
  let inText = false;
  let escaped = false;
  let row = 0;
  /** Whether the first value may still turn out to be the first line of many. */
  let maybeLines = true;
  let lines = false;
  /** What earlier chunks held of the value. */
  let parts: Uint8Array[] = [];
  let nParts = 0;

  const refuse = (what: string): never => {
    throw new EncoreError('INVALID_DATA_SET', `${name}: ${what}`, { file: name, row });
  };
  const tooLarge = (): never =>
    refuse(`record ${row} is larger than ${maxValueBytes} bytes, the most that one record may have`);
  const emit = (last: Uint8Array): void => {
    if (nParts + last.length > maxValueBytes) tooLarge();
    let bytes = last;
    if (nParts > 0) {
      bytes = new Uint8Array(nParts + last.length);
      let at = 0;
      for (const part of [...parts, last]) {
        bytes.set(part, at);
        at += part.length;
      }
    }
    parts = [];
    nParts = 0;
    kind = READING.none;
    let value: unknown;
    try {
      value = JSON.parse(decoder.decode(bytes));
    } catch {
      // What the parser says quotes the file.
      visitor.malformed(row);
      return;
    }
    visitor.value(value, row);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (kind === READING.container || kind === READING.text) {
        if (inText) {
          if (escaped) escaped = false;
          else if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) {
            inText = false;
            if (kind === READING.text) emit(chunk.subarray(start, i + 1));
          }
        } else if (byte === QUOTE) inText = true;
        else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
        else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
          depth--;
          if (depth === 0) emit(chunk.subarray(start, i + 1));
        } else if (byte === LF && row === 1) maybeLines = false;
        continue;
      }
      if (kind === READING.line) {
        if (byte === LF) emit(chunk.subarray(start, i));
        continue;
      }
      if (kind === READING.bare) {
        if (!endsBare(byte)) continue;
        emit(chunk.subarray(start, i));
      }
      // Between values.
      if (isBlank(byte)) {
        if (byte === LF && row === 1 && maybeLines && !inArray) lines = true;
        continue;
      }
      // Of a byte order mark, which may only stand before everything.
      if (row === 0 && !inArray && (byte === 0xef || byte === 0xbb || byte === 0xbf)) continue;
      if (inArray && byte === COMMA) continue;
      if (inArray && byte === CLOSE_BRACKET) {
        inArray = false;
        continue;
      }
      if (!lines && (byte === CLOSE_BRACKET || byte === CLOSE_BRACE)) {
        refuse(`has a closing bracket too many behind record ${row}: it is not JSON`);
      }
      if (!inArray && !lines && byte === OPEN_BRACKET) {
        inArray = true;
        maybeLines = false;
        continue;
      }
      start = i;
      row++;
      if (lines) kind = READING.line;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        kind = READING.container;
        depth = 1;
        inText = false;
      } else if (byte === QUOTE) {
        kind = READING.text;
        inText = true;
      } else kind = READING.bare;
      escaped = false;
    }
    if (kind !== READING.none) {
      nParts += chunk.length - start;
      if (nParts > maxValueBytes) tooLarge();
      parts.push(chunk.slice(start));
    }
  }
  if (kind === READING.line || (kind === READING.bare && !inArray)) emit(new Uint8Array(0));
  if (kind !== READING.none) refuse(`ends within record ${row}: it was cut short`);
  if (inArray) refuse(`ends behind record ${row} without the end of its list: it was cut short`);
}

/** Whether a byte ends a number, `true`, `false` or `null`. */
function endsBare(byte: number): boolean {
  return isBlank(byte) || byte === COMMA || byte === CLOSE_BRACKET || byte === CLOSE_BRACE;
}
