/**
 * What listeners have today, as plays by artist. Pure, and a bundle of its own: it imports nothing of training, and reads
 * neither files nor archives.
 *
 * @module
 */
import { EncoreError } from '../errors.ts';
import { peek, type ByteChunks } from './byte-chunks.ts';
import { scanCsvRows } from './csv.ts';
import {
  IMPORT_FORMATS,
  SKIP_REASONS,
  type ImportFormat,
  type ImportReport,
  type SkipReason,
} from './import-report.ts';
import { lastfmRecentTracks, lastfmTopArtists } from './lastfm.ts';
import { cleanName, parseArtist, parsePlays, type JsonFormat } from './listen.ts';
import { listenbrainz } from './listenbrainz.ts';
import { scanJsonValues } from './scan-json-values.ts';
import { spotify } from './spotify.ts';
import { createTally, type ImportedListener, type Tally } from './tally.ts';

/** One file, or one entry of an archive, unpacked. */
export interface ImportSource {
  /** What messages and positions call it. */
  readonly name: string;
  readonly chunks: ByteChunks;
}

export interface ImportOptions {
  /** `auto`: the format of the first row that can be recognised; every file must then be of that format. */
  readonly format: ImportFormat | 'auto';
  /**
   * Whose listening it is, under the name that it is imported by; `null` takes the names in the file, which only `csv` may have.
   * Where files name one other listener all rows are taken to be this one's; where they name several, only those of this name.
   */
  readonly listener: string | null;
  /** Epoch milliseconds of the present: later listens count, but their times do not. */
  readonly nowMs: number;
  readonly limits?: Partial<ImportLimits>;
}

export interface ImportLimits {
  /** Bytes of all files together, unpacked. @default 1 GiB */
  readonly maxBytes: number;
  /** Bytes of one record of JSON; a page, or a file that is one object, is one record. @default 64 MiB */
  readonly maxRecordBytes: number;
  /** Rows of all files together. @default 10,000,000 */
  readonly maxRows: number;
  /** Distinct (listener, artist) pairs. @default 1,000,000 */
  readonly maxPairs: number;
}

const IMPORT_LIMITS: ImportLimits = {
  maxBytes: 1024 ** 3,
  maxRecordBytes: 64 * 1024 ** 2,
  maxRows: 10_000_000,
  maxPairs: 1_000_000,
};

export interface ImportResult {
  /** At least one, each with at least one artist. */
  readonly listeners: readonly ImportedListener[];
  readonly report: ImportReport;
}

const JSON_FORMATS: ReadonlyMap<ImportFormat, JsonFormat> = new Map([
  ['lastfm-top-artists', lastfmTopArtists],
  ['lastfm-recent-tracks', lastfmRecentTracks],
  ['listenbrainz', listenbrainz],
  ['spotify', spotify],
]);

/**
 * Reads exports of listening and adds up the plays of each artist.
 *
 * Of a row only the artist, the time, the plays or their duration, and where there is one the listener are looked at; nothing else is
 * kept, and no message or position quotes a row. A row that cannot be used is skipped and counted under its reason. Files are
 * read once, in pieces; in memory are one record, the artists, and 16 to 32 bytes for each listen.
 *
 * @param sources - Read one after the other.
 * @throws {@link EncoreError} `INVALID_DATA_SET` where a file is another than was asked for, is cut short, is over a limit, or nothing
 *   is left to import; `INVALID_OPTION` where the listener has no name, or one that cannot be written.
 */
export async function importListens(
  sources: AsyncIterable<ImportSource> | Iterable<ImportSource>,
  options: ImportOptions,
): Promise<ImportResult> {
  const limits = { ...IMPORT_LIMITS, ...options.limits };
  const listener = options.listener === null ? null : parseListener(options.listener);
  const budget = { left: limits.maxBytes };
  let format = options.format === 'auto' ? null : options.format;
  let tally: Tally | null = null;
  let nFiles = 0;
  /** Makes the tally as soon as the format is known. */
  const begin = (found: ImportFormat): Tally => {
    format = found;
    if (found !== 'csv' && listener === null) {
      throw new EncoreError(
        'INVALID_OPTION',
        `${found} has the listening of one listener: a name for them is needed (--user); only csv may bring its own`,
        { field: 'user' },
      );
    }
    tally ??= createTally({
      listener,
      totals: JSON_FORMATS.get(found)?.totals ?? false,
      nowMs: options.nowMs,
      maxPairs: limits.maxPairs,
      maxRows: limits.maxRows,
    });
    return tally;
  };

  for await (const { name, chunks } of sources) {
    nFiles++;
    const file = await peek(name, withinBudget(name, chunks, budget, limits.maxBytes));
    if (file.opening === 'empty') refuse(name, 'is empty', format);
    if (format === 'csv' || (format === null && file.opening === 'text')) {
      await readCsv(name, file.chunks, begin('csv'), listener);
    } else if (file.opening === 'text') {
      refuse(name, 'is no JSON: it begins with neither { nor [', format);
    } else {
      await readJson(name, file.chunks, { format, begin, maxValueBytes: limits.maxRecordBytes });
    }
  }
  if (tally === null) {
    throw new EncoreError(
      'INVALID_DATA_SET',
      `${nFiles === 0 ? 'no file' : 'no row in any file'}: allowed is listening as ${IMPORT_FORMATS.join(', ')}`,
      { files: nFiles },
    );
  }
  const { listeners, ...counts } = (tally as Tally).take();
  const report: ImportReport = { format: format!, files: nFiles, ...counts };
  if (listeners.length === 0) {
    const skipped = report.skipped.map(({ reason, count }) => `skipped ${count}: ${SKIP_REASONS[reason]}; `);
    throw new EncoreError(
      'INVALID_DATA_SET',
      `nothing to import: ${report.rows} rows read; ${skipped.join('')}a listener needs at least one artist with plays`,
      { rows: report.rows, skipped: report.skipped },
    );
  }
  return { listeners, report };
}

async function* withinBudget(
  name: string,
  chunks: ByteChunks,
  budget: { left: number },
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    budget.left -= chunk.length;
    if (budget.left < 0) {
      throw new EncoreError(
        'INVALID_DATA_SET',
        `${name}: with it the files have more than ${maxBytes} bytes unpacked, the most that one import may have`,
        { file: name, maxBytes },
      );
    }
    yield chunk;
  }
}

function refuse(name: string, what: string, format: ImportFormat | null): never {
  throw new EncoreError(
    'INVALID_DATA_SET',
    `${name} ${what}: allowed is ${format ?? `listening as ${IMPORT_FORMATS.join(', ')}`}`,
    { file: name },
  );
}

/** Elements of nested arrays that are looked into: pages, and tracks of pages. */
const MAX_NESTING = 2;

async function readJson(
  name: string,
  chunks: ByteChunks,
  options: {
    readonly format: ImportFormat | null;
    readonly begin: (format: ImportFormat) => Tally;
    readonly maxValueBytes: number;
  },
): Promise<void> {
  const { begin, maxValueBytes } = options;
  let { format } = options;
  let tally: Tally | null = null;
  let rows = 0;
  let nStrange = 0;
  /** Rows before the first that tells the format: skipped as soon as there is a tally. */
  let early: SkipReason[] = [];
  const skip = (reason: SkipReason): void => {
    rows++;
    nStrange++;
    if (tally === null) early.push(reason);
    else tally.skip(reason, { file: name, row: rows });
    if (early.length > MAX_EARLY) refuse(name, `has ${rows} records that are not of any known form`, format);
  };
  const start = (found: ImportFormat): void => {
    format = found;
    tally = begin(found);
    early.forEach((reason, i) => tally!.skip(reason, { file: name, row: i + 1 }));
    early = [];
  };
  const readRecord = (reader: JsonFormat, record: unknown): void => {
    const outcome = reader.read(record);
    if (outcome === 'not-a-record') {
      skip(outcome);
      return;
    }
    rows++;
    const position = { file: name, row: rows };
    if (typeof outcome === 'string') tally!.skip(outcome, position);
    else tally!.add(outcome, position);
  };
  const visit = (value: unknown, nesting: number): void => {
    if (Array.isArray(value) && nesting < MAX_NESTING) {
      for (const element of value) visit(element, nesting + 1);
      return;
    }
    if (tally === null) {
      const found = formatOf(value);
      // What Last.fm says of an error is of more use than that it is none of the formats.
      if (found === null) lastfmTopArtists.records(value);
      if (found !== null && format !== null && found !== format) refuse(name, `is ${found}`, format);
      if (found === null) {
        skip('not-a-record');
        return;
      }
      start(found);
    }
    const reader = JSON_FORMATS.get(format!)!;
    for (const record of reader.records(value)) readRecord(reader, record);
  };

  await scanJsonValues(
    name,
    chunks,
    { value: (value) => visit(value, 0), malformed: () => skip('malformed') },
    { maxValueBytes },
  );
  if (rows > 0 && nStrange === rows) {
    const what = `has ${rows} ${rows === 1 ? 'record' : 'records'}, none of which is listening that can be read`;
    refuse(name, what, options.format);
  }
  // An empty list of a known format is read, and says nothing.
  if (tally === null && options.format !== null) begin(options.format);
}

/** Records that may come before one that is recognised. */
const MAX_EARLY = 1000;

function formatOf(value: unknown): ImportFormat | null {
  for (const [name, format] of JSON_FORMATS) if (format.detects(value)) return name;
  return null;
}

/** Names of columns, lower case, blanks and underscores aside. */
const CSV_COLUMNS: Readonly<Record<'user' | 'artist' | 'plays', ReadonlySet<string>>> = {
  user: new Set(['user', 'username', 'userid', 'listener']),
  artist: new Set(['artist', 'artistname']),
  plays: new Set(['plays', 'playcount', 'count', 'scrobbles', 'weight']),
};

interface CsvLayout {
  /** -1 where there is no such column. */
  readonly user: number;
  readonly artist: number;
  readonly plays: number;
  readonly width: number;
}

/** Plays of one artist on several rows are added. */
async function readCsv(
  name: string,
  chunks: ByteChunks,
  tally: Tally,
  listener: string | null,
): Promise<void> {
  let layout: CsvLayout | null = null;
  let rows = 0;
  let nStrange = 0;
  const skip = (reason: SkipReason, line: number): void => {
    if (reason === 'malformed' || reason === 'wrong-columns') nStrange++;
    tally.skip(reason, { file: name, row: line });
  };
  const readRow = (fields: readonly string[], columns: CsvLayout, line: number): void => {
    rows++;
    if (fields.length !== columns.width) return skip('wrong-columns', line);
    const artist = parseArtist(fields[columns.artist]);
    if (typeof artist === 'string') return skip(artist, line);
    const plays = parsePlays(fields[columns.plays]);
    if (typeof plays === 'string') return skip(plays, line);
    const user = columns.user < 0 ? null : cleanName(fields[columns.user]!);
    if (user === '') return skip('no-listener', line);
    if (user !== null && user.length > MAX_LISTENER_CHARACTERS) return skip('name-too-long', line);
    tally.add(
      { artist: artist.name, plays, time: NaN, listener: user, track: '' },
      { file: name, row: line },
    );
  };
  await scanCsvRows(name, chunks, {
    row(fields, line) {
      if (layout !== null) {
        readRow(fields, layout, line);
        return;
      }
      const header = headerOf(fields);
      layout = header ?? plainLayout(name, fields);
      if (layout.user < 0 && listener === null) {
        throw new EncoreError(
          'INVALID_OPTION',
          `${name} has no column for the listener: a name for them is needed (--user)`,
          { field: 'user' },
        );
      }
      if (header === null) readRow(fields, layout, line);
    },
    malformed(line) {
      rows++;
      skip('malformed', line);
    },
  });
  if (rows > 0 && nStrange === rows) refuse(name, `has ${rows} rows, none of which can be read`, 'csv');
}

function headerOf(fields: readonly string[]): CsvLayout | null {
  const names = fields.map((field) => field.toLowerCase().replaceAll(/[\s_]/gu, ''));
  const find = (column: keyof typeof CSV_COLUMNS): number =>
    names.findIndex((n) => CSV_COLUMNS[column].has(n));
  const layout = { user: find('user'), artist: find('artist'), plays: find('plays'), width: fields.length };
  return layout.artist < 0 || layout.plays < 0 ? null : layout;
}

function plainLayout(name: string, fields: readonly string[]): CsvLayout {
  const width = fields.length;
  if (width === 3) return { user: 0, artist: 1, plays: 2, width };
  if (width === 2) return { user: -1, artist: 0, plays: 1, width };
  throw new EncoreError(
    'INVALID_DATA_SET',
    `${name} has ${width} ${width === 1 ? 'column' : 'columns'} separated by commas and no header that names artist and plays: ` +
      'allowed are the columns user, artist, plays, or artist, plays, or a header with these names',
    { file: name, width },
  );
}

const MAX_LISTENER_CHARACTERS = 200;

/** @throws {@link EncoreError} `INVALID_OPTION` */
function parseListener(text: string): string {
  const name = cleanName(text);
  if (name === '' || name.length > MAX_LISTENER_CHARACTERS) {
    throw new EncoreError(
      'INVALID_OPTION',
      `the listener's name has ${name.length} characters: allowed are 1 to ${MAX_LISTENER_CHARACTERS}`,
      { field: 'user' },
    );
  }
  return name;
}
