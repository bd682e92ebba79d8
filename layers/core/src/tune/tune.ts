import { toPlainDataset } from '../candidates/stage-one.ts';
import type { Dataset } from '../data/dataset.ts';
import { splitHoldout } from '../data/split.ts';
import { EncoreError } from '../errors.ts';
import { differenceOf, resampleListeners, type Interval, type SplitShares } from '../evaluate/bootstrap.ts';
import { rankSource, singleSources, type Split } from '../evaluate/evaluate-models.ts';
import { listMetrics } from '../evaluate/metrics.ts';
import { rankCandidates } from '../evaluate/rank-candidates.ts';
import { createRecordScorer } from '../rank/score-records.ts';
import { fitTfIdf } from '../features/tf-idf.ts';
import { filterCsr, type Csr } from '../math/csr.ts';
import { hash2 } from '../math/rng.ts';
import {
  PRESETS,
  resolveOptions,
  type Preset,
  type SourceParameters,
  type TrainParameters,
} from '../options.ts';
import type { ParallelMap, Progress, ProgressStep } from '../ports.ts';
import { FULL_PRESET } from '../presets.ts';
import { fitStages, stagesKey, trainRanker, type FittedStages } from '../train-model.ts';
import { tunablePreset, tunableSource, type Tunable } from './model-spaces.ts';
import { bestOf, search, type Trial } from './search.ts';
import type { Point } from './search-space.ts';

export interface TuneOptions {
  /** Seed of the search's draws, of the confirmation part and of the bootstrap: an integer >= 0. */
  readonly seed: number;
  /** Configurations to try, the defaults among them, >= 1. */
  readonly trials: number;
  /** One validation part for each, different integers >= 0: a trial's score is the mean over them. */
  readonly validationSeeds: readonly number[];
}

/** One configuration and what it reached on the validation parts. */
export interface TrialReport {
  readonly parameters: Point;
  readonly ndcg20: number;
  readonly recall20: number;
  /** NDCG@20 minus that of the defaults: paired bootstrap over listeners, not corrected for the number of trials. */
  readonly againstDefault: Interval;
}

/** What a search found, and whether it may replace the defaults. */
export interface TuningResult {
  /** A preset or a single model. */
  readonly model: string;
  readonly seed: number;
  readonly validationSeeds: readonly number[];
  readonly confirmationSeed: number;
  /** What the search started from, by hyper-parameter. */
  readonly defaults: Point;
  /** In the order tried; the first are the defaults. */
  readonly trials: readonly TrialReport[];
  /** Index of the trial with the highest NDCG@20. */
  readonly best: number;
  /** Defaults and best trial on the confirmation part, NDCG@20; `null` where nothing was better than the defaults. */
  readonly confirmation: {
    readonly before: number;
    readonly after: number;
    readonly difference: Interval;
  } | null;
  /** `tuned` only where the confirmation's interval lies above 0. */
  readonly chosen: 'default' | 'tuned';
  /** Where the choice differs from the defaults; empty where they stay. */
  readonly overrides: Point;
}

/** How well the listeners with something held out on one part were served. */
interface PerListener {
  readonly ndcg20: SplitShares;
  readonly recall20: SplitShares;
}

interface Score {
  /** NDCG@20: the mean over the parts of the means over listeners. */
  readonly score: number;
  readonly byPart: readonly PerListener[];
  readonly recall20: number;
}

/** Trains every configuration on every part and measures it: [configuration][part]. */
type Measure<Parameters> = (
  configurations: readonly Parameters[],
  parts: readonly Part[],
  advance: (units: number) => void,
) => Promise<readonly (readonly PerListener[])[]>;

/** A split, and what configurations that are trained on it one after the other share. */
interface Part {
  readonly split: Split;
  readonly parallel: ParallelMap;
  /** A preset's stages as they were fitted last, and for what: as much memory as a training, for each part. */
  fitted: { readonly key: string; readonly stages: FittedStages } | null;
}

const CONFIRMATION = 0x636f6e66;

/**
 * Chooses hyper-parameters by validation inside the data given: none of what is measured with the choice later may be in it.
 *
 * Every trial is trained without a validation part (protocol H with each of the validation seeds) and scored by NDCG@20 on
 * it. The best of many trials looks better than it is on the part that made it the best; so it replaces the defaults only
 * where it beats them on a confirmation part as well: another 20% of each listener, less everything that any
 * validation part held out, which is neither learnt from nor ranked there. "Beats" is a 95% paired bootstrap interval over
 * listeners above 0.
 *
 * The same data, model and options give the same trials and the same choice, whatever `parallel` does.
 *
 * @param model - A preset (see {@link tunablePreset}) or a single model (see {@link tunableSource}).
 * @throws {@link EncoreError} `INVALID_OPTION` for an unknown model, one without hyper-parameters to choose, or a bad
 *   option; `INVALID_DATA_SET` where no listener has enough artists to hold one out.
 */
export async function tune(
  dataset: Dataset,
  model: string,
  options: TuneOptions,
  io: { readonly parallel: ParallelMap; readonly progress: Progress },
): Promise<TuningResult> {
  requireSeeds(options);
  const preset = PRESETS.find((name) => name === model);
  if (preset !== undefined) {
    return choose(
      dataset,
      model,
      { ...options, tunable: presetTunable(preset), measure: measurePresets },
      io,
    );
  }
  const source = singleSources().get(model);
  if (source !== undefined) {
    return choose(
      dataset,
      model,
      { ...options, tunable: tunableSource(source), measure: measureSources },
      io,
    );
  }
  const allowed = [...PRESETS, ...singleSources().keys()];
  throw new EncoreError('INVALID_OPTION', `model ${model} is unknown: allowed are ${allowed.join(', ')}`, {
    field: 'model',
    found: model,
    allowed,
  });
}

/** What can be chosen of a preset. */
export function presetTunable(preset: Preset): Tunable<TrainParameters> {
  return tunablePreset(resolveOptions(preset, {}));
}

async function choose<Parameters>(
  dataset: Dataset,
  model: string,
  how: TuneOptions & { readonly tunable: Tunable<Parameters>; readonly measure: Measure<Parameters> },
  io: { readonly parallel: ParallelMap; readonly progress: Progress },
): Promise<TuningResult> {
  const { seed, validationSeeds, tunable, measure } = how;
  const { space, start, at } = tunable;
  const holdouts = validationSeeds.map((validationSeed) => splitHoldout(dataset, { seed: validationSeed }));
  if (holdouts.some(({ test }) => test.values.length === 0)) {
    throw new EncoreError(
      'INVALID_DATA_SET',
      'no listener has the 5 artists that it takes to hold one out: there is nothing to validate on',
    );
  }
  const confirmationSeed = hash2(seed, CONFIRMATION);
  const searchStep = io.progress.step('search', how.trials * holdouts.length);
  const found = await search(space, start, how, scoring(holdouts, how, io.parallel, searchStep));
  searchStep.end();

  const difference = (of: readonly PerListener[], from: readonly PerListener[]): Interval => {
    const [a, b] = resampleListeners([of, from].map(ndcgOf), { seed });
    return differenceOf(a!, b!);
  };
  const best = bestOf(found);
  const report = {
    model,
    seed,
    validationSeeds,
    confirmationSeed,
    defaults: start,
    trials: found.map(({ point, result }): TrialReport => ({
      parameters: point,
      ndcg20: result.score,
      recall20: result.recall20,
      againstDefault: difference(result.byPart, found[0]!.result.byPart),
    })),
    best,
  };
  if (best === 0) return { ...report, confirmation: null, chosen: 'default', overrides: {} };

  const confirmationStep = io.progress.step('confirmation', 2);
  const part = partOf(unseenPart(dataset, confirmationSeed, holdouts), io.parallel);
  const [before, after] = await measure([at(start), at(found[best]!.point)], [part], (units) =>
    confirmationStep.advance(units),
  );
  confirmationStep.end();
  const gain = difference(after!, before!);
  const confirmation = {
    before: overParts(before!, 'ndcg20'),
    after: overParts(after!, 'ndcg20'),
    difference: gain,
  };
  const isBetter = gain.low > 0;
  return {
    ...report,
    confirmation,
    chosen: isBetter ? 'tuned' : 'default',
    overrides: isBetter ? overridesOf(found, best) : {},
  };
}

/** What scores a trial: NDCG@20 over the parts. What the parts keep between trials goes with the function. */
function scoring<Parameters>(
  splits: readonly Split[],
  { tunable, measure }: { readonly tunable: Tunable<Parameters>; readonly measure: Measure<Parameters> },
  parallel: ParallelMap,
  step: ProgressStep,
): (points: readonly Point[]) => Promise<readonly Score[]> {
  const parts = splits.map((split) => partOf(split, parallel));
  return async (points) => {
    const measured = await measure(points.map(tunable.at), parts, (units) => step.advance(units));
    return measured.map((byPart) => ({
      score: overParts(byPart, 'ndcg20'),
      byPart,
      recall20: overParts(byPart, 'recall20'),
    }));
  };
}

function partOf(split: Split, parallel: ParallelMap): Part {
  return { split, parallel, fitted: null };
}

function overridesOf(trials: readonly Trial<unknown>[], best: number): Point {
  const { point: defaults } = trials[0]!;
  return Object.fromEntries(
    Object.entries(trials[best]!.point).filter(([name, value]) => value !== defaults[name]),
  );
}

/** A holdout without what other ones held out: that is neither learnt from, nor ranked, nor to be found. */
function unseenPart(
  dataset: Dataset,
  seed: number,
  seen: readonly { readonly test: Csr }[],
): Split & { readonly masked: Csr } {
  const { train, test } = splitHoldout(dataset, { seed });
  const artists = (user: number): ReadonlySet<number> =>
    new Set(
      seen.flatMap(({ test: { indptr, indices } }) => [...indices.subarray(indptr[user], indptr[user + 1])]),
    );
  const byUser = Array.from({ length: test.nRows }, (_, user) => artists(user));
  return {
    train,
    test: filterCsr(test, (user, artist) => !byUser[user]!.has(artist)),
    masked: filterCsr(test, (user, artist) => byUser[user]!.has(artist)),
  };
}

/** Single models: every configuration on every part is a task of its own, and only its lists come back. */
const measureSources: Measure<SourceParameters> = async (sources, parts, advance) => {
  const shared = parts.map(({ split }) => ({
    dataset: toPlainDataset(split.train),
    terms: fitTfIdf(split.train, { maxFeatures: FULL_PRESET.maxFeatures }).terms,
    masked: split.masked ?? null,
  }));
  const lists = await parts[0]!.parallel(
    rankSource,
    sources.flatMap((source) => shared.map((part) => ({ ...part, source }))),
    advance,
  );
  return sources.map((_, s) =>
    parts.map(({ split }, p) => perListener(lists[s * parts.length + p]!, split.test)),
  );
};

const SILENT: Progress = { step: () => ({ advance: () => undefined, end: () => undefined }) };

/** Presets: one training after the other, its fits side by side, so that no more than one is in memory. */
const measurePresets: Measure<TrainParameters> = async (configurations, parts, advance) => {
  const measured: PerListener[][] = [];
  for (const parameters of configurations) {
    const byPart: PerListener[] = [];
    for (const part of parts) {
      const { train, test, masked = null } = part.split;
      const stages = await stagesOf(part, parameters);
      const { stage, ranker } = await trainRanker(train, stages, parameters, {
        parallel: part.parallel,
        progress: SILENT,
      });
      byPart.push(
        perListener(rankCandidates(stage, createRecordScorer(stage, ranker), { test, masked }).lists, test),
      );
      advance(1);
    }
    measured.push(byPart);
  }
  return measured;
};

/** The stages for these parameters: those fitted last where nothing but the ranker differs. */
async function stagesOf(part: Part, parameters: TrainParameters): Promise<FittedStages> {
  const key = stagesKey(parameters);
  if (part.fitted?.key === key) return part.fitted.stages;
  // Gone before the next ones are made: two of them would not fit.
  part.fitted = null;
  const stages = await fitStages(part.split.train, parameters, {
    parallel: part.parallel,
    progress: SILENT,
    foldIn: false,
  });
  part.fitted = { key, stages };
  return stages;
}

function perListener(lists: readonly Int32Array[], test: Csr): PerListener {
  const users = Int32Array.from(lists.keys()).filter((user) => test.indptr[user + 1]! > test.indptr[user]!);
  const measured = Array.from(users, (user) => {
    const relevant = new Set(test.indices.subarray(test.indptr[user], test.indptr[user + 1]));
    return listMetrics(lists[user]!, relevant, 20);
  });
  const weights = new Float64Array(users.length).fill(1);
  return {
    ndcg20: { users, weights, sums: Float64Array.from(measured, ({ ndcg }) => ndcg) },
    recall20: { users, weights, sums: Float64Array.from(measured, ({ recall }) => recall) },
  };
}

function ndcgOf(byPart: readonly PerListener[]): readonly SplitShares[] {
  return byPart.map(({ ndcg20 }) => ndcg20);
}

/** The mean over the parts of the means over listeners. */
function overParts(byPart: readonly PerListener[], figure: keyof PerListener): number {
  return mean(byPart.map((part) => mean(part[figure].sums)));
}

function mean(values: readonly number[] | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / Math.max(1, values.length);
}

function isSeed(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

function requireSeeds({ seed, validationSeeds }: TuneOptions): void {
  const different = new Set(validationSeeds).size === validationSeeds.length;
  if (isSeed(seed) && validationSeeds.length > 0 && validationSeeds.every(isSeed) && different) return;
  const found = `seed ${seed}, validation seeds ${validationSeeds.join(', ')}`;
  throw new EncoreError(
    'INVALID_OPTION',
    `found ${found}: allowed are integers from 0 to 2^32 - 1, at least one validation seed, each once`,
    { field: 'validationSeeds', found, allowed: 'different integers from 0 to 2^32 - 1' },
  );
}
