import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
  sequentialHalfWidth,
  sequentialPValue,
  type Interval,
  type IntervalEstimate,
  type Lift,
  type MeanEstimate,
  type Moments,
} from '../../../layers/core/src/experiment/estimates.ts';

interface Reference {
  readonly value: number;
  readonly interval: readonly [number, number];
  readonly p: number;
}
interface Comparison {
  readonly means: readonly [number, number];
  readonly variances: readonly [number, number];
  readonly fixed: { readonly absolute: Reference; readonly relative: Reference };
  readonly sequential: { readonly absolute: Reference; readonly relative: Reference };
}
interface Case {
  readonly tuning: number;
  readonly played: readonly [Moments, Moments];
  readonly shown: readonly [Moments, Moments];
  readonly mean: Comparison;
  readonly ratio: Comparison;
  readonly cuped: Comparison & { readonly theta: number };
  readonly listeners?: readonly Readonly<
    Record<'exposures' | 'clicked' | 'plays' | 'prePlays', readonly number[]>
  >[];
}
const fixture: {
  readonly cases: readonly Case[];
  readonly sampleRatio: readonly {
    readonly users: readonly number[];
    readonly weights: readonly number[];
    readonly p: number;
  }[];
} = JSON.parse(readFileSync(new URL('../../fixtures/experiment/expected.json', import.meta.url), 'utf8'));

const cases = fixture.cases.map((one): [string, Case] => [
  `${one.played[0].n} against ${one.played[1].n}`,
  one,
]);

/** Sums of squares cancel: 1e-9 leaves room for the two ways of writing a sample variance. */
const TOLERANCE = 1e-9;
const errorOf = (found: number, expected: number): number =>
  Math.abs(found - expected) / Math.max(Math.abs(expected), 1e-3);

const intervalError = (found: Interval | null, [low, high]: readonly [number, number]): number =>
  found === null ? Infinity : Math.max(errorOf(found.low, low), errorOf(found.high, high));

const estimateError = (found: IntervalEstimate | null, fixed: Reference, sequential: Reference): number =>
  found === null
    ? Infinity
    : Math.max(
        errorOf(found.value, fixed.value),
        intervalError(found.interval, fixed.interval),
        intervalError(found.sequentialInterval, sequential.interval),
      );

const liftError = (lift: Lift, { fixed, sequential }: Comparison): number =>
  Math.max(
    estimateError(lift.absolute, fixed.absolute, sequential.absolute),
    estimateError(lift.relative, fixed.relative, sequential.relative),
    errorOf(lift.pValue!, fixed.absolute.p),
    errorOf(lift.sequentialPValue!, sequential.absolute.p),
  );

/** Of two means and variances; gbstats centres a covariate at 0, so that its means are lower by `shift`. */
const meansError = (found: readonly MeanEstimate[], { means, variances }: Comparison, shift = 0): number =>
  Math.max(
    ...found.map(({ mean, variance }, i) =>
      Math.max(errorOf(mean - shift, means[i]!), errorOf(variance / variances[i]!, 1)),
    ),
  );

const excludes = ({ low, high }: Interval): boolean => low > 0 || high < 0;
const width = (n: number): number => sequentialHalfWidth(1, n, 5000);

describe('compared with gbstats and SciPy', () => {
  it.each(cases)('means, %s listeners', (_, { played, mean, tuning }) => {
    const [a, b] = [meanOf(played[0])!, meanOf(played[1])!];
    expect(meansError([a, b], mean)).toBeLessThan(TOLERANCE);
    expect(liftError(compareMeans(a, b, tuning), mean)).toBeLessThan(TOLERANCE);
  });

  it.each(cases)('ratios by the delta method, %s listeners', (_, { shown, ratio, tuning }) => {
    const [a, b] = [ratioOf(shown[0])!, ratioOf(shown[1])!];
    expect(meansError([a, b], ratio)).toBeLessThan(TOLERANCE);
    expect(liftError(compareMeans(a, b, tuning), ratio)).toBeLessThan(TOLERANCE);
  });

  it.each(cases)('means adjusted by CUPED, %s listeners', (_, { played, cuped, tuning }) => {
    const { theta } = pooledTheta(played)!;
    expect(errorOf(theta, cuped.theta)).toBeLessThan(TOLERANCE);
    const centre = (played[0].x + played[1].x) / (played[0].n + played[1].n);
    const [a, b] = [adjustedMeanOf(played[0], theta, centre)!, adjustedMeanOf(played[1], theta, centre)!];
    expect(meansError([a, b], cuped, theta * centre)).toBeLessThan(TOLERANCE);
    expect(liftError(compareMeans(a, b, tuning), cuped)).toBeLessThan(TOLERANCE);
  });

  it('shares of listeners', () => {
    for (const { users, weights, p } of fixture.sampleRatio) {
      expect(Math.abs(sampleRatioPValue(users, weights)! / p - 1)).toBeLessThan(1e-9);
    }
  });

  it('sums that listeners are added to', () => {
    const { listeners, shown } = fixture.cases[1]!;
    listeners!.forEach(({ clicked, exposures }, v) => {
      const moments = noMoments();
      clicked.forEach((y, i) => addListener(moments, y, exposures[i]!));
      expect(moments).toEqual(shown[v]);
      addListener(moments, 3, 4);
      addListener(moments, 3, 4, -1);
      expect(moments).toEqual(shown[v]);
    });
  });
});

describe('ratioOf', () => {
  it('has the variance of the jackknife over listeners, which knows no derivative', () => {
    const { clicked, exposures } = fixture.cases[1]!.listeners![0]!;
    const all = noMoments();
    clicked.forEach((y, i) => addListener(all, y, exposures[i]!));
    const { n, variance } = ratioOf(all)!;
    const without = clicked.map((y, i) => (all.y - y) / (all.x - exposures[i]!));
    const centre = without.reduce((sum, value) => sum + value, 0) / n;
    const jackknife = ((n - 1) / n) * without.reduce((sum, value) => sum + (value - centre) ** 2, 0);
    // They agree up to terms of order 1/n.
    expect(Math.abs(variance / n / jackknife - 1)).toBeLessThan(0.02);
  });
});

const estimate = (n: number, mean: number, variance: number): MeanEstimate => ({
  n,
  mean,
  variance,
  base: mean,
});

describe('compareMeans', () => {
  it('has no interval where nothing varies or a variant has one listener', () => {
    for (const [a, b] of [
      [estimate(50, 1, 0), estimate(50, 2, 0)],
      [estimate(1, 1, 0), estimate(50, 2, 3)],
    ] as const) {
      const lift = compareMeans(a, b, 5000);
      expect(lift).toEqual({
        absolute: { value: 1, interval: null, sequentialInterval: null },
        relative: { value: 1, interval: null, sequentialInterval: null },
        pValue: null,
        sequentialPValue: null,
      });
    }
  });

  it('has no relative lift over nothing', () => {
    const lift = compareMeans(estimate(50, 0, 0), estimate(50, 2, 3), 5000);
    expect(lift.relative).toBeNull();
    expect(lift.absolute.interval!.low).toBeGreaterThan(0);
  });

  it('has a sequential interval from a number of listeners on', () => {
    const least = estimate(LEAST_SEQUENTIAL, 1, 1);
    const fewer = estimate(LEAST_SEQUENTIAL - 1, 1, 1);
    expect(compareMeans(least, least, 5000).sequentialPValue).toBe(1);
    expect(compareMeans(least, fewer, 5000).sequentialPValue).toBeNull();
    expect(compareMeans(least, fewer, 5000).absolute.sequentialInterval).toBeNull();
    expect(compareMeans(least, fewer, 5000).absolute.interval).not.toBeNull();
  });

  it('says with either p-value what its interval says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: LEAST_SEQUENTIAL, max: 1e6 }),
        fc.double({ min: -0.5, max: 0.5, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (n, shift, variance) => {
          const {
            absolute,
            pValue,
            sequentialPValue: sequential,
          } = compareMeans(estimate(n, 1, variance), estimate(2 * n, 1 + shift, 1), 5000);
          fc.pre(Math.abs(pValue! - 0.05) > 1e-9 && Math.abs(sequential! - 0.05) > 1e-9);
          expect(excludes(absolute.interval!)).toBe(pValue! < 0.05);
          expect(excludes(absolute.sequentialInterval!)).toBe(sequential! < 0.05);
          // Looking whenever one likes costs width. (Far in the tails Student's t of few listeners costs more.)
          expect(sequential! >= pValue! || pValue! < 1e-3).toBe(true);
        },
      ),
    );
  });
});

describe('sequentialHalfWidth', () => {
  it('is narrowest, against the interval of one look, near the number of listeners it is tuned to', () => {
    expect(width(5000) / 1.959964).toBeCloseTo(1.5486, 4);
    for (const n of [50, 500, 2000, 15_000, 1e6]) expect(width(n)).toBeGreaterThan(width(5000) * 0.999);
  });

  it('ends where its p-value is 5%', () => {
    for (const n of [40, 5000, 1e6]) {
      expect(sequentialPValue(sequentialHalfWidth(2, n, 5000), 2, n, 5000)).toBeCloseTo(0.05, 12);
    }
  });
});

describe('sampleRatioPValue', () => {
  it('is 0 where a variant of weight 0 has listeners, and does not count it otherwise', () => {
    expect(sampleRatioPValue([10, 10, 1], [0.5, 0.5, 0])).toBe(0);
    expect(sampleRatioPValue([10, 14, 0], [0.5, 0.5, 0])).toBe(sampleRatioPValue([10, 14], [1, 1]));
  });

  it('is null where there is nothing to compare', () => {
    expect(sampleRatioPValue([0, 0], [0.5, 0.5])).toBeNull();
    expect(sampleRatioPValue([3, 0], [1, 0])).toBeNull();
  });
});
