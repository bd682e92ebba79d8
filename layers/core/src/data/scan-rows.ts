/** The bytes of a file, in chunks of any size. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The row under the scanner. One object serves all rows: take what is needed before returning. */
export interface Row {
  readonly bytes: Uint8Array;
  /** 1-based line in the file. */
  readonly line: number;
  /** Number of tab-separated fields; 0 for a blank line. */
  readonly nFields: number;
  /** Shape (MAX_FIELDS,): where each of the first fields starts in `bytes`. */
  readonly starts: Int32Array;
  /** Shape (MAX_FIELDS,): the offset behind each of the first fields. */
  readonly ends: Int32Array;
}

/** Fields of a row that are located; more are only counted. */
const MAX_FIELDS = 8;

const TAB = 9;
const LF = 10;
const CR = 13;

/**
 * Visits every line of a file of tab-separated fields, without making strings.
 *
 * Lines end with LF or CRLF; the last one needs no end. A UTF-8 byte order mark at the start is skipped.
 *
 * @param chunks - The file's bytes. A line may run over any number of chunks.
 * @param visit - Called with each line in order, blank ones too; `false` stops the scan.
 */
export async function scanRows(chunks: Chunks, visit: (row: Row) => boolean | void): Promise<void> {
  const starts = new Int32Array(MAX_FIELDS);
  const ends = new Int32Array(MAX_FIELDS);
  const noBytes: Uint8Array = new Uint8Array(0);
  const row = { bytes: noBytes, line: 0, nFields: 0, starts, ends };
  /** The unfinished line that the chunks so far ended with. */
  let pending = new Uint8Array(1024);
  let nPending = 0;
  let done = false;

  /** Visits the lines within [from, to) that end with LF; returns the start of the rest. */
  const scanLines = (bytes: Uint8Array, from: number, to: number): number => {
    row.bytes = bytes;
    let lineStart = from;
    let fieldStart = from;
    let n = 0;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      if (byte > CR || (byte !== TAB && byte !== LF)) continue;
      if (n < MAX_FIELDS) {
        starts[n] = fieldStart;
        ends[n] = i;
      }
      n++;
      fieldStart = i + 1;
      if (byte === TAB) continue;
      if (i > lineStart && bytes[i - 1] === CR) {
        if (n <= MAX_FIELDS) ends[n - 1]!--;
        if (i - 1 === lineStart) n = 0;
      } else if (i === lineStart) {
        n = 0;
      }
      row.nFields = n;
      row.line++;
      if (visit(row) === false) {
        done = true;
        return to;
      }
      lineStart = i + 1;
      n = 0;
    }
    return lineStart;
  };

  const keepPending = (bytes: Uint8Array, from: number, to: number): void => {
    const length = to - from;
    if (nPending + length > pending.length) {
      const larger = new Uint8Array(Math.max(2 * pending.length, nPending + length));
      larger.set(pending.subarray(0, nPending));
      pending = larger;
    }
    pending.set(bytes.subarray(from, to), nPending);
    nPending += length;
  };

  let atStart = true;
  /** Offset behind the byte order mark in a line that is complete in `bytes`. */
  const skipMark = (bytes: Uint8Array): number => {
    if (!atStart) return 0;
    atStart = false;
    return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  };

  for await (const chunk of chunks) {
    let from = 0;
    if (nPending > 0 || atStart) {
      // The first line, and every line begun in an earlier chunk, is completed in the buffer.
      const lineEnd = chunk.indexOf(LF);
      keepPending(chunk, 0, lineEnd < 0 ? chunk.length : lineEnd + 1);
      if (lineEnd < 0) continue;
      scanLines(pending, skipMark(pending.subarray(0, nPending)), nPending);
      nPending = 0;
      from = lineEnd + 1;
    }
    if (!done) {
      const rest = scanLines(chunk, from, chunk.length);
      if (!done) keepPending(chunk, rest, chunk.length);
    }
    if (done) return;
  }
  if (nPending > 0) {
    keepPending(new Uint8Array([LF]), 0, 1);
    const from = skipMark(pending.subarray(0, nPending));
    // A file of nothing but a byte order mark has no line.
    if (nPending - from > 1) scanLines(pending, from, nPending);
  }
}

/**
 * Reads a field as a whole number: decimal digits, optionally after `-`.
 *
 * @returns The number; `NaN` where anything else stands there, ±`Infinity` where it lies beyond ±(2^53 − 1).
 */
export function integerField(row: Row, field: number): number {
  const bytes = row.bytes;
  let i = row.starts[field]!;
  const end = row.ends[field]!;
  const negative = bytes[i] === 0x2d && i < end;
  if (negative) i++;
  if (i >= end) return Number.NaN;
  let value = 0;
  for (; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) value = Infinity;
  return negative ? 0 - value : value;
}

/** Reads fields [first, last] as ISO-8859-1, every byte the code point of the same number, tabs between them kept. */
export function latin1Fields(row: Row, first: number, last = first): string {
  const bytes = row.bytes;
  let text = '';
  for (let i = row.starts[first]!; i < row.ends[last]!; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
