import {
  differenceOf,
  intervalOf,
  resampleListeners,
  type Interval,
  type Resampled,
  type SplitShares,
} from './bootstrap.ts';
import { measureCalibration, RELIABILITY_BINS, type Calibration } from './calibration.ts';
import type { ModelEvaluation, TwoStageEvaluation } from './evaluate-models.ts';
import { mapMetrics, MEAN_METRICS, type Evaluation, type MeanMetric } from './metrics.ts';

/** What models did on one split. */
export interface SplitRun {
  readonly split: string;
  readonly models: readonly ModelEvaluation[];
}

/** One says more than the other only where the interval of their paired difference excludes 0. */
export type Verdict = 'better' | 'worse' | 'no difference';

/** One model against another on the same listeners. */
export interface Comparison {
  readonly metric: MeanMetric;
  readonly difference: Interval;
  readonly verdict: Verdict;
}

/** One model over all splits. */
export interface ModelSummary {
  readonly model: string;
  /** Means over the splits with their 95% intervals over listeners. */
  readonly metrics: Readonly<Record<MeanMetric, Interval>>;
  /** Distinct artists recommended / artists in train, mean over the splits; no mean over listeners, so no interval. */
  readonly coverage20: number;
  /** This model minus the reference; `null` for the reference. */
  readonly against: readonly Comparison[] | null;
  /** `null` for a single source. */
  readonly twoStage: TwoStageSummary | null;
}

export interface TwoStageSummary {
  readonly preset: string;
  readonly effort: string;
  readonly ranker: string;
  readonly candidates: { readonly recall: number; readonly mean: number };
  /** `null` where the score is no probability that the test split can check. */
  readonly calibration: Calibration | null;
  readonly training: readonly {
    readonly split: string;
    readonly iterations: number;
    readonly converged: boolean | null;
    /** Objective per row after each step. */
    readonly history: readonly number[];
  }[];
}

/** What a part brings to the model that was taken apart. */
export interface AblationSummary {
  readonly name: string;
  readonly kind: 'source' | 'features';
  /** The model without the part. */
  readonly without: { readonly ndcg20: number; readonly recall20: number };
  readonly candidates: { readonly recall: number; readonly mean: number };
  /** The whole model minus the model without the part. */
  readonly ndcg20: Interval;
  readonly recall20: Interval;
  /** Of NDCG@20: `better` where the model is better with the part. */
  readonly verdict: Verdict;
}

export interface EvaluationSummary {
  readonly reference: string;
  readonly resamples: number;
  /** Different listeners with at least one artist held out in any split. */
  readonly listeners: number;
  readonly models: readonly ModelSummary[];
  readonly ablation: readonly AblationSummary[] | null;
}

/** Figures that models are compared by. */
const COMPARED = ['ndcg@20', 'recall@20', 'ndcg@10', 'recall@10'] as const satisfies readonly MeanMetric[];
const RESAMPLES = 1000;
const SEED = 1;

/** Calls of `onResample` of one {@link summarise}. */
export const SUMMARY_UNITS = RESAMPLES;

/**
 * Means over splits, intervals by resampling listeners, and paired comparisons with a reference.
 *
 * @param runs - One for each split, all with the same models in the same order.
 * @param options - `reference`: the name of one of the models.
 */
export function summarise(
  runs: readonly SplitRun[],
  options: { readonly reference: string; readonly onResample?: () => void },
): EvaluationSummary {
  const names = runs[0]!.models.map(({ model }) => model);
  const evaluations = names.map((_, m) => runs.map((run) => run.models[m]!));
  const ablated = names.findIndex((_, m) => evaluations[m]![0]!.twoStage?.ablation?.length !== undefined);
  const parts =
    ablated < 0
      ? []
      : evaluations[ablated]![0]!.twoStage!.ablation!.map((_, a) =>
          evaluations[ablated]!.map(({ twoStage }) => twoStage!.ablation![a]!),
        );

  const figures: (readonly SplitShares[])[] = [
    ...evaluations.flatMap((splits) => MEAN_METRICS.map((metric) => sharesOf(splits, metric))),
    ...parts.flatMap((splits) => [sharesOf(splits, 'ndcg@20'), sharesOf(splits, 'recall@20')]),
  ];
  const resampled = resampleListeners(figures, {
    seed: SEED,
    resamples: RESAMPLES,
    ...(options.onResample !== undefined && { onResample: options.onResample }),
  });
  const ofModel = (m: number, metric: MeanMetric): Resampled =>
    resampled[m * MEAN_METRICS.length + MEAN_METRICS.indexOf(metric)]!;
  const reference = names.indexOf(options.reference);

  return {
    reference: options.reference,
    resamples: RESAMPLES,
    listeners: new Set(evaluations[0]!.flatMap(({ users }) => [...users])).size,
    models: names.map((model, m) => ({
      model,
      metrics: mapMetrics((metric) => intervalOf(ofModel(m, metric))),
      coverage20: average(evaluations[m]!.map(({ metrics }) => metrics['coverage@20'])),
      against:
        m === reference
          ? null
          : COMPARED.map((metric) => {
              const difference = differenceOf(ofModel(m, metric), ofModel(reference, metric));
              return { metric, difference, verdict: verdictOf(difference) };
            }),
      twoStage: summariseTwoStage(
        runs.map(({ split }) => split),
        evaluations[m]!.map(({ twoStage }) => twoStage),
      ),
    })),
    ablation:
      ablated < 0
        ? null
        : parts.map((splits, a) => {
            const first = names.length * MEAN_METRICS.length + 2 * a;
            const ndcg20 = differenceOf(ofModel(ablated, 'ndcg@20'), resampled[first]!);
            return {
              name: splits[0]!.ablation.name,
              kind: splits[0]!.ablation.kind,
              without: { ndcg20: resampled[first]!.estimate, recall20: resampled[first + 1]!.estimate },
              candidates: averageCandidates(splits.map(({ candidates }) => candidates)),
              ndcg20,
              recall20: differenceOf(ofModel(ablated, 'recall@20'), resampled[first + 1]!),
              verdict: verdictOf(ndcg20),
            };
          }),
  };
}

function summariseTwoStage(
  splits: readonly string[],
  evaluations: readonly (TwoStageEvaluation | null)[],
): TwoStageSummary | null {
  const found = evaluations.filter((evaluation) => evaluation !== null);
  if (found.length === 0) return null;
  return {
    preset: found[0]!.preset,
    effort: found[0]!.effort,
    ranker: found[0]!.ranker,
    candidates: averageCandidates(found.map(({ candidates }) => candidates)),
    calibration: measureCalibration(
      found.map(({ predictions }) => predictions).filter((predictions) => predictions !== null),
      RELIABILITY_BINS,
    ),
    training: found.map(({ training, history }, s) => ({
      split: splits[s]!,
      iterations: training['ranker-iterations'],
      converged: training['ranker-converged'],
      history,
    })),
  };
}

function sharesOf(splits: readonly Evaluation[], metric: MeanMetric): readonly SplitShares[] {
  return splits.map(({ users, perListener }) => ({ users, ...perListener[metric] }));
}

function verdictOf({ low, high }: Interval): Verdict {
  if (low > 0) return 'better';
  return high < 0 ? 'worse' : 'no difference';
}

function averageCandidates(candidates: readonly { readonly recall: number; readonly mean: number }[]): {
  readonly recall: number;
  readonly mean: number;
} {
  return {
    recall: average(candidates.map(({ recall }) => recall)),
    mean: average(candidates.map(({ mean }) => mean)),
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
