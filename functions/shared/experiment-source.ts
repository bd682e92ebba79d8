import { setTimeout as realSleep } from 'node:timers/promises';
import type { Experiment, ExperimentStore } from '@encore/core/serve';
import { METRICS } from './metrics.ts';
import type { Observability } from './observability.ts';
import { createRefreshed } from './refreshed.ts';

/** The experiments to assign listeners by. */
export interface ExperimentSource {
  /**
   * The newest revision of each experiment known, whatever its status, for `chooseExperiment`; none where none is stored, so that the
   * built-in one runs. `null` where they could never be read: nobody takes part then, since an experiment may have put an
   * end to the built-in one. At once wherever they are known. Never rejects.
   */
  current(): Promise<readonly Experiment[] | null>;
}

/** Tests need no time. */
export interface ExperimentSourceOptions {
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

/** How old what is known may be before it is read again, behind the request's back. */
export const EXPERIMENTS_FRESH_MS = 5_000;
/** How old it may be before a request waits for what is true now: a process that slept must not bring a stopped experiment back. */
export const EXPERIMENTS_STALE_MS = 10_000;
/** How soon a read that failed is tried again. */
export const EXPERIMENTS_RETRY_MS = 1_000;
/** How long a request waits. */
export const EXPERIMENTS_PATIENCE_MS = 100;

/** Keeps the experiments in memory: stale while they revalidate. What goes wrong is logged and counted. */
export function createExperimentSource(
  store: Pick<ExperimentStore, 'list'>,
  observability: Pick<Observability, 'count' | 'error'>,
  options: ExperimentSourceOptions = {},
): ExperimentSource {
  const refreshed = createRefreshed<readonly Experiment[]>({
    read: () => store.list(),
    freshMs: EXPERIMENTS_FRESH_MS,
    retryMs: EXPERIMENTS_RETRY_MS,
    staleMs: EXPERIMENTS_STALE_MS,
    warmPatienceMs: EXPERIMENTS_PATIENCE_MS,
    coldPatienceMs: EXPERIMENTS_PATIENCE_MS,
    now: options.now ?? Date.now,
    // A process that has nothing else to do need not wait for it.
    sleep: options.sleep ?? ((ms) => realSleep(ms, undefined, { ref: false })),
    onFailure: (error) => observability.error('experiments could not be read', error),
  });
  return {
    current: async () => {
      const experiments = await refreshed();
      if (experiments === null) observability.count(METRICS.experimentsUnknown);
      return experiments;
    },
  };
}
