import { describe, expect, it } from 'vitest';
import {
  between,
  decimal,
  pValue,
  share,
  signed,
  signedShare,
} from '../../web/src/views/experiments/figures.ts';
import {
  addPoint,
  daysBetween,
  drawnOf,
  pointOf,
  seriesOf,
  type Point,
} from '../../web/src/views/experiments/points.ts';
import { verdictOf, type Results } from '../../web/src/views/experiments/verdict.ts';

const estimate = (value: number, width: number) => ({
  value,
  interval: { low: value - width, high: value + width },
  sequentialInterval: { low: value - 2 * width, high: value + 2 * width },
});

interface Planted {
  readonly listeners?: number;
  readonly lift?: number;
  readonly pValue?: number | null;
  readonly sequentialPValue?: number | null;
  readonly ranker?: string;
}

/** A read-out of two variants, all of whose metrics differ as planted. */
function results(planted: Planted = {}, more: Partial<Results> = {}): Results {
  const {
    listeners = 500,
    lift = 0.12,
    pValue = 0.0001,
    sequentialPValue = 0.001,
    ranker = 'trees',
  } = planted;
  const metric = (isControl: boolean) => ({
    mean: estimate(0.1, 0.01),
    lift: isControl
      ? null
      : { absolute: estimate(lift / 10, 0.005), relative: estimate(lift, 0.05), pValue, sequentialPValue },
    adjusted: null,
  });
  const variant = (name: string, ranker: string, isControl: boolean) => ({
    variant: name,
    ranker,
    listeners: listeners / 2,
    exposures: listeners,
    metrics: {
      clickThrough: metric(isControl),
      playsPerListener: metric(isControl),
      likeRate: metric(isControl),
    },
  });
  return {
    experiment: 'rankers',
    revision: 1,
    status: 'running',
    kind: 'ab',
    builtIn: false,
    readOutFrom: 1,
    from: '2026-11-20T12:00:00.000Z',
    to: '2026-11-24T12:00:00.000Z',
    complete: true,
    missing: [],
    listeners,
    exposures: 2 * listeners,
    variants: [variant('control', 'lr', true), variant('trees', ranker, false)],
    interleaving: null,
    checks: {
      sampleRatio: { observed: [250, 250], expected: [0.5, 0.5], pValue: 1, alarm: false },
      multipleExposure: { listeners: 0, share: 0, alarm: false },
    },
    comparisons: 3,
    leftOut: {
      forced: 0,
      earlierRevision: 0,
      withoutListener: 0,
      unknownVariant: 0,
      duplicateExposures: 0,
      duplicateEvents: 0,
      unreadableEvents: 0,
    },
    ...more,
  };
}

const verdict = (planted?: Planted, more?: Partial<Results>) =>
  verdictOf(results(planted, more), 'trees', 'clickThrough');

describe('the verdict', () => {
  it('is decided by the always-valid p-value alone', () => {
    expect(verdict()).toEqual({
      tone: 'better',
      text: 'trees is better: +12% clicks, and that holds however often one looks.',
      more: 'With 95% certainty it is a difference of +0.2 points to +2.2 points.',
    });
    expect(verdict({ lift: -0.12 })).toMatchObject({
      tone: 'worse',
      text: expect.stringMatching(/worse: −12%/),
    });
    expect(verdict({ sequentialPValue: 0.2, pValue: 0.03 })).toMatchObject({
      tone: 'hint',
      text: 'trees looks better: +12% clicks, if this is the one look that was planned.',
    });
    expect(verdict({ sequentialPValue: 0.2, pValue: 0.2 })).toMatchObject({
      tone: 'unknown',
      text: 'Nothing can be said yet.',
      more: 'trees may have a difference of +0.2 points to +2.2 points.',
    });
  });

  it('is a plain difference where the control has nothing to be relative to', () => {
    const plain = results();
    const [control, trees] = plain.variants;
    const { lift, ...metric } = trees!.metrics.playsPerListener;
    const playsPerListener = { ...metric, lift: { ...lift!, relative: null } };
    const metrics = { ...trees!.metrics, playsPerListener };
    const variants = [control!, { ...trees!, metrics }];
    expect(verdictOf({ ...plain, variants }, 'trees', 'playsPerListener').text).toMatch(
      /^trees is better: \+0\.01 plays, and/,
    );
  });

  it('says what is missing where there is none', () => {
    expect(verdict({ listeners: 0 }).text).toBe('Nobody has taken part yet.');
    expect(verdict({ listeners: 0 }, { status: 'draft' }).text).toBe('It has not run yet.');
    expect(verdict({ listeners: 30 }).more).toBe(
      'At least 20 listeners of each variant are needed; the smaller has 15.',
    );
    expect(verdict({ sequentialPValue: null, pValue: null }).more).toMatch(/^No clicks/);
    expect(verdict({ sequentialPValue: 1, pValue: 1 }, { status: 'stopped' }).text).toBe(
      'Nothing can be said.',
    );
  });

  it('believes nothing while a check fails', () => {
    const { checks } = results();
    const sampleRatio = { ...checks.sampleRatio, alarm: true };
    expect(verdict({}, { checks: { ...checks, sampleRatio } }).tone).toBe('alarm');
    const multipleExposure = { ...checks.multipleExposure, alarm: true };
    expect(verdict({}, { checks: { ...checks, multipleExposure } }).tone).toBe('alarm');
  });

  it('tells an A/A test from others', () => {
    expect(verdict({ ranker: 'lr', sequentialPValue: 1, pValue: 1 }).more).toMatch(/A\/A test/);
    expect(verdict({ ranker: 'lr' }).more).toMatch(/both variants rank alike/);
  });
});

describe('points of the chart', () => {
  const CLICKS = seriesOf('trees', 'clickThrough');
  const at = (second: number, exposures: number, value = second, width = 1): Point => ({
    at: second,
    exposures,
    estimates: { [CLICKS]: { value, low: value - width, high: value + width } },
  });

  it('are the differences with their always-valid intervals', () => {
    const point = pointOf(results());
    expect(point.at).toBe(Date.UTC(2026, 10, 24, 12) / 1_000);
    const clicks = point.estimates[CLICKS]!;
    expect(clicks.value).toBeCloseTo(0.012, 12);
    expect(clicks.low).toBeCloseTo(0.002, 12);
    expect(clicks.high).toBeCloseTo(0.022, 12);
    expect(Object.keys(point.estimates)).toHaveLength(3);
  });

  it('are kept where they say something new, and thinned where they are many', () => {
    const one = addPoint([], at(1, 10));
    expect(addPoint(one, at(2, 10, 1))).toBe(one);
    expect(addPoint(one, at(1, 11))).toBe(one);
    expect(addPoint(one, at(2, 11, 1)).map(({ at }) => at)).toEqual([1, 2]);
    let points: readonly Point[] = [];
    for (let i = 1; i <= 9; i++) points = addPoint(points, at(i, i), 8);
    expect(points.map(({ at }) => at)).toEqual([1, 3, 5, 7, 9]);
  });

  it('are one for each earlier day, at most fourteen, none of a younger experiment', () => {
    expect(daysBetween('2026-11-22T12:00:00Z', '2026-11-24T12:00:00Z')).toEqual(['2026-11-24', '2026-11-23']);
    expect(daysBetween('2026-11-22T12:00:00Z', '2026-11-24T00:00:00Z')).toEqual(['2026-11-23']);
    expect(daysBetween('2026-11-24T01:00:00Z', '2026-11-24T12:00:00Z')).toEqual([]);
    expect(daysBetween('2026-11-24T00:00:00Z', '2026-11-24T12:00:00Z')).toEqual([]);
    const many = daysBetween('2026-10-01T00:00:00Z', '2026-11-24T12:00:00Z');
    expect(many).toHaveLength(14);
    expect(many[0]).toBe('2026-11-24');
  });

  it('begin where their intervals can be drawn beside the newest', () => {
    const drawn = drawnOf([at(1, 1, 5, 100), at(2, 2, 4, 5), at(3, 3, 3, 1)], CLICKS);
    expect(drawn).toEqual({ at: [2, 3], value: [4, 3], low: [-1, 2], high: [9, 4], leftOut: 1 });
    expect(drawnOf([at(1, 1)], 'another').at).toEqual([]);
    const vague = { at: 1, exposures: 1, estimates: { [CLICKS]: { value: 1, low: null, high: null } } };
    expect(drawnOf([vague], CLICKS)).toMatchObject({ at: [1], low: [null], leftOut: 0 });
  });
});

describe('figures', () => {
  it('have a true sign and no more digits than one can compare', () => {
    expect([12.345, 0.1234, 100.4, -3, 1234.5, 0, -0.001].map(decimal)).toEqual([
      '12.3',
      '0.12',
      '100',
      '−3',
      '1,235',
      '0',
      '0',
    ]);
    expect(signedShare(0.12)).toBe('+12%');
    expect(signedShare(-0.0345)).toBe('−3.45%');
    expect(signed(0)).toBe('0');
    expect(share(0.124)).toBe('12.4%');
    expect(between(null, share)).toBe('–');
    expect(between({ low: -0.1, high: 0.2 }, signedShare)).toBe('−10% to +20%');
    expect([null, 0.0004, 0.0312, 0.42].map(pValue)).toEqual(['–', '<0.001', '0.031', '0.42']);
  });
});
