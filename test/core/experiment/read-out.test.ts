import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createOutcomeCollector,
  type Outcomes,
} from '../../../layers/core/src/experiment/collect-outcomes.ts';
import { meanOf, ratioOf, type Interval } from '../../../layers/core/src/experiment/estimates.ts';
import { readOut } from '../../../layers/core/src/experiment/read-out.ts';
import { event, exposure, START, trees } from './log.ts';

interface Drawn {
  readonly exposures: readonly number[];
  readonly clicked: readonly number[];
  readonly plays: readonly number[];
  readonly prePlays: readonly number[];
}
const fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/experiment/expected.json', import.meta.url), 'utf8'),
).cases[1];

const interleaved = { ...trees, kind: 'interleaving' } as const;

/** Outcomes of listeners: [variant, exposures, clicked, liked, plays, plays before]. */
function outcomesOf(listeners: readonly (readonly number[])[], change: Partial<Outcomes> = {}): Outcomes {
  const column = (c: number): Float64Array => Float64Array.from(listeners, (row) => row[c] ?? 0);
  return {
    experiment: trees,
    listeners: listeners.length,
    variant: Int32Array.from(listeners, ([variant]) => variant!),
    exposures: column(1),
    clicked: column(2),
    liked: column(3),
    plays: column(4),
    prePlays: column(5),
    credits: [new Float64Array(listeners.length), new Float64Array(listeners.length)],
    exposuresRead: listeners.reduce((sum, [, exposures]) => sum + exposures!, 0),
    firstPicks: [0, 0],
    multiplyExposed: 0,
    leftOut: createOutcomeCollector(trees).outcomes().leftOut,
    ...change,
  };
}

const preferring = (pairs: readonly (readonly [number, number])[]): Outcomes =>
  outcomesOf(
    pairs.map(() => [0, 1]),
    {
      experiment: interleaved,
      credits: [Float64Array.from(pairs, ([a]) => a), Float64Array.from(pairs, ([, b]) => b)],
    },
  );

/** Variance of the difference of two means of 400 and 380 listeners. */
const spread = ([a, b]: readonly number[]): number => a! / 400 + b! / 380;
const width = ({ low, high }: Interval): number => high - low;
/** The checks of so many listeners of control and of treatment, of first picks, and of so many who saw both. */
const sharesOf = (a: number, b: number) =>
  readOut(outcomesOf(Array.from({ length: a + b }, (_, i) => [i < a ? 0 : 1, 1]))).checks.sampleRatio;
const picksOf = (firstPicks: readonly [number, number]) =>
  readOut({ ...preferring([[1, 0]]), firstPicks }).checks.sampleRatio;
const multipleOf = (multiplyExposed: number) =>
  readOut(
    outcomesOf(
      Array.from({ length: 99 }, () => [0, 1]),
      { multiplyExposed },
    ),
  ).checks.multipleExposure;
const throughJson = (report: unknown): unknown => JSON.parse(JSON.stringify(report));

describe('readOut', () => {
  it('says of a log of exposures and events what gbstats says of the same listeners', () => {
    const collector = createOutcomeCollector(trees);
    const events = [];
    const drawn: readonly Drawn[] = fixture.listeners;
    for (const [v, { exposures, clicked, plays, prePlays }] of drawn.entries()) {
      for (let i = 0; i < exposures.length; i++) {
        const userId = `${v}-${i}`;
        const shown = Array.from({ length: exposures[i]! }, () => exposure(userId, trees.variants[v]!.key));
        collector.addExposures(shown);
        for (const { exposureId } of shown.slice(0, clicked[i]))
          events.push(event(userId, 'click', { exposureId }));
        if (plays[i]! > 0) events.push(event(userId, 'play', { plays: plays[i]! }));
        if (prePlays[i]! > 0) events.push(event(userId, 'play', { plays: prePlays[i]!, at: START - 1 }));
      }
    }
    collector.addEvents(events);
    const { variants, checks, listeners } = readOut(collector.outcomes());
    expect(listeners).toBe(780);
    expect(variants.map(({ variant, listeners }) => [variant, listeners])).toEqual([
      ['control', 400],
      ['treatment', 380],
    ]);
    const { clickThrough, playsPerListener } = variants[1]!.metrics;
    expect(clickThrough.mean!.value).toBeCloseTo(fixture.ratio.means[1], 12);
    expect(clickThrough.lift!.relative!.interval!.low).toBeCloseTo(
      fixture.ratio.fixed.relative.interval[0],
      9,
    );
    expect(clickThrough.lift!.pValue).toBeCloseTo(fixture.ratio.fixed.absolute.p, 9);
    expect(playsPerListener.lift!.absolute.value).toBeCloseTo(fixture.mean.fixed.absolute.value, 9);
    expect(playsPerListener.lift!.absolute.sequentialInterval!.high).toBeCloseTo(
      fixture.mean.sequential.absolute.interval[1],
      9,
    );
    const adjusted = playsPerListener.adjusted!;
    expect(adjusted.theta).toBeCloseTo(fixture.cuped.theta, 9);
    expect(adjusted.relative!.interval!.high).toBeCloseTo(fixture.cuped.fixed.relative.interval[1], 9);
    expect(adjusted.pValue).toBeCloseTo(fixture.cuped.fixed.absolute.p, 9);
    expect(adjusted.varianceReduction).toBeCloseTo(
      1 - spread(fixture.cuped.variances) / spread(fixture.mean.variances),
      9,
    );
    // 400 and 380 of 780: χ² = 20²/780.
    expect(checks.sampleRatio).toMatchObject({ observed: [400, 380], expected: [0.5, 0.5], alarm: false });
  });

  it('compares every treatment with the first variant, each by itself', () => {
    const experiment = {
      ...trees,
      variants: [0.5, 0.3, 0.2].map((weight, i) => ({ key: `v${i}`, weight, ranker: 'lr' })),
    };
    const listeners = Array.from({ length: 90 }, (_, i) => [
      i % 3,
      2,
      i % 2,
      0,
      (i % 3) * 10 + (i % 5),
      i % 5,
    ]);
    const report = readOut(outcomesOf(listeners, { experiment }));
    expect(report.comparisons).toBe(6);
    const lifts = report.variants.map(({ metrics }) => metrics.playsPerListener.lift?.absolute.value ?? null);
    expect(lifts).toEqual([null, 10, 20]);
    expect(report.checks.sampleRatio.expected).toEqual([0.5, 0.3, 0.2]);
  });

  it('finds exactly the planted lift where the covariate explains everything else', () => {
    const listeners = Array.from({ length: 200 }, (_, i) => {
      const before = (i * 37) % 23;
      return [i % 2, 1, 0, 0, 3 * before + 5 * (i % 2), before];
    });
    const { lift, adjusted } = readOut(outcomesOf(listeners)).variants[1]!.metrics.playsPerListener;
    expect(adjusted!.absolute.value).toBeCloseTo(5, 1);
    expect(width(adjusted!.absolute.interval!)).toBeLessThan(width(lift!.absolute.interval!) / 10);
    expect(adjusted!.varianceReduction).toBeGreaterThan(0.99);
  });

  it('raises the alarm where a variant lost listeners, and not where it did not', () => {
    // χ² of 5,000 and 4,700 is 9.28 (p = .0023); of 5,000 and 4,600 it is 16.7.
    expect(sharesOf(5000, 4700)).toMatchObject({ alarm: false, observed: [5000, 4700] });
    expect(sharesOf(5000, 4600)).toMatchObject({ alarm: true });
    expect(sharesOf(5000, 4600).pValue).toBeLessThan(1e-4);
  });

  it('raises the alarm where more than one listener of a hundred saw two variants', () => {
    expect(multipleOf(1)).toEqual({ listeners: 1, share: 0.01, alarm: false });
    expect(multipleOf(2).alarm).toBe(true);
  });

  it('reads an empty experiment, one listener, and one variant without listeners', () => {
    const none = readOut(outcomesOf([]));
    expect(none.variants.map(({ metrics }) => metrics.clickThrough)).toEqual([
      { mean: null, lift: null, adjusted: null },
      { mean: null, lift: null, adjusted: null },
    ]);
    expect(none.checks).toEqual({
      sampleRatio: { observed: [0, 0], expected: [0.5, 0.5], pValue: null, alarm: false },
      multipleExposure: { listeners: 0, share: null, alarm: false },
    });
    const one = readOut(outcomesOf([[1, 4, 1, 0, 9, 2]]));
    expect(one.variants[1]!.metrics.clickThrough).toEqual({
      mean: { value: 0.25, interval: null, sequentialInterval: null },
      lift: null,
      adjusted: null,
    });
    const controlOnly = readOut(outcomesOf(Array.from({ length: 40 }, (_, i) => [0, 1, i % 2, 0, i, i])));
    expect(controlOnly.variants[0]!.metrics.clickThrough.mean!.interval).not.toBeNull();
    expect(controlOnly.variants[1]!.metrics.playsPerListener).toEqual({
      mean: null,
      lift: null,
      adjusted: null,
    });
    expect(controlOnly.checks.sampleRatio.alarm).toBe(true);
  });

  it('has no relative lift where nobody liked anything under control', () => {
    const listeners = Array.from({ length: 60 }, (_, i) => [i % 2, 2, 0, i % 4 === 1 ? 1 : 0]);
    const { likeRate } = readOut(outcomesOf(listeners)).variants[1]!.metrics;
    expect(likeRate.lift!.relative).toBeNull();
    expect(likeRate.lift!.absolute.value).toBe(0.25);
    expect(likeRate.lift!.absolute.interval).not.toBeNull();
  });

  it('is JSON without a number missing, whatever the listeners did', () => {
    const count = fc.oneof(fc.nat(3), fc.nat(1_000_000));
    const listener = fc.tuple(fc.nat(1), fc.integer({ min: 1, max: 5 }), count, count, count, count);
    const pair = fc.tuple(fc.nat(3), fc.nat(3));
    fc.assert(
      fc.property(
        fc.array(listener, { maxLength: 60 }),
        fc.array(pair, { maxLength: 60 }),
        (listeners, pairs) => {
          const report = readOut(outcomesOf(listeners));
          expect(throughJson(report)).toEqual(report);
          const preference = readOut(preferring(pairs));
          expect(throughJson(preference)).toEqual(preference);
        },
      ),
    );
  });

  it('refuses a tuning that is no number of listeners', () => {
    for (const tuning of [0, -1, Number.NaN, Infinity]) {
      expect(() => readOut(outcomesOf([]), { tuning })).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTION',
          details: expect.objectContaining({ field: 'tuning' }),
        }),
      );
    }
  });
});

describe('readOut of an interleaving', () => {
  it('gives every listener one vote, from -1 to 1', () => {
    const { interleaving, variants, comparisons } = readOut(
      preferring([
        [0, 1000],
        [3, 1],
        [1, 1],
        [0, 0],
      ]),
    );
    expect(variants).toEqual([]);
    expect(comparisons).toBe(1);
    expect(interleaving).toMatchObject({
      variants: ['control', 'treatment'],
      credits: [4, 1002],
      wins: 1,
      losses: 1,
      ties: 1,
    });
    // (1 - ½ + 0) / 3; t interval of two degrees of freedom, by hand: deviation √(7/12) = .76376, half width 4.30265 · .76376/√3.
    expect(interleaving!.preference!.value).toBeCloseTo(1 / 6, 12);
    expect(interleaving!.preference!.interval!.high).toBeCloseTo(1 / 6 + 1.8973, 4);
    expect(interleaving!.preference!.sequentialInterval).toBeNull();
    expect(interleaving!.sequentialPValue).toBeNull();
  });

  it('has no preference without a credit, and no interval of a unanimous one', () => {
    expect(readOut(preferring([[0, 0]])).interleaving).toMatchObject({
      preference: null,
      pValue: null,
      ties: 0,
    });
    const unanimous = readOut(preferring(Array.from({ length: 30 }, () => [0, 2] as const))).interleaving!;
    expect(unanimous.preference).toEqual({ value: 1, interval: null, sequentialInterval: null });
    expect(unanimous.wins).toBe(30);
  });

  it('raises the alarm where the coin is not fair', () => {
    expect(picksOf([5000, 5100])).toMatchObject({ observed: [5000, 5100], alarm: false });
    expect(picksOf([5000, 5500]).alarm).toBe(true);
  });
});

describe('means and ratios of no listeners', () => {
  it('are null', () => {
    const empty = { n: 0, y: 0, x: 0, yy: 0, xx: 0, xy: 0 };
    expect(meanOf(empty)).toBeNull();
    expect(ratioOf(empty)).toBeNull();
  });
});
