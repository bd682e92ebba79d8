import {
  createOutcomeCollector,
  readOut,
  utcDay,
  type ExperimentRevision,
  type ExperimentStore,
  type ExposureArchive,
} from '@encore/core/serve';
import { BUILT_IN } from '../shared/built-in-experiment.ts';
import { GAUGES, type Gauge } from '../shared/metrics.ts';

const DAY_MS = 86_400_000;
/** Days whose exposures are looked at: what began to go wrong before was seen before. */
const DAYS = 7;

/** What a check works with; tests give it stores in memory. */
export interface ExperimentsCheckDeps {
  readonly experiments: Pick<ExperimentStore, 'list'>;
  readonly exposures: Pick<ExposureArchive, 'ofDay'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly gauge: (metric: Gauge, value: number) => void;
}

/** What was found of one running experiment. */
export interface ExperimentCheck {
  readonly experiment: string;
  readonly listeners: number;
  /** Whether the variants have other shares of the listeners than they should, p < 0.001. */
  readonly sampleRatioMismatch: boolean;
  readonly pValue: number | null;
  /** Of the exposed listeners, 0-1, who saw several variants; `null` where nobody was exposed. */
  readonly severalVariants: number | null;
}

/**
 * Looks at the exposures of the last seven days, today's included, for what makes read-outs of running experiments worthless. Each day is read
 * once for all of them; no events are, which the checks do not need.
 *
 * @throws EncoreError `STORE_UNAVAILABLE` as the stores do.
 */
export async function checkExperiments(deps: ExperimentsCheckDeps): Promise<readonly ExperimentCheck[]> {
  const { exposures, now, gauge } = deps;
  const running = await runningExperiments(deps.experiments);
  const collectors = running.map((experiment) => createOutcomeCollector(experiment));
  for (let day = DAYS - 1; day >= 0 && running.length > 0; day--) {
    for await (const page of exposures.ofDay(utcDay(now() - day * DAY_MS))) {
      for (const [i, { key }] of running.entries()) {
        collectors[i]!.addExposures(page.filter(({ experiment }) => experiment === key));
      }
    }
  }
  const found = collectors.map((collector): ExperimentCheck => {
    const { experiment, listeners, checks } = readOut(collector.outcomes());
    return {
      experiment,
      listeners,
      sampleRatioMismatch: checks.sampleRatio.alarm,
      pValue: checks.sampleRatio.pValue,
      severalVariants: checks.multipleExposure.share,
    };
  });
  gauge(GAUGES.sampleRatioMismatches, found.filter((one) => one.sampleRatioMismatch).length);
  gauge(GAUGES.severalVariantsShare, Math.max(0, ...found.map((one) => one.severalVariants ?? 0)));
  return found;
}

/** The newest revision of each experiment that runs; the built-in one runs unless something is stored under its key. */
async function runningExperiments(
  store: Pick<ExperimentStore, 'list'>,
): Promise<readonly ExperimentRevision[]> {
  const stored = await store.list();
  const all = stored.some(({ key }) => key === BUILT_IN.key) ? stored : [BUILT_IN, ...stored];
  return all.filter(({ status }) => status === 'running');
}
