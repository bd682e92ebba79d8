import type { SkipReason } from './import-report.ts';

/** What a row says, as far as anything of it is used. Everything else that a row holds is never looked at. */
export interface Listen {
  readonly artist: string;
  /** A whole number >= 1. */
  readonly plays: number;
  /** Epoch milliseconds; `NaN` where the row has no time. */
  readonly time: number;
  /** Whose it is; `null` where the row does not say. */
  readonly listener: string | null;
  /** Tells two listens of one artist at one time apart: hashed, never kept. */
  readonly track: string;
}

/** How rows of a format are found and read. */
export interface JsonFormat {
  /** Whether a value is, or holds, rows of this format. */
  readonly detects: (value: unknown) => boolean;
  /** The rows in a value of the file: of a page many, else the value itself. */
  readonly records: (value: unknown) => readonly unknown[];
  readonly read: (record: unknown) => Listen | SkipReason;
  /** Rows are totals of an artist: of two the larger one counts, they are not added. */
  readonly totals: boolean;
}

/** Nobody can play an artist more often: at 30 seconds each this takes nine years. */
const MAX_PLAYS = 10_000_000;
const MAX_NAME_CHARACTERS = 500;

/** A field of an object of JSON; of its own only, whatever prototypes hold. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  const found: unknown = Reflect.get(value, name);
  return found;
}

/** @returns The plays, or why they are none. */
export function parsePlays(value: unknown): number | 'no-plays' | 'bad-plays' {
  const plays =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && /^\s*\d{1,8}\s*$/u.test(value)
        ? Number(value)
        : NaN;
  if (plays === 0) return 'no-plays';
  return Number.isInteger(plays) && plays >= 1 && plays <= MAX_PLAYS ? plays : 'bad-plays';
}

/**
 * A name as it can stand in a file of tab-separated lines: control characters and runs of blanks are one blank each, unpaired
 * surrogates U+FFFD.
 *
 * @returns The name, or why it is none.
 */
export function parseArtist(value: unknown): { readonly name: string } | 'no-artist' | 'name-too-long' {
  if (typeof value !== 'string') return 'no-artist';
  // Before anything that takes time in proportion to it.
  if (value.length > 4 * MAX_NAME_CHARACTERS) return 'name-too-long';
  const name = cleanName(value);
  if (name === '') return 'no-artist';
  return name.length > MAX_NAME_CHARACTERS ? 'name-too-long' : { name };
}

/** @see {@link parseArtist} */
export function cleanName(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

/** Seconds and milliseconds since 1970 are told apart by this: 10^11 s are the year 5138, 10^11 ms are 1973. */
const FIRST_MILLISECONDS = 1e11;

/**
 * Reads a time: seconds or milliseconds since 1970, as number or digits, or UTC as `2024-05-01T12:34:56Z`, with blank for T and
 * without seconds or Z too.
 *
 * @returns Epoch milliseconds; `NaN` for anything else.
 */
export function parseTime(value: unknown): number {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return NaN;
    return value >= FIRST_MILLISECONDS ? value : value * 1000;
  }
  if (typeof value !== 'string' || value.length > 40) return NaN;
  if (/^\d+$/u.test(value)) return parseTime(Number(value));
  const match = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|\+00:00| UTC)?$/u.exec(
    value,
  );
  if (match === null) return NaN;
  const [year, month, date, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  const ms = Date.UTC(year!, month! - 1, date, hour, minute, second);
  // 31 February would become a day of March.
  return new Date(ms).getUTCDate() === date && month! <= 12 && hour! < 24 && minute! < 60 ? ms : NaN;
}
