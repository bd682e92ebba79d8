/** Formats that listening is imported from. */
export const IMPORT_FORMATS = [
  'lastfm-top-artists',
  'lastfm-recent-tracks',
  'listenbrainz',
  'spotify',
  'csv',
] as const;

export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** Why a row was not imported, in words that stand behind a count. */
export const SKIP_REASONS = {
  malformed: 'cannot be read: broken JSON or quotes',
  'not-a-record': 'lacks the fields of this format',
  'wrong-columns': 'has another number of columns than the first row',
  'no-artist': 'names no artist',
  'name-too-long': 'has a name of more than 500 characters',
  'no-listener': 'names no listener',
  'another-listener': 'is of another listener',
  'no-plays': 'counts 0 plays',
  'bad-plays': 'has plays that are no whole number from 1 to 10,000,000',
  'bad-duration': 'has a duration that is no number >= 0',
  'too-short': 'was played for less than 30 seconds',
  'now-playing': 'is playing now and not yet a listen',
  incognito: 'was streamed in a private (incognito) session',
  'not-music': 'is a podcast or an audiobook',
  repeated: 'repeats another row: the same listen, or the total of the same artist',
} as const;

export type SkipReason = keyof typeof SKIP_REASONS;

/** Where a row stands: nothing of what it says. */
export interface RowPosition {
  /** The name that the source was given under. */
  readonly file: string;
  /** 1-based: the record of a JSON file, the line of a CSV file. */
  readonly row: number;
}

/** What became of the rows of an import: `rows` = `imported` + the sum of all skipped. */
export interface ImportReport {
  readonly format: ImportFormat;
  /** Files that were read. */
  readonly files: number;
  readonly rows: number;
  readonly imported: number;
  /** In the order of first occurrence. */
  readonly skipped: readonly {
    readonly reason: SkipReason;
    readonly count: number;
    readonly first: RowPosition;
  }[];
  /** Imported rows without a time that can be: absent, unreadable, before 2002 or in the future. */
  readonly undated: number;
  /** Epoch milliseconds of the first and the last listen; `null` where no row has a time. */
  readonly span: { readonly fromMs: number; readonly toMs: number } | null;
}

/**
 * Writes a report for a terminal or a page: what was read, what was skipped and why with the place of the first, and the span
 * of time. It quotes nothing that a row holds.
 */
export function formatImportReport(report: ImportReport): string {
  const { format, files, rows, imported, skipped, undated, span } = report;
  const unit = format === 'csv' ? 'line' : 'record';
  const lines = [
    `${format}: ${grouped(rows)} rows read from ${files} ${files === 1 ? 'file' : 'files'}, ${grouped(imported)} imported`,
  ];
  for (const { reason, count, first } of skipped) {
    const where = `${count === 1 ? '' : 'first '}${first.file}, ${unit} ${first.row}`;
    lines.push(`  skipped ${grouped(count)}: ${SKIP_REASONS[reason]} (${where})`);
  }
  if (span !== null) lines.push(`  listened from ${day(span.fromMs)} to ${day(span.toMs)}`);
  // Totals never have a time: saying so of each would say nothing.
  if (span !== null && undated > 0)
    lines.push(`  ${grouped(undated)} of the imported rows have no usable time`);
  return lines.join('\n');
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
