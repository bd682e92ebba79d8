import { chiSquareSurvival, studentQuantile, studentTwoSided } from '../math/distributions.ts';

/**
 * The inference behind a read-out, on sums over listeners: each listener is one draw (y, x), whatever they did how often.
 *
 * @module
 */

/** Sums over the listeners of a variant; begin with {@link noMoments}, add with {@link addListener}. */
export interface Moments {
  /** Listeners. */
  n: number;
  /** Σ y, the outcome or the numerator of a ratio. */
  y: number;
  /** Σ x, the covariate or the denominator of a ratio. */
  x: number;
  yy: number;
  xx: number;
  xy: number;
}

export function noMoments(): Moments {
  return { n: 0, y: 0, x: 0, yy: 0, xx: 0, xy: 0 };
}

/** Adds a listener, or with `times` -1 takes one away whose outcome has changed. */
export function addListener(moments: Moments, y: number, x: number, times: 1 | -1 = 1): void {
  moments.n += times;
  moments.y += times * y;
  moments.x += times * x;
  moments.yy += times * y * y;
  moments.xx += times * x * x;
  moments.xy += times * x * y;
}

/** A mean over listeners, or a ratio of two. */
export interface MeanEstimate {
  readonly n: number;
  readonly mean: number;
  /** Of one listener's (linearised) outcome: that of the mean is variance / n. Sample variance, n - 1. */
  readonly variance: number;
  /** What a relative lift is relative to: the mean before any adjustment. */
  readonly base: number;
}

/** The mean of y; `null` without listeners, variance 0 of a single one. */
export function meanOf({ n, y, yy }: Moments): MeanEstimate | null {
  if (n === 0) return null;
  return { n, mean: y / n, variance: covariance(n, y, y, yy), base: y / n };
}

/**
 * The ratio Σy / Σx with the listener as unit, by the delta method:
 * variance = var(y)/x̄² - 2 cov(y, x) ȳ/x̄³ + var(x) ȳ²/x̄⁴.
 *
 * @returns `null` where Σx is 0.
 * @see Deng, Knoblich and Lu (2018), "Applying the delta method in metric analytics", and GrowthBook's `RatioStatistic`.
 */
export function ratioOf({ n, y, x, yy, xx, xy }: Moments): MeanEstimate | null {
  if (x === 0) return null;
  const ratio = y / x;
  const scale = n / x;
  const variance =
    (covariance(n, y, y, yy) -
      2 * ratio * covariance(n, y, x, xy) +
      ratio * ratio * covariance(n, x, x, xx)) *
    scale *
    scale;
  return { n, mean: ratio, variance: Math.max(0, variance), base: ratio };
}

/**
 * The mean of y less what the covariate predicts (CUPED): ȳ - θ (x̄ - x̄₀). Any x̄₀ gives the same differences; pass the mean over all
 * variants and the means stay comparable with the unadjusted ones.
 *
 * @param theta - One for all variants, see {@link pooledTheta}.
 * @see Deng, Xu, Kohavi and Walker (2013), "Improving the sensitivity of online controlled experiments by utilizing pre-experiment data".
 */
export function adjustedMeanOf(
  { n, y, x, yy, xx, xy }: Moments,
  theta: number,
  centre: number,
): MeanEstimate | null {
  if (n === 0) return null;
  const variance =
    covariance(n, y, y, yy) - 2 * theta * covariance(n, x, y, xy) + theta * theta * covariance(n, x, x, xx);
  return { n, mean: y / n - theta * (x / n - centre), variance: Math.max(0, variance), base: y / n };
}

/**
 * The regression coefficient of y on x over the listeners of all variants together, and their correlation: CUPED leaves a share
 * 1 - correlation² of the variance.
 *
 * @returns `null` where y or x does not vary.
 */
export function pooledTheta(
  variants: readonly Moments[],
): { readonly theta: number; readonly correlation: number } | null {
  const all = noMoments();
  for (const { n, y, x, yy, xx, xy } of variants) {
    all.n += n;
    all.y += y;
    all.x += x;
    all.yy += yy;
    all.xx += xx;
    all.xy += xy;
  }
  const spreadY = covariance(all.n, all.y, all.y, all.yy);
  const spreadX = covariance(all.n, all.x, all.x, all.xx);
  if (spreadY <= 0 || spreadX <= 0) return null;
  const shared = covariance(all.n, all.x, all.y, all.xy);
  return { theta: shared / spreadX, correlation: shared / Math.sqrt(spreadX * spreadY) };
}

/** Sample covariance (n - 1) from sums; 0 of a single listener, and where rounding leaves a variance below 0. */
function covariance(n: number, sumA: number, sumB: number, sumAB: number): number {
  if (n < 2) return 0;
  const value = (sumAB - (sumA * sumB) / n) / (n - 1);
  // What is left of equal numbers after rounding is no variance.
  return Math.abs(value) * (n - 1) <= 1e-13 * Math.abs(sumAB) ? 0 : value;
}

/** Two ends, both of them belonging to it. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A figure and how sure it is; intervals are `null` where they are not defined. */
export interface IntervalEstimate {
  readonly value: number;
  /** 95%, of a read-out at a time fixed beforehand; from two listeners (of each variant) on, where outcomes vary. */
  readonly interval: Interval | null;
  /** 95% at all times at once, however often one looks; from {@link LEAST_SEQUENTIAL} listeners (of each variant) on. */
  readonly sequentialInterval: Interval | null;
}

/** A treatment against the control. */
export interface Lift {
  /** Difference of the means, in the metric's unit. */
  readonly absolute: IntervalEstimate;
  /** Difference over the control's unadjusted mean: 0.1 is +10%; `null` where that is 0. */
  readonly relative: IntervalEstimate | null;
  /** Two-sided, of no absolute difference, at a time fixed beforehand (Welch's t test). */
  readonly pValue: number | null;
  /** Two-sided, valid however often one looks: below 0.05 exactly where the sequential interval of `absolute` excludes 0. */
  readonly sequentialPValue: number | null;
}

/** Two-sided error of every interval. */
const ALPHA = 0.05;

/**
 * Listeners of each variant below which there is no sequential interval: it is asymptotic, and with a handful of listeners a variance of
 * nearly 0 comes up by chance.
 */
export const LEAST_SEQUENTIAL = 20;

/**
 * Compares two means.
 *
 * The relative lift's variance follows by the delta method, var_b/(ā² n_b) + var_a b̄²/(ā⁴ n_a), ā and b̄ being unadjusted means. As that is another
 * scale than the absolute one, the two may disagree about 0 at the edge; the p-values are those of the absolute one.
 *
 * @param tuning - Listeners (of both) at which the sequential interval is tightest, > 0.
 * @see GrowthBook `gbstats`, `TwoSidedTTest` and `SequentialTwoSidedTTest`, whose values `estimates.test.ts` reproduces.
 */
export function compareMeans(control: MeanEstimate, treatment: MeanEstimate, tuning: number): Lift {
  const difference = treatment.mean - control.mean;
  const ofControl = control.variance / control.n;
  const ofTreatment = treatment.variance / treatment.n;
  const variance = ofControl + ofTreatment;
  const least = Math.min(control.n, treatment.n);
  const n = control.n + treatment.n;
  const degrees = isPositive(variance) && least > 1 ? welch(control, treatment) : null;
  const { base } = control;
  const lift = treatment.base / base;
  const estimate = (value: number, spread: number): IntervalEstimate => ({
    value,
    interval:
      degrees === null ? null : around(value, studentQuantile(1 - ALPHA / 2, degrees) * Math.sqrt(spread)),
    sequentialInterval:
      degrees === null || least < LEAST_SEQUENTIAL
        ? null
        : around(value, sequentialHalfWidth(spread, n, tuning)),
  });
  return {
    absolute: estimate(difference, variance),
    relative:
      base === 0
        ? null
        : estimate(difference / base, (ofTreatment + ofControl * lift * lift) / (base * base)),
    pValue: degrees === null ? null : studentTwoSided(difference / Math.sqrt(variance), degrees),
    sequentialPValue:
      degrees === null || least < LEAST_SEQUENTIAL ? null : sequentialPValue(difference, variance, n, tuning),
  };
}

/** How sure a single mean is, as {@link compareMeans} says it of a difference. */
export function describeMean(estimate: MeanEstimate, tuning: number): IntervalEstimate {
  const { n, mean, variance } = estimate;
  const defined = n > 1 && isPositive(variance);
  const spread = variance / n;
  return {
    value: mean,
    interval: defined ? around(mean, studentQuantile(1 - ALPHA / 2, n - 1) * Math.sqrt(spread)) : null,
    sequentialInterval:
      defined && n >= LEAST_SEQUENTIAL ? around(mean, sequentialHalfWidth(spread, n, tuning)) : null,
  };
}

const isPositive = (variance: number): boolean => variance > 0 && Number.isFinite(variance);
const around = (value: number, halfWidth: number): Interval => ({
  low: value - halfWidth,
  high: value + halfWidth,
});

/** Degrees of freedom after Welch and Satterthwaite. */
function welch(a: MeanEstimate, b: MeanEstimate): number {
  const [ofA, ofB] = [a.variance / a.n, b.variance / b.n];
  return (ofA + ofB) ** 2 / (ofA ** 2 / (a.n - 1) + ofB ** 2 / (b.n - 1));
}

/**
 * Half the width of an asymptotic confidence sequence: with probability 95% the truth stays within it at all n at once,
 *   √variance · √( 2 (nρ² + 1)/(nρ²) · ln(√(nρ² + 1)/α) ),  ρ² = (-2 ln α + ln(1 - 2 ln α)) / tuning.
 *
 * At `tuning` listeners it is 1.55 times as wide as the interval of one look; the further from there, the wider.
 *
 * @param variance - Of the estimate.
 * @param n - Listeners that it is made of.
 * @see Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2023), "Time-uniform central limit theory and asymptotic confidence
 *   sequences", arXiv 2103.06476v7, equations 9 and 161.
 */
export function sequentialHalfWidth(variance: number, n: number, tuning: number): number {
  const information = n * rhoSquare(tuning);
  return Math.sqrt(
    variance * 2 * ((information + 1) / information) * Math.log(Math.sqrt(information + 1) / ALPHA),
  );
}

/**
 * The least α at which the confidence sequence excludes 0, at most 1.
 *
 * @see Waudby-Smith et al. (2023), equation 155.
 */
export function sequentialPValue(difference: number, variance: number, n: number, tuning: number): number {
  const information = n * rhoSquare(tuning);
  const z2 = (difference * difference) / variance;
  const logEvidence = (0.5 * z2 * information) / (information + 1) - 0.5 * Math.log1p(information);
  return Math.min(1, Math.exp(-logEvidence));
}

const rhoSquare = (tuning: number): number =>
  (-2 * Math.log(ALPHA) + Math.log(1 - 2 * Math.log(ALPHA))) / tuning;

/**
 * The probability of counts at least as far from their expected shares as these, by Pearson's χ².
 *
 * @param counts - Listeners of each variant.
 * @param weights - Expected shares, >= 0, in any scale.
 * @returns 0 where a variant of weight 0 has listeners; `null` without listeners or with fewer than two weights above 0.
 * @see Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online controlled experiments".
 */
export function sampleRatioPValue(counts: readonly number[], weights: readonly number[]): number | null {
  const listeners = counts.reduce((sum, count) => sum + count, 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const expectable = weights.filter((weight) => weight > 0).length;
  if (listeners === 0 || expectable < 2) return null;
  let square = 0;
  for (let i = 0; i < counts.length; i++) {
    const expected = (weights[i]! / total) * listeners;
    if (expected > 0) square += (counts[i]! - expected) ** 2 / expected;
    else if (counts[i]! > 0) return 0;
  }
  return chiSquareSurvival(square, expectable - 1);
}
