import {
  assignVariant,
  type ExperimentRevision,
} from '../../../layers/core/src/experiment/assign-variant.ts';
import {
  createOutcomeCollector,
  type Outcomes,
} from '../../../layers/core/src/experiment/collect-outcomes.ts';
import {
  addListener,
  adjustedMeanOf,
  compareMeans,
  LEAST_SEQUENTIAL,
  meanOf,
  noMoments,
  pooledTheta,
  ratioOf,
  sampleRatioPValue,
  sequentialPValue,
  type Interval,
  type MeanEstimate,
  type Moments,
} from '../../../layers/core/src/experiment/estimates.ts';
import { readOut, type ReadOut } from '../../../layers/core/src/experiment/read-out.ts';
import { draftCoin, teamDraft } from '../../../layers/core/src/experiment/team-draft.ts';
import { normalCdf } from '../../../layers/core/src/math/distributions.ts';
import { createRng, hash2, type Rng } from '../../../layers/core/src/math/rng.ts';
import { trees } from './log.ts';

/**
 * Listeners for simulated experiments. Each has a rate of playing (lognormal, deviation 1 of the logarithm: a tenth of the listeners
 * make two fifths of the plays), a number of exposures (geometric, mean 4) and a share of exposures that they click (beta, mean
 * 0.2), so that the exposures of one listener hang together.
 */
const LOG_MEAN = 1;
const MEAN_EXPOSURES = 4;
const CLICKS = { alpha: 1.6, beta: 6.4 };
const LIKES_PER_CLICK = 0.4;
/** Plays after the first exposure for one before it. */
const PERIODS = 2;

/** What a simulated listener did. */
interface Listener {
  exposures: number;
  clicked: number;
  liked: number;
  plays: number;
  prePlays: number;
}

function drawListener(rng: Rng, lift: number, into: Listener): void {
  const rate = Math.exp(LOG_MEAN + rng.normal());
  into.prePlays = poisson(rng, rate);
  into.plays = poisson(rng, PERIODS * rate * (1 + lift));
  into.exposures = 1 + Math.floor(Math.log(1 - rng.next()) / Math.log(1 - 1 / MEAN_EXPOSURES));
  const share = Math.min(1, beta(rng, CLICKS.alpha, CLICKS.beta) * (1 + lift));
  into.clicked = binomial(rng, into.exposures, share);
  into.liked = binomial(rng, into.exposures, share * LIKES_PER_CLICK);
}

/** Of the listeners above, from the distributions' moments and not from draws: mean and variance of one listener. */
export function theory(lift: number): Record<'clickThrough' | 'likeRate' | 'playsPerListener', MeanEstimate> {
  const m = PERIODS * Math.exp(LOG_MEAN + 0.5) * (1 + lift);
  const { alpha: a, beta: b } = CLICKS;
  const exposuresSquare = MEAN_EXPOSURES ** 2 + MEAN_EXPOSURES * (MEAN_EXPOSURES - 1);
  const ratio = (scale: number): MeanEstimate => {
    const mean = (scale * a) / (a + b);
    const spread = (scale * scale * a * b) / ((a + b) ** 2 * (a + b + 1));
    // Var(S - R K) = E K · E p(1 - p) + E K² · Var p, over (E K)².
    const variance =
      (MEAN_EXPOSURES * (mean - mean * mean - spread) + exposuresSquare * spread) / MEAN_EXPOSURES ** 2;
    return { n: 1, mean, variance, base: mean };
  };
  return {
    clickThrough: ratio(1 + lift),
    likeRate: ratio((1 + lift) * LIKES_PER_CLICK),
    playsPerListener: { n: 1, mean: m, variance: m + m * m * (Math.E - 1), base: m },
  };
}

/** ρ² of plays before and after the first exposure, from the moments. */
export function theoreticalCorrelationSquare(): number {
  const before = Math.exp(LOG_MEAN + 0.5);
  const spread = before * before * (Math.E - 1);
  return (PERIODS * spread) ** 2 / ((before + spread) * (PERIODS * before + PERIODS ** 2 * spread));
}

/** The share of experiments whose fixed interval of the absolute lift excludes 0, by the normal approximation. */
export function theoreticalPower(control: MeanEstimate, treatment: MeanEstimate, perVariant: number): number {
  const error = Math.sqrt((control.variance + treatment.variance) / perVariant);
  const z = Math.abs(treatment.mean - control.mean) / error;
  return normalCdf(z - 1.959964) + normalCdf(-z - 1.959964);
}

/** Outcomes of an A/B test, as a collector would give them; treatment has `lift` on every metric. */
function simulateOutcomes(seed: number, perVariant: number, lift: number): Outcomes {
  const rng = createRng(seed);
  const n = 2 * perVariant;
  const [exposures, clicked, liked] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  const [plays, prePlays] = [new Float64Array(n), new Float64Array(n)];
  const variant = new Int32Array(n);
  const listener: Listener = { exposures: 0, clicked: 0, liked: 0, plays: 0, prePlays: 0 };
  let exposuresRead = 0;
  for (let i = 0; i < n; i++) {
    variant[i] = i % 2;
    drawListener(rng, i % 2 === 0 ? 0 : lift, listener);
    exposures[i] = listener.exposures;
    clicked[i] = listener.clicked;
    liked[i] = listener.liked;
    plays[i] = listener.plays;
    prePlays[i] = listener.prePlays;
    exposuresRead += listener.exposures;
  }
  return {
    ...createOutcomeCollector(trees).outcomes(),
    listeners: n,
    variant,
    exposures,
    clicked,
    liked,
    plays,
    prePlays,
    exposuresRead,
  };
}

const excludesZero = (interval: Interval | null): boolean =>
  interval !== null && (interval.low > 0 || interval.high < 0);

/** What one experiment found: whether each fixed interval excludes 0. */
function findings({ variants }: ReadOut): Readonly<Record<string, boolean>> {
  const { clickThrough, likeRate, playsPerListener } = variants[1]!.metrics;
  return {
    clickThrough: excludesZero(clickThrough.lift!.absolute.interval),
    clickThroughRelative: excludesZero(clickThrough.lift!.relative!.interval),
    likeRate: excludesZero(likeRate.lift!.absolute.interval),
    likeRateRelative: excludesZero(likeRate.lift!.relative!.interval),
    playsPerListener: excludesZero(playsPerListener.lift!.absolute.interval),
    playsPerListenerRelative: excludesZero(playsPerListener.lift!.relative!.interval),
    adjustedPlays: excludesZero(playsPerListener.adjusted!.absolute.interval),
    adjustedPlaysRelative: excludesZero(playsPerListener.adjusted!.relative!.interval),
  };
}

/** Share of experiments in which each interval excludes 0, and how much CUPED took off the variance. */
export function simulateFixed(options: {
  readonly runs: number;
  readonly perVariant: number;
  readonly lift: number;
  readonly seed: number;
}): {
  readonly found: Readonly<Record<string, number>>;
  /** 1 - Var(adjusted lift) / Var(plain lift), over the runs. */
  readonly varianceReduction: number;
  /** The mean of what the read-outs say of themselves. */
  readonly statedReduction: number;
} {
  const { runs, perVariant, lift, seed } = options;
  const found: Record<string, number> = {};
  const plain = noMoments();
  const adjusted = noMoments();
  let stated = 0;
  for (let run = 0; run < runs; run++) {
    const report = readOut(simulateOutcomes(hash2(seed, run), perVariant, lift));
    for (const [figure, isFound] of Object.entries(findings(report))) {
      found[figure] = (found[figure] ?? 0) + (isFound ? 1 : 0);
    }
    const { playsPerListener } = report.variants[1]!.metrics;
    addListener(plain, playsPerListener.lift!.absolute.value, 0);
    addListener(adjusted, playsPerListener.adjusted!.absolute.value, 0);
    stated += playsPerListener.adjusted!.varianceReduction! / runs;
  }
  return {
    found: sharesOf(found, runs),
    varianceReduction: 1 - meanOf(adjusted)!.variance / meanOf(plain)!.variance,
    statedReduction: stated,
  };
}

/** Whether the sequential interval of the absolute lift excludes 0 now. */
function crosses(control: MeanEstimate | null, treatment: MeanEstimate | null, tuning: number): boolean {
  if (control === null || treatment === null) return false;
  if (Math.min(control.n, treatment.n) < LEAST_SEQUENTIAL) return false;
  const variance = control.variance / control.n + treatment.variance / treatment.n;
  if (variance === 0) return false;
  // The p-value is quick; where it finds something the interval has to agree.
  const p = sequentialPValue(treatment.mean - control.mean, variance, control.n + treatment.n, tuning);
  return p < 0.05 && excludesZero(compareMeans(control, treatment, tuning).absolute.sequentialInterval);
}

/** Watches one experiment through its metrics and remembers which was ever decided. */
function watch(tuning: number) {
  const played = [noMoments(), noMoments()] as const;
  const shown = [noMoments(), noMoments()] as const;
  const decided: Record<string, boolean> = {
    clickThrough: false,
    playsPerListener: false,
    adjustedPlays: false,
  };
  const look = (): void => {
    decided['clickThrough'] ||= crosses(ratioOf(shown[0]), ratioOf(shown[1]), tuning);
    decided['playsPerListener'] ||= crosses(meanOf(played[0]), meanOf(played[1]), tuning);
    if (decided['adjustedPlays']) return;
    const pooled = pooledTheta(played);
    if (pooled === null) return;
    const of = (moments: Moments): MeanEstimate | null => adjustedMeanOf(moments, pooled.theta, 0);
    decided['adjustedPlays'] = crosses(of(played[0]), of(played[1]), tuning);
  };
  return { played, shown, decided, look };
}

/** Share of experiments that a sequential interval ever decides, looked at after every listener, each with all they do. */
export function simulatePeeking(options: {
  readonly runs: number;
  readonly listeners: number;
  readonly lift: number;
  readonly tuning: number;
  readonly seed: number;
}): Readonly<Record<string, number>> {
  const { runs, listeners, lift, tuning, seed } = options;
  const decidedRuns: Record<string, number> = {};
  const listener: Listener = { exposures: 0, clicked: 0, liked: 0, plays: 0, prePlays: 0 };
  for (let run = 0; run < runs; run++) {
    const rng = createRng(hash2(seed, run));
    const { played, shown, decided, look } = watch(tuning);
    for (let i = 0; i < listeners; i++) {
      const v = rng.next() < 0.5 ? 0 : 1;
      drawListener(rng, v * lift, listener);
      addListener(played[v], listener.plays, listener.prePlays);
      addListener(shown[v], listener.clicked, listener.exposures);
      look();
    }
    for (const [figure, isDecided] of Object.entries(decided)) {
      decidedRuns[figure] = (decidedRuns[figure] ?? 0) + (isDecided ? 1 : 0);
    }
  }
  return sharesOf(decidedRuns, runs);
}

/**
 * The same, looked at after every visit of listeners who come again and again: outcomes go on growing when no listener is new, which the
 * theory of the interval does not cover.
 */
export function simulateReturning(options: {
  readonly runs: number;
  readonly listeners: number;
  readonly visits: number;
  readonly tuning: number;
  readonly seed: number;
}): Readonly<Record<string, number>> {
  const { runs, listeners, visits, tuning, seed } = options;
  const decidedRuns: Record<string, number> = {};
  const [exposures, clicked, plays] = [
    new Float64Array(listeners),
    new Float64Array(listeners),
    new Float64Array(listeners),
  ];
  const [rate, share, prePlays] = [
    new Float64Array(listeners),
    new Float64Array(listeners),
    new Float64Array(listeners),
  ];
  for (let run = 0; run < runs; run++) {
    const rng = createRng(hash2(seed, run));
    const { played, shown, decided, look } = watch(tuning);
    for (let i = 0; i < listeners; i++) {
      exposures[i] = clicked[i] = plays[i] = 0;
      // A visit's plays; the rates of listeners differ as above.
      rate[i] = 0.2 * Math.exp(LOG_MEAN + rng.normal());
      share[i] = beta(rng, CLICKS.alpha, CLICKS.beta);
      prePlays[i] = poisson(rng, 5 * rate[i]!);
    }
    for (let visit = 0; visit < visits; visit++) {
      // Squared: the first tenth of the listeners make a third of the visits.
      const i = Math.floor(rng.next() ** 2 * listeners);
      const v = i % 2 === 0 ? 0 : 1;
      if (exposures[i]! > 0) {
        addListener(played[v], plays[i]!, prePlays[i]!, -1);
        addListener(shown[v], clicked[i]!, exposures[i]!, -1);
      }
      exposures[i]!++;
      if (rng.next() < share[i]!) clicked[i]!++;
      plays[i]! += poisson(rng, rate[i]!);
      addListener(played[v], plays[i]!, prePlays[i]!);
      addListener(shown[v], clicked[i]!, exposures[i]!);
      look();
    }
    for (const [figure, isDecided] of Object.entries(decided)) {
      decidedRuns[figure] = (decidedRuns[figure] ?? 0) + (isDecided ? 1 : 0);
    }
  }
  return sharesOf(decidedRuns, runs);
}

/** Share of experiments whose sample ratio alarms (p < 0.001), assigned by hash; of the last variant's listeners a share is lost. */
export function simulateMismatch(options: {
  readonly runs: number;
  readonly listeners: number;
  readonly weights: readonly number[];
  readonly lost: number;
  readonly seed: number;
}): number {
  const { runs, listeners, weights, lost, seed } = options;
  const rng = createRng(seed);
  const variants = weights.map((weight, i) => ({ key: String(i), weight, ranker: 'lr' }));
  let alarms = 0;
  for (let run = 0; run < runs; run++) {
    const experiment: ExperimentRevision = { ...trees, seed: `${seed}/${run}`, variants };
    const counts = weights.map(() => 0);
    for (let i = 0; i < listeners; i++) {
      const variant = Number(assignVariant(experiment, `u${i}`)!.variant);
      if (variant === weights.length - 1 && lost > 0 && rng.next() < lost) continue;
      counts[variant]!++;
    }
    if (sampleRatioPValue(counts, weights)! < 0.001) alarms++;
  }
  return alarms / runs;
}

const CANDIDATES = 30;
const SHOWN = 10;
const LISTS = 3;

/** Shown lists of one listener, ranked by taste seen through noise: the more noise, the worse the ranker. */
interface Judge {
  readonly rank: (noise: number) => Int32Array;
  readonly clicks: (list: Int32Array, onClick: (at: number) => void) => void;
}

function drawJudge(rng: Rng): Judge {
  const taste = Float64Array.from({ length: CANDIDATES }, () => rng.normal());
  const eagerness = beta(rng, CLICKS.alpha, CLICKS.beta);
  return {
    rank: (noise) => {
      const seen = taste.map((value) => value + noise * rng.normal());
      return Int32Array.from({ length: CANDIDATES }, (_, i) => i).toSorted((i, j) => seen[j]! - seen[i]!);
    },
    clicks: (list, onClick) => {
      for (let at = 0; at < list.length; at++) {
        const liking = 1 / (1 + Math.exp(-taste[list[at]!]!));
        if (rng.next() < (eagerness * liking) / Math.sqrt(at + 1)) onClick(at);
      }
    },
  };
}

/** One listener in an A/B test: y clicked exposures of x. */
function judgeOne(rng: Rng, noise: number, moments: Moments): void {
  const judge = drawJudge(rng);
  let clicked = 0;
  for (let list = 0; list < LISTS; list++) {
    let any = 0;
    judge.clicks(judge.rank(noise).subarray(0, SHOWN), () => (any = 1));
    clicked += any;
  }
  addListener(moments, clicked, LISTS);
}

/** The same listeners see drafted lists: credits of both teams. */
function simulateInterleaving(seed: number, listeners: number, noises: readonly [number, number]): ReadOut {
  const rng = createRng(seed);
  const credits = [new Float64Array(listeners), new Float64Array(listeners)] as const;
  const firstPicks: [number, number] = [0, 0];
  for (let i = 0; i < listeners; i++) {
    const judge = drawJudge(rng);
    let lead = 0;
    for (let list = 0; list < LISTS; list++) {
      const coin = draftCoin(`${seed}/${i}/${list}`);
      const { order, teams } = teamDraft(judge.rank(noises[0]), judge.rank(noises[1]), SHOWN, coin);
      const first = teams.replaceAll('-', '')[0];
      if (first !== undefined) lead += first === '1' ? 1 : -1;
      judge.clicks(order, (at) => {
        if (teams[at] !== '-') credits[teams[at] === '0' ? 0 : 1][i]!++;
      });
    }
    if (lead !== 0) firstPicks[lead < 0 ? 0 : 1]++;
  }
  return readOut({
    ...createOutcomeCollector({ ...trees, kind: 'interleaving' }).outcomes(),
    listeners,
    variant: new Int32Array(listeners),
    exposures: new Float64Array(listeners).fill(LISTS),
    credits,
    exposuresRead: listeners * LISTS,
    firstPicks,
  });
}

/** Share of experiments of `listeners` in which each kind finds a difference between two rankers. */
export function simulateKinds(options: {
  readonly runs: number;
  readonly listeners: number;
  readonly noises: readonly [number, number];
  readonly seed: number;
}): {
  readonly interleaving: number;
  readonly clickThrough: number;
  readonly coinAlarms: number;
  /** Listeners for 80% power of each kind, from the mean and variance over all runs. */
  readonly needed: { readonly interleaving: number; readonly clickThrough: number };
} {
  const { runs, listeners, noises, seed } = options;
  let interleaving = 0;
  let clickThrough = 0;
  let coinAlarms = 0;
  let preference = 0;
  let preferenceError = 0;
  const all = [noMoments(), noMoments()] as const;
  for (let run = 0; run < runs; run++) {
    const report = simulateInterleaving(hash2(seed, run), listeners, noises);
    if (report.interleaving!.pValue! < 0.05) interleaving++;
    if (report.checks.sampleRatio.alarm) coinAlarms++;
    const { value, interval } = report.interleaving!.preference!;
    preference += value / runs;
    preferenceError += (interval!.high - interval!.low) / (2 * 1.96) / runs;
    const rng = createRng(hash2(seed + 1, run));
    const shown = [noMoments(), noMoments()] as const;
    for (let i = 0; i < listeners; i++) {
      judgeOne(rng, noises[i % 2]!, shown[i % 2]!);
    }
    if (compareMeans(ratioOf(shown[0])!, ratioOf(shown[1])!, 5000).pValue! < 0.05) clickThrough++;
    for (const v of [0, 1] as const) {
      for (const key of ['n', 'y', 'x', 'yy', 'xx', 'xy'] as const) all[v][key] += shown[v][key];
    }
  }
  const [a, b] = [ratioOf(all[0])!, ratioOf(all[1])!];
  const z2 = (1.959964 + 0.841621) ** 2;
  return {
    interleaving: interleaving / runs,
    clickThrough: clickThrough / runs,
    coinAlarms: coinAlarms / runs,
    needed: {
      interleaving: (z2 * preferenceError ** 2 * listeners) / preference ** 2,
      clickThrough: (2 * z2 * (a.variance + b.variance)) / (b.mean - a.mean) ** 2,
    },
  };
}

const sharesOf = (counts: Readonly<Record<string, number>>, runs: number): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([figure, count]) => [figure, count / runs]));

/** Knuth's product of uniforms; from 30 on the normal approximation, rounded. */
function poisson(rng: Rng, mean: number): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * rng.normal()));
  const limit = Math.exp(-mean);
  let count = -1;
  for (let product = 1; product > limit; count++) product *= rng.next();
  return count;
}

function binomial(rng: Rng, n: number, p: number): number {
  let count = 0;
  for (let i = 0; i < n; i++) if (rng.next() < p) count++;
  return count;
}

function beta(rng: Rng, a: number, b: number): number {
  const x = gamma(rng, a);
  return x / (x + gamma(rng, b));
}

/** Marsaglia and Tsang (2000), shape >= 1. */
function gamma(rng: Rng, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = rng.normal();
    const v = (1 + c * z) ** 3;
    if (v > 0 && Math.log(1 - rng.next()) < 0.5 * z * z + d - d * v + d * Math.log(v)) return d * v;
  }
}
