import { EncoreError } from '../errors.ts';
import type { Experiment } from './assign-variant.ts';
import type { Outcomes } from './collect-outcomes.ts';
import {
  addListener,
  adjustedMeanOf,
  compareMeans,
  describeMean,
  meanOf,
  noMoments,
  pooledTheta,
  ratioOf,
  sampleRatioPValue,
  sequentialPValue,
  LEAST_SEQUENTIAL,
  type IntervalEstimate,
  type Lift,
  type MeanEstimate,
  type Moments,
} from './estimates.ts';
import { studentTwoSided } from '../math/distributions.ts';

/**
 * What is measured of every variant. `clickThrough` and `likeRate`: exposures with a click (a like) or more over exposures;
 * `playsPerListener`: plays from the first exposure on over exposed listeners.
 */
export const METRICS = ['clickThrough', 'playsPerListener', 'likeRate'] as const;
export type Metric = (typeof METRICS)[number];

export interface ReadOutOptions {
  /**
   * Exposed listeners, of all variants that are compared, at which the sequential intervals are tightest; > 0. Choose it before
   * the experiment, near the size at which a decision is expected.
   *
   * @default 5000
   */
  readonly tuning?: number;
}

/** What an experiment has shown so far. Plain JSON: what is not defined is `null`. */
export interface ReadOut {
  readonly experiment: string;
  /** The newest revision, and the one from which on exposures count. */
  readonly revision: number;
  readonly readOutFrom: number;
  readonly kind: Experiment['kind'];
  /** Exposed listeners in the comparison, and distinct exposures, those of left-out listeners included. */
  readonly listeners: number;
  readonly exposures: number;
  /** In the experiment's order, the control first; none of an interleaving, where every listener sees both. */
  readonly variants: readonly VariantReadOut[];
  /** Of an interleaving only. */
  readonly interleaving: InterleavingReadOut | null;
  readonly checks: {
    /** Whether the variants got their shares of the listeners; of an interleaving, whether the coins let either team begin as often. */
    readonly sampleRatio: SampleRatioCheck;
    /** Listeners who saw more than one variant. */
    readonly multipleExposure: MultipleExposureCheck;
  };
  /**
   * How many lifts are reported. Intervals and p-values are each for itself: with k of them 0.05 k false alarms are to be
   * expected. Choose the metric and the treatment that decide beforehand.
   */
  readonly comparisons: number;
  readonly leftOut: Outcomes['leftOut'];
}

export interface VariantReadOut {
  readonly variant: string;
  readonly ranker: string;
  /** Exposed listeners. */
  readonly listeners: number;
  readonly exposures: number;
  readonly metrics: Readonly<Record<Metric, MetricReadOut>>;
}

export interface MetricReadOut {
  /** `null` without listeners. */
  readonly mean: IntervalEstimate | null;
  /** Against the control; `null` of the control itself, and where either has no listeners. */
  readonly lift: Lift | null;
  /** The lift less what plays before the first exposure explain; of `playsPerListener` only, where those vary. */
  readonly adjusted: AdjustedLift | null;
}

/** A lift after CUPED. */
export interface AdjustedLift extends Lift {
  /** Plays after the first exposure that a play before it predicts, over the listeners of all variants. */
  readonly theta: number;
  /** 1 - (variance of the adjusted difference) / (variance of the plain one): 0.5 is worth as many listeners again. */
  readonly varianceReduction: number | null;
}

export interface SampleRatioCheck {
  /** Listeners of each variant, in order; of an interleaving, for whom that team began more lists. */
  readonly observed: readonly number[];
  /** Expected shares, summing to 1. */
  readonly expected: readonly number[];
  /** χ²; `null` without observations. */
  readonly pValue: number | null;
  /** p < 0.001: do not believe the figures before the reason is found. */
  readonly alarm: boolean;
}

export interface MultipleExposureCheck {
  /** Left out of every figure. */
  readonly listeners: number;
  /** Of all exposed listeners; `null` where there are none. */
  readonly share: number | null;
  /** More than 1%: somebody changed what the hash follows from, or an id stands for several people. */
  readonly alarm: boolean;
}

export interface InterleavingReadOut {
  /** Team 0, the control, and team 1. */
  readonly variants: readonly [string, string];
  /** Drafted artists clicked or played, of each team. */
  readonly credits: readonly [number, number];
  /** Listeners who gave team 1 more credits than team 0 (wins), fewer (losses), as many (ties; without those who gave none). */
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
  /**
   * Mean over the listeners who gave a credit of (credits of team 1 - of team 0) / (both), in [-1, 1]: above 0 listeners prefer
   * team 1. `null` without such listeners.
   */
  readonly preference: IntervalEstimate | null;
  /** Two-sided, of no preference: at a time fixed beforehand (Student's t), and however often one looks. */
  readonly pValue: number | null;
  readonly sequentialPValue: number | null;
}

/**
 * Reads an experiment out: every treatment against the control, with the listener as unit.
 *
 * Exposures and plays of one listener hang together, so that what varies is the listener: means have the sample variance over
 * listeners, ratios the delta method's. Listeners who saw several variants are left out, as GrowthBook does, because what they did
 * belongs to none; whether that happens may depend on the variant, hence the alarm. The fixed intervals hold for one look at a
 * time set beforehand; to look as one pleases and stop when it is decided, read the sequential ones. No correction is made for
 * several treatments and metrics, so that an interval and its p-value agree; `comparisons` says how many there are.
 *
 * @throws {@link EncoreError} `INVALID_OPTION` where `tuning` is not above 0.
 * @see `compareMeans`, `ratioOf`, `pooledTheta`, `sequentialHalfWidth`, `sampleRatioPValue` for the formulas and their sources.
 */
export function readOut(outcomes: Outcomes, options: ReadOutOptions = {}): ReadOut {
  const { tuning = 5000 } = options;
  if (!(tuning > 0 && tuning < Infinity)) {
    throw new EncoreError(
      'INVALID_OPTION',
      `read-out option "tuning" is ${tuning}; allowed: a number above 0`,
      {
        field: 'tuning',
        found: tuning,
      },
    );
  }
  const { experiment, listeners, multiplyExposed } = outcomes;
  const { kind, variants } = experiment;
  const exposed = listeners + multiplyExposed;
  const share = exposed === 0 ? null : multiplyExposed / exposed;
  const interleaved = kind === 'interleaving';
  const compared = interleaved ? [] : compareVariants(outcomes, tuning);
  return {
    experiment: experiment.key,
    revision: experiment.revision,
    readOutFrom: experiment.readOutFrom,
    kind,
    listeners,
    exposures: outcomes.exposuresRead,
    variants: compared,
    interleaving: interleaved ? preferenceOf(outcomes, tuning) : null,
    checks: {
      sampleRatio: interleaved
        ? checkSampleRatio(outcomes.firstPicks, [0.5, 0.5])
        : checkSampleRatio(
            compared.map((variant) => variant.listeners),
            // Coverage is the same of all variants and falls out.
            variants.map(({ weight }) => weight),
          ),
      multipleExposure: {
        listeners: multiplyExposed,
        share,
        alarm: share !== null && share > MULTIPLE_EXPOSURE_ALARM,
      },
    },
    comparisons: interleaved ? 1 : (variants.length - 1) * METRICS.length,
    leftOut: outcomes.leftOut,
  };
}

const SAMPLE_RATIO_ALARM = 0.001;
const MULTIPLE_EXPOSURE_ALARM = 0.01;

function compareVariants(outcomes: Outcomes, tuning: number): VariantReadOut[] {
  const { experiment, variant, exposures, clicked, liked, plays, prePlays } = outcomes;
  const momentsOf = (y: Float64Array, x: Float64Array): Moments[] => {
    const moments = experiment.variants.map(noMoments);
    for (let i = 0; i < variant.length; i++) addListener(moments[variant[i]!]!, y[i]!, x[i]!);
    return moments;
  };
  const played = momentsOf(plays, prePlays);
  const shown = momentsOf(clicked, exposures);
  const reports = {
    clickThrough: describeVariants(shown.map(ratioOf), tuning),
    playsPerListener: describeVariants(played.map(meanOf), tuning),
    likeRate: describeVariants(momentsOf(liked, exposures).map(ratioOf), tuning),
  };
  const adjusted = adjustPlays(played, reports.playsPerListener, tuning);
  return experiment.variants.map(({ key, ranker }, i) => ({
    variant: key,
    ranker,
    listeners: played[i]!.n,
    exposures: shown[i]!.x,
    metrics: {
      clickThrough: reports.clickThrough[i]!,
      playsPerListener: { ...reports.playsPerListener[i]!, adjusted: adjusted[i]! },
      likeRate: reports.likeRate[i]!,
    },
  }));
}

function describeVariants(estimates: readonly (MeanEstimate | null)[], tuning: number): MetricReadOut[] {
  const control = estimates[0] ?? null;
  return estimates.map((estimate, i) => ({
    mean: estimate === null ? null : describeMean(estimate, tuning),
    lift: i === 0 || estimate === null || control === null ? null : compareMeans(control, estimate, tuning),
    adjusted: null,
  }));
}

function adjustPlays(
  played: readonly Moments[],
  plain: readonly MetricReadOut[],
  tuning: number,
): (AdjustedLift | null)[] {
  const pooled = pooledTheta(played);
  if (pooled === null) return played.map(() => null);
  const { theta } = pooled;
  const centre = played.reduce((sum, { x }) => sum + x, 0) / played.reduce((sum, { n }) => sum + n, 0);
  const control = adjustedMeanOf(played[0]!, theta, centre);
  return played.map((moments, i) => {
    const treatment = adjustedMeanOf(moments, theta, centre);
    if (i === 0 || control === null || treatment === null || plain[i]!.lift === null) return null;
    const variance = (of: (moments: Moments) => MeanEstimate | null): number =>
      [played[0]!, moments].reduce((sum, m) => sum + (of(m)?.variance ?? 0) / m.n, 0);
    const before = variance(meanOf);
    return {
      ...compareMeans(control, treatment, tuning),
      theta,
      varianceReduction: before > 0 ? 1 - variance((m) => adjustedMeanOf(m, theta, centre)) / before : null,
    };
  });
}

function preferenceOf(outcomes: Outcomes, tuning: number): InterleavingReadOut {
  const { experiment, credits } = outcomes;
  const moments = noMoments();
  const total: [number, number] = [0, 0];
  let wins = 0;
  let losses = 0;
  for (let i = 0; i < outcomes.listeners; i++) {
    const [a, b] = [credits[0][i]!, credits[1][i]!];
    if (a + b === 0) continue;
    total[0] += a;
    total[1] += b;
    if (b > a) wins++;
    if (b < a) losses++;
    // A share, not a difference: a listener who clicks all day has one vote, like any other.
    addListener(moments, (b - a) / (a + b), 0);
  }
  const estimate = meanOf(moments);
  const spread = estimate === null ? 0 : estimate.variance / estimate.n;
  const defined = estimate !== null && estimate.n > 1 && spread > 0;
  return {
    variants: [experiment.variants[0]!.key, experiment.variants[1]!.key],
    credits: total,
    wins,
    losses,
    ties: moments.n - wins - losses,
    preference: estimate === null ? null : describeMean(estimate, tuning),
    pValue: defined ? studentTwoSided(estimate.mean / Math.sqrt(spread), estimate.n - 1) : null,
    sequentialPValue:
      defined && estimate.n >= LEAST_SEQUENTIAL
        ? sequentialPValue(estimate.mean, spread, estimate.n, tuning)
        : null,
  };
}

function checkSampleRatio(observed: readonly number[], weights: readonly number[]): SampleRatioCheck {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const pValue = sampleRatioPValue(observed, weights);
  return {
    observed,
    expected: weights.map((weight) => weight / total),
    pValue,
    alarm: pValue !== null && pValue < SAMPLE_RATIO_ALARM,
  };
}
