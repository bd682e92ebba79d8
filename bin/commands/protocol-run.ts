import type { Dataset, ParallelMap, Progress, TrainParameters } from '@encore/core/train';

/** What a protocol of `evaluate` with models of its own is measured on. */
export interface ProtocolRun {
  readonly dataset: Dataset;
  /** One split for each. */
  readonly seeds: readonly number[];
  readonly parameters: TrainParameters;
  readonly parallel: ParallelMap;
  readonly progress: Progress;
}

/** What it says: a table for people, and the same for `report.json`. */
export interface ProtocolResult {
  readonly text: string;
  readonly report: Readonly<Record<string, unknown>>;
}

/** Columns side by side, each as wide as its widest cell. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, c) => cell.padEnd(widths[c]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
