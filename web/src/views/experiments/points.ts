import { METRIC_NAMES, type Metric, type Results } from './verdict.ts';

/** What a read-out said at a time: enough to draw it, and no more. */
export interface Point {
  /** Seconds since 1970: until when it counts. */
  readonly at: number;
  readonly exposures: number;
  /** By {@link seriesOf}. */
  readonly estimates: Readonly<Record<string, Estimate>>;
}

interface Estimate {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** The lift of one treatment in one metric. */
export const seriesOf = (variant: string, metric: Metric): string => `${variant} ${metric}`;
/** What listeners of interleaved lists prefer. */
export const PREFERENCE = 'preference';

/**
 * What to draw of a read-out: differences with their always-valid intervals. Not relative ones: the p-values, and so the verdict, are
 * those of the difference, and at the edge the two may disagree about 0.
 */
export function pointOf(results: Results): Point {
  const estimates: Record<string, Estimate> = {};
  const put = (series: string, estimate: Lifted | null | undefined): void => {
    if (estimate === null || estimate === undefined) return;
    const { value, sequentialInterval } = estimate;
    estimates[series] = {
      value,
      low: sequentialInterval?.low ?? null,
      high: sequentialInterval?.high ?? null,
    };
  };
  for (const { variant, metrics } of results.variants) {
    for (const metric of METRIC_NAMES) {
      put(seriesOf(variant, metric), metrics[metric].lift?.absolute);
    }
  }
  put(PREFERENCE, results.interleaving?.preference);
  return { at: Math.floor(Date.parse(results.to) / 1_000), exposures: results.exposures, estimates };
}

type Lifted = NonNullable<NonNullable<Results['interleaving']>['preference']>;

/** Points that are kept: at one every few seconds half an hour, after that a coarser one. */
const MOST_POINTS = 400;

/** Adds what a read-out says now, where it says something else than before. */
export function addPoint(points: readonly Point[], point: Point, most = MOST_POINTS): readonly Point[] {
  const last = points.at(-1);
  if (last !== undefined) {
    const isSame = JSON.stringify(last.estimates) === JSON.stringify(point.estimates);
    if (point.at <= last.at || (last.exposures === point.exposures && isSame)) return points;
  }
  const all = [...points, point];
  // Every other one goes, the newest stays.
  return all.length <= most ? all : all.filter((_, i) => (all.length - 1 - i) % 2 === 0);
}

/**
 * The UTC days before whose beginning an experiment has run already, newest first: each is worth a point. None for one that is
 * younger than a day.
 *
 * @param from - When the read-out begins, as an ISO time.
 * @param to - When it ends.
 * @param most - How many there may be; the newest are kept.
 */
export function daysBetween(from: string, to: string, most = 14): readonly string[] {
  const [first, last] = [Date.parse(from), Date.parse(to)];
  const days: string[] = [];
  for (let day = Math.floor(last / DAY_MS) * DAY_MS; day > first && days.length < most; day -= DAY_MS) {
    // What ends at midnight is the newest point itself.
    if (day < last) days.push(new Date(day).toISOString().slice(0, 10));
  }
  return days;
}

const DAY_MS = 86_400_000;

/** An interval that is so many times as wide as the newest would leave nothing to see of it. */
const WIDEST = 6;

/** Lines over time, ready to be drawn. */
export interface Drawn {
  readonly at: readonly number[];
  readonly value: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
  /** Points at the beginning that are too vague to be drawn beside the rest. */
  readonly leftOut: number;
}

/** @param points - In order of time. */
export function drawnOf(points: readonly Point[], series: string): Drawn {
  const known = points.flatMap(({ at, estimates }) =>
    estimates[series] === undefined ? [] : [{ at, ...estimates[series] }],
  );
  const widths = known.map(({ low, high }) => (low === null || high === null ? null : high - low));
  const newest = widths.at(-1) ?? null;
  const first = newest === null ? 0 : widths.findIndex((width) => width !== null && width <= WIDEST * newest);
  const shown = known.slice(first);
  return {
    at: shown.map(({ at }) => at),
    value: shown.map(({ value }) => value),
    low: shown.map(({ low }) => low),
    high: shown.map(({ high }) => high),
    leftOut: first,
  };
}
