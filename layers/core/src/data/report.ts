import { EncoreError } from '../errors.ts';

/** What can be wrong with a data set: these stop training. */
export type DataErrorCode =
  | 'missing-file'
  | 'wrong-header'
  | 'wrong-column-count'
  | 'not-a-number'
  | 'number-out-of-range'
  | 'negative-plays'
  | 'fractional-plays'
  | 'conflicting-plays'
  | 'conflicting-artist'
  | 'conflicting-tag'
  | 'unknown-artist-in-plays'
  | 'unknown-user-in-plays'
  | 'empty-data-set'
  | 'too-few-users'
  | 'too-few-artists';

/** What can be odd about a data set: counted, dealt with as `allowed` says, and survived. */
export type DataWarningCode =
  | 'no-tags'
  | 'no-friends'
  | 'unknown-artist-in-tags'
  | 'unknown-tag'
  | 'unknown-user-in-tags'
  | 'unknown-user-in-friends'
  | 'tag-time-refused'
  | 'repeated-tag-assignment'
  | 'self-friend'
  | 'zero-plays'
  | 'exact-duplicate'
  | 'invalid-utf8'
  | 'blank-line';

/** One kind of trouble in one field of one file, with every occurrence counted. */
export interface Finding {
  readonly code: DataErrorCode | DataWarningCode;
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** 1-based line of the first occurrence; `null` where the file as a whole is meant. */
  readonly line: number | null;
  /** The column by the name in the file's header; `null` where the row or the file is meant. */
  readonly field: string | null;
  /** What stands at the first occurrence, at most {@link MAX_FOUND_LENGTH} characters, printable. */
  readonly found: string;
  /** What may stand there; for a warning, also what was done. */
  readonly allowed: string;
  /** Number of occurrences. */
  readonly count: number;
  /** Number of distinct values among the occurrences; `null` where they are not told apart. */
  readonly distinct: number | null;
  /** The first occurrences, at most {@link MAX_EXAMPLES}, by ascending line. */
  readonly examples: readonly FindingExample[];
}

export interface FindingExample {
  readonly line: number | null;
  readonly found: string;
}

/** How much a data set holds, after everything that had to be dropped. */
export interface DataCounts {
  /** Rows of all files, headers and blank lines aside. */
  readonly rows: number;
  /** Users with plays. */
  readonly users: number;
  /** Artists in the catalogue. */
  readonly artists: number;
  /** Artists with at least one listener. */
  readonly listenedArtists: number;
  /** (user, artist) pairs with plays. */
  readonly plays: number;
  /** Sum of the play counts. */
  readonly totalPlays: number;
  readonly tags: number;
  /** (user, artist, tag) assignments of catalogue artists. */
  readonly tagAssignments: number;
  /** Ordered (user, friend) pairs after making friendship mutual. */
  readonly friends: number;
  /** Ordered pairs added to make friendship mutual. */
  readonly friendsAdded: number;
}

/** Everything that validation has to say about a data set. */
export interface DataReport {
  /** Not empty: there is no data set. */
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly counts: DataCounts;
}

/** Located examples kept per finding. */
export const MAX_EXAMPLES = 20;

/** Characters of a found value that are kept. */
const MAX_FOUND_LENGTH = 60;

/** The place and kind of a finding, fixed before any row is read. */
export interface FindingKind {
  readonly code: Finding['code'];
  readonly severity: Finding['severity'];
  readonly file: string;
  readonly field: string | null;
  readonly allowed: string;
}

/** Collects findings while files are read. */
export interface FindingCollector {
  /**
   * Counts an occurrence.
   *
   * @param line - 1-based, in any order; `null` for the file as a whole.
   * @param found - What stands there; only called for the occurrences that are kept as examples.
   * @param value - The offending value, where distinct ones are to be counted.
   */
  add(kind: FindingKind, line: number | null, found: () => string, value?: number): void;
  /** Number of errors so far that name `file`. */
  errorsIn(file: string): number;
  /** Errors and warnings in the order in which their kinds were first met. */
  findings(): { readonly errors: readonly Finding[]; readonly warnings: readonly Finding[] };
}

interface Entry {
  readonly kind: FindingKind;
  readonly examples: FindingExample[];
  readonly values: Set<number>;
  count: number;
}

export function createFindingCollector(): FindingCollector {
  const entries = new Map<string, Entry>();
  return {
    add(kind, line, found, value) {
      const key = `${kind.code}\t${kind.file}\t${kind.field ?? ''}`;
      let entry = entries.get(key);
      if (entry === undefined) {
        entry = { kind, examples: [], values: new Set(), count: 0 };
        entries.set(key, entry);
      }
      entry.count++;
      if (value !== undefined) entry.values.add(value);
      keepExample(entry.examples, line, found);
    },
    errorsIn(file) {
      let errors = 0;
      for (const { kind, count } of entries.values()) {
        if (kind.severity === 'error' && kind.file === file) errors += count;
      }
      return errors;
    },
    findings() {
      const errors: Finding[] = [];
      const warnings: Finding[] = [];
      for (const { kind, examples, values, count } of entries.values()) {
        const first = examples[0]!;
        const finding: Finding = {
          code: kind.code,
          severity: kind.severity,
          file: kind.file,
          line: first.line,
          field: kind.field,
          found: first.found,
          allowed: kind.allowed,
          count,
          distinct: values.size > 0 ? values.size : null,
          examples,
        };
        (kind.severity === 'error' ? errors : warnings).push(finding);
      }
      return { errors, warnings };
    },
  };
}

function keepExample(examples: FindingExample[], line: number | null, found: () => string): void {
  const full = examples.length === MAX_EXAMPLES;
  const at = line ?? 0;
  if (full && at >= (examples[MAX_EXAMPLES - 1]!.line ?? 0)) return;
  let place = examples.length;
  while (place > 0 && (examples[place - 1]!.line ?? 0) > at) place--;
  examples.splice(place, 0, { line, found: printable(found()) });
  if (full) examples.pop();
}

function printable(text: string): string {
  let out = '';
  for (const char of text.slice(0, MAX_FOUND_LENGTH + 1)) {
    const code = char.codePointAt(0)!;
    const control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    out += control ? `\\x${code.toString(16).padStart(2, '0')}` : char;
  }
  return out.length > MAX_FOUND_LENGTH ? `${out.slice(0, MAX_FOUND_LENGTH - 1)}…` : out;
}

/**
 * Writes a report for a terminal: a line for each finding, errors first, then what the data set holds.
 *
 * `user_artists.dat:17: error: weight: found -3, allowed … (4 times, also on lines 20, 33, 41)`
 */
export function formatReport(report: DataReport): string {
  const { errors, warnings, counts } = report;
  const lines = [...errors, ...warnings].map((finding) => formatFinding(finding));
  lines.push(
    `${grouped(counts.users)} users, ${grouped(counts.artists)} artists (${grouped(counts.listenedArtists)} listened to), ` +
      `${grouped(counts.plays)} user-artist pairs with ${grouped(counts.totalPlays)} plays`,
    `${grouped(counts.tags)} tags, ${grouped(counts.tagAssignments)} tag assignments, ${grouped(counts.friends)} friend pairs`,
    `${grouped(counts.rows)} rows read: ${total(errors, 'error')}, ${total(warnings, 'warning')}`,
  );
  return `${lines.join('\n')}\n`;
}

/**
 * A finding as `file:line: severity: field: found …, allowed … (n times, also on lines …)`.
 *
 * @param options - `forLogs`: leaves out what was found where that may name a listener (default false). The place of it
 *   stays.
 */
export function formatFinding(finding: Finding, options: { readonly forLogs?: boolean } = {}): string {
  const { file, line, severity, field, allowed, count, distinct, examples } = finding;
  const found = options.forLogs === true && mayNameListener(finding) ? '' : `found ${finding.found}, `;
  const place = line === null ? file : `${file}:${line}`;
  const what = field === null ? '' : `${field}: `;
  const notes: string[] = [];
  if (count > 1) notes.push(`${grouped(count)} times`);
  if (distinct !== null && distinct < count) {
    notes.push(`${grouped(distinct)} distinct ${distinct === 1 ? 'value' : 'values'}`);
  }
  if (count > 1 && line !== null) {
    const others = examples.slice(1, 6).map((example) => example.line);
    notes.push(
      `also on ${others.length === 1 ? 'line' : 'lines'} ${others.join(', ')}${count > 6 ? ', …' : ''}`,
    );
  }
  const note = notes.length > 0 ? ` (${notes.join(', ')})` : '';
  return `${place}: ${severity}: ${what}${found}allowed ${allowed}${note}`;
}

/** A row as a whole holds its listener's id too. */
function mayNameListener({ field, line }: Finding): boolean {
  return field === null ? line !== null : LISTENER_FIELDS.has(field);
}

const LISTENER_FIELDS: ReadonlySet<string> = new Set(['userID', 'friendID']);

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function total(findings: readonly Finding[], noun: string): string {
  const count = findings.reduce((sum, finding) => sum + finding.count, 0);
  if (count === 0) return `no ${noun}s`;
  const kinds = findings.length === 1 ? '1 kind' : `${findings.length} kinds`;
  return `${grouped(count)} ${count === 1 ? noun : `${noun}s`} of ${kinds}`;
}

/**
 * Gives the data set, or says why there is none.
 *
 * @throws {@link EncoreError} `INVALID_DATA_SET` when the report has errors; the message names the first three
 *   kinds with file and line, `details.errors` holds all of them. Both end up in logs, so neither names a listener.
 */
export function assertValid<T>(result: { readonly dataset: T | null; readonly report: DataReport }): T {
  const { dataset, report } = result;
  if (dataset !== null && report.errors.length === 0) return dataset;
  const errors = report.errors.map((finding) => formatFinding(finding, { forLogs: true }));
  const shown = errors.slice(0, 3);
  const more = errors.length - shown.length;
  throw new EncoreError(
    'INVALID_DATA_SET',
    `the data set cannot be used: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    { errors },
  );
}
