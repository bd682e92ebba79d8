import { EncoreError } from '../errors.ts';
import type { ByteChunks } from './byte-chunks.ts';

/** What is told of each record that is no blank line, in order. */
export interface CsvRowVisitor {
  /** @param line - 1-based line that the record begins on. */
  readonly row: (fields: readonly string[], line: number) => void;
  /** A record with text behind a closing quote. */
  readonly malformed: (line: number) => void;
}

const READING = { start: 0, plain: 1, quoted: 2, quote: 3 } as const;

/** Characters of one record. */
const MAX_RECORD_CHARACTERS = 1 << 20;

/**
 * Reads comma-separated values as RFC 4180 has them: fields in double quotes may hold commas, line breaks and doubled quotes.
 *
 * More than the standard are allowed: LF for CRLF, a byte order mark, no line break at the end, blank lines (skipped), and quotes
 * within a field that does not begin with one, which mean themselves. Blanks belong to fields. Bytes that are not UTF-8 become U+FFFD.
 *
 * @param name - The file, for messages.
 * @throws {@link EncoreError} `INVALID_DATA_SET` where the file ends within quotes, or a record has more than 2^20 characters.
 * @see RFC 4180, section 2.
 */
export async function scanCsvRows(name: string, chunks: ByteChunks, visitor: CsvRowVisitor): Promise<void> {
  const decoder = new TextDecoder();
  // The cast keeps the compiler from believing that nothing but `start` can be assigned, which closures do.
  let reading = READING.start as (typeof READING)[keyof typeof READING];
  let fields: string[] = [];
  let field = '';
  let broken = false;
  /** Characters of the record in earlier pieces: what bounds its memory. */
  let nCharacters = 0;
  /** Where in the piece the record begins. */
  let recordStart = 0;
  let line = 1;
  let firstLine = 1;

  const refuse = (what: string): never => {
    throw new EncoreError('INVALID_DATA_SET', `${name}, line ${firstLine}: ${what}`, {
      file: name,
      line: firstLine,
    });
  };
  let position = 0;
  const endField = (): void => {
    fields.push(field);
    field = '';
    reading = READING.start;
  };
  const endRecord = (): void => {
    const blank = fields.length === 0 && field === '' && reading === READING.start;
    endField();
    const row = fields;
    fields = [];
    nCharacters = 0;
    recordStart = position + 1;
    const isBroken = broken;
    broken = false;
    if (isBroken) visitor.malformed(firstLine);
    else if (!blank) visitor.row(row, firstLine);
    firstLine = line;
  };

  /** A carriage return whose line feed may come, outside of quotes. */
  let heldReturn = false;
  const scan = (text: string): void => {
    // Where the run of plain characters begins that is not yet in `field`.
    let from = 0;
    recordStart = 0;
    for (let i = 0; i < text.length; i++) {
      position = i;
      const char = text.charCodeAt(i);
      if (char === LF) line++;
      if (heldReturn) {
        heldReturn = false;
        if (char !== LF) {
          // It ends no line, so it is part of the field.
          if (reading === READING.quote) broken = true;
          else reading = READING.plain;
          field += '\r';
        }
      }
      if (reading === READING.quoted) {
        if (char !== QUOTE) continue;
        field += text.slice(from, i);
        reading = READING.quote;
        continue;
      }
      if (reading === READING.quote && char === QUOTE) {
        field += '"';
        reading = READING.quoted;
        from = i + 1;
        continue;
      }
      if (char === COMMA || char === LF || char === CR) {
        if (reading === READING.plain) field += text.slice(from, i);
        from = i + 1;
        if (char === COMMA) endField();
        else if (char === LF) endRecord();
        else heldReturn = true;
        continue;
      }
      if (reading === READING.start) {
        from = i;
        if (char === QUOTE) {
          reading = READING.quoted;
          from = i + 1;
        } else reading = READING.plain;
      } else if (reading === READING.quote) broken = true;
    }
    if (reading === READING.quoted || (reading === READING.plain && !heldReturn)) field += text.slice(from);
    nCharacters += text.length - recordStart;
    if (nCharacters > MAX_RECORD_CHARACTERS) {
      refuse(`a row has more than ${MAX_RECORD_CHARACTERS} characters: is a quote not closed?`);
    }
  };

  for await (const chunk of chunks) {
    // Pieces, so that a record is not far beyond its limit before that is noticed.
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      scan(decoder.decode(chunk.subarray(at, at + PIECE_BYTES), { stream: true }));
    }
  }
  scan(decoder.decode());
  if (reading === READING.quoted) refuse('the quote that is opened here is never closed');
  if (fields.length > 0 || field !== '' || reading !== READING.start) endRecord();
}

const COMMA = 0x2c;
const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const PIECE_BYTES = 1 << 16;

/** A record as RFC 4180 writes it, with CRLF: quoted where a field holds a comma, a quote or a line break. */
export function csvRecord(fields: readonly string[]): string {
  const written = fields.map((field) =>
    /[",\r\n]/u.test(field) ? `"${field.replaceAll('"', '""')}"` : field,
  );
  // A single empty field would be a blank line.
  return `${written.length === 1 && written[0] === '' ? '""' : written.join(',')}\r\n`;
}
