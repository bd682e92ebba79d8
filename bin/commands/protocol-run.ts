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
