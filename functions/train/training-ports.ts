import type {
  CandidateEraser,
  CandidateStore,
  DataReport,
  EventLog,
  LeaseStore,
  ModelStore,
  OpenFile,
  ParallelMap,
  Progress,
} from '@encore/core/train';

import type { Erased } from './erasures.ts';

/** What a training works with: the same over AWS, over folders and in memory. */
export interface TrainingPorts {
  readonly openDataset: (name: string) => Promise<OpenFile>;
  readonly modelStore: ModelStore;
  readonly candidateStore: CandidateStore;
  readonly leaseStore: LeaseStore;
  readonly parallel: ParallelMap;
  readonly progress: Progress;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Uniform in [0, 1): spreads retries, decides nothing. */
  readonly random: () => number;
  readonly codeVersion: string;
  /** How long candidates are kept, in milliseconds. */
  readonly candidatesTtlMs: number;
  /** Must be longer than a run can take, in milliseconds. */
  readonly leaseMs: number;
  /** Told what the data report says, before training begins. */
  readonly onReport: (report: DataReport) => void;
  /** Told of a tuned choice that cannot be used: the training goes on without it. */
  readonly onTuningIgnored: (message: string) => void;
  /** What listeners did since; a training of files alone goes without. */
  readonly events?: EventPorts;
  /** Who asked to be forgotten; where nobody can ask, nobody was. */
  readonly erasure?: ErasurePorts;
}

/** The way back from serving to training. */
export interface EventPorts {
  readonly eventLog: Pick<EventLog, 'ofDay'>;
  /** Told of every stored item that could not be read as an event, by its key, which names the listener. */
  readonly onPoison: (key: string) => void;
}

export interface ErasurePorts {
  /** Asked before a training reads anything, and again once it has published. */
  readonly readErasures: () => Promise<Erased>;
  readonly candidateEraser: CandidateEraser;
  /** Takes the rows of listeners who were erased out of a data set's files; safe to repeat. */
  readonly rewriteDataset: (dataset: string, erased: Erased) => Promise<unknown>;
}
