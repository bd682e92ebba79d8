import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readReport, readTuning } from '../../web/src/views/model/model-report.ts';
import { differenceOf, formatMetric, METRICS, metricOf } from '../../web/src/views/model/metrics.ts';
import { lockOf, refusalOf, whatIsDone } from '../../web/src/views/model/switching.ts';
import { duration, wordsFor } from '../../web/src/views/model/words.ts';

const VERSIONS = join(import.meta.dirname, '../fixtures/versions/1/models');
const version = readdirSync(VERSIONS).find((name) => /^\d/.test(name))!;
const published: unknown = JSON.parse(readFileSync(join(VERSIONS, version, 'report.json'), 'utf8'));

const EMPTY = {
  counts: [],
  events: [],
  ranker: { meanCandidates: null, iterations: null, hasConverged: null },
  steps: [],
  baselines: [],
  calibration: [],
  curves: [],
  findings: [],
  distributions: [],
  sourcesOff: [],
  parameters: [],
};

describe('the report of a version', () => {
  it('is read as a training has published it', () => {
    const report = readReport(published);
    expect(report.counts).toContainEqual({ name: 'users', value: 36 });
    expect(report.ranker).toEqual({
      meanCandidates: expect.closeTo(67.58, 2),
      iterations: 23,
      hasConverged: true,
    });
    expect(report.parameters).toContainEqual({ path: 'svd.factors', value: '3' });
    expect(report.parameters).toContainEqual({ path: 'sources.ials-plus.alpha0', value: '0.02' });
    expect(report.parameters).toContainEqual({ path: 'ranker.crossFeatures', value: 'yes' });
    expect(report.parameters).toContainEqual({ path: 'ranker.variants.trees', value: 'none' });
    expect(report.parameters).toContainEqual({
      path: 'ranker.contexts',
      value: 'mainstreamness, popularity, taggers, tag-max, score:ials-plus',
    });
    // It was written before these were.
    expect(report).toMatchObject({ steps: [], baselines: [], calibration: [], curves: [], findings: [] });
  });

  it('takes what has the right type and drops the rest', () => {
    const finding = {
      severity: 'warning',
      code: 'zero-plays',
      file: 'user_artists.dat',
      field: 'weight',
      line: 7,
      allowed: 'an integer > 0',
      count: 2,
    };
    expect(
      readReport({
        counts: { users: 3, artists: 'many', plays: null },
        timings: { read: 250, candidates: 750, ranker: -1, publish: 'long' },
        baselines: {
          popularity: { 'holdout-ndcg@20': 0.1, 'holdout-recall@20': 'low' },
          nothing: {},
          text: 'a',
        },
        calibration: {
          bins: [
            { n: 5, predicted: 0.4, observed: 0.5 },
            { n: 5, predicted: 0.1, observed: 0.2 },
            { n: 5, predicted: 0.1, observed: 0.3 },
            { n: 5, predicted: 2, observed: 0.3 },
            { n: 5, predicted: 0.7 },
            null,
          ],
        },
        history: { lr: [3, 2, 1], trees: [], mlp: [2, null] },
        data: {
          counts: { users: 4, rows: 9 },
          findings: [
            finding,
            { ...finding, line: null, field: 1, found: 'x' },
            { ...finding, count: '2' },
            'text',
          ],
          distributions: {
            artistsPerListener: [{ from: 1, to: 1, n: 4 }, { from: 2, to: 3, n: -1 }, { from: 2 }],
            empty: [{ from: 1, to: 1, n: 0 }],
          },
        },
        sourcesOff: ['friends', 3],
      }),
    ).toEqual({
      ...EMPTY,
      counts: [
        { name: 'users', value: 3 },
        { name: 'rows', value: 9 },
      ],
      steps: [
        { name: 'read', ms: 250, share: 0.25 },
        { name: 'candidates', ms: 750, share: 0.75 },
      ],
      baselines: [{ name: 'popularity', metrics: { 'holdout-ndcg@20': 0.1 } }],
      calibration: [
        { n: 5, predicted: 0.1, observed: 0.2 },
        { n: 5, predicted: 0.4, observed: 0.5 },
      ],
      curves: [{ ranker: 'lr', values: [3, 2, 1] }],
      findings: [finding, { ...finding, line: null, field: null }],
      distributions: [{ name: 'artistsPerListener', bins: [{ from: 1, to: 1, n: 4 }] }],
      sourcesOff: ['friends'],
    });
  });

  it('is empty where there is none, and no step took time', () => {
    for (const value of [null, undefined, 'text', 7, [], {}, { timings: { read: 0 } }]) {
      expect(readReport(value)).toEqual(EMPTY);
    }
  });

  it('never holds a number that is none, whatever is read', () => {
    const leaf = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom<unknown>(0, 0.5, 1, 7, 1e9) },
      { weight: 1, arbitrary: fc.constantFrom<unknown>(null, true, 'text', '', -1, NaN, Infinity, [], {}) },
    );
    const rows = (...keys: readonly string[]) =>
      fc.array(fc.record(Object.fromEntries(keys.map((key) => [key, leaf]))), { maxLength: 3 });
    const named = fc.dictionary(fc.constantFrom('a', 'b'), leaf);
    const report = fc.record(
      {
        counts: named,
        events: named,
        metrics: fc.record({ 'mean-candidates': leaf, 'ranker-iterations': leaf, 'ranker-converged': leaf }),
        timings: named,
        baselines: fc.dictionary(fc.constantFrom('popular', 'other'), named),
        calibration: fc.record({ bins: rows('n', 'predicted', 'observed') }),
        history: fc.dictionary(fc.constantFrom('lr', 'mlp'), fc.array(leaf, { maxLength: 4 })),
        data: fc.record({
          counts: named,
          findings: fc.array(
            fc.record({
              severity: fc.constant('warning'),
              code: fc.constant('odd'),
              file: fc.constant('f'),
              field: leaf,
              line: leaf,
              allowed: fc.constant('a'),
              count: leaf,
            }),
            { maxLength: 2 },
          ),
          distributions: fc.dictionary(fc.constant('playsPerPair'), rows('from', 'to', 'n')),
        }),
      },
      { requiredKeys: [] },
    );
    let told = 0;
    fc.assert(
      fc.property(report, (value) => {
        const read = readReport(value);
        if (JSON.stringify(read) !== JSON.stringify(EMPTY)) told++;
        const numbers = JSON.stringify(read, (_, item: unknown) =>
          typeof item === 'number' && !Number.isFinite(item) ? 'NOT FINITE' : item,
        );
        expect(numbers).not.toContain('NOT FINITE');
      }),
      { seed: 4, numRuns: 1_000 },
    );
    expect(told).toBeGreaterThan(800);
  });
});

describe('a search of parameters', () => {
  const record = {
    createdAt: '2026-11-24T19:57:58.000Z',
    trials: 40,
    objective: {
      before: 0.3,
      after: 0.32,
      confirmation: { before: 0.3, after: 0.31, difference: { mean: 0.01, low: 0.002, high: 0.018 } },
    },
    overrides: { 'ials-plus.alpha0': 0.05 },
  };

  it('is read with what it gained', () => {
    expect(readTuning(record)).toEqual({
      createdAt: record.createdAt,
      trials: 40,
      before: 0.3,
      after: 0.32,
      gain: { mean: 0.01, low: 0.002, high: 0.018 },
      overrides: [{ path: 'ials-plus.alpha0', value: '0.05' }],
    });
  });

  it('may have confirmed nothing, or be none', () => {
    const { objective, ...rest } = record;
    expect(
      readTuning({ ...rest, objective: { ...objective, confirmation: null }, createdAt: 'once' }),
    ).toMatchObject({
      gain: null,
      createdAt: null,
    });
    expect(readTuning(rest)).toBeNull();
    expect(readTuning(null)).toBeNull();
  });
});

describe('metrics of versions', () => {
  const [ndcg, , , calibration] = METRICS;

  it('are written with four digits, and a sign where they have one', () => {
    expect(formatMetric(metricOf({ 'holdout-ndcg@20': 0.26788 }, ndcg!), ndcg!)).toBe('0.2679');
    expect(formatMetric(0.00993, calibration!)).toBe('+0.0099');
    expect(formatMetric(-0.00003, calibration!)).toBe('0.0000');
    expect(formatMetric(metricOf({ 'holdout-calibration-error': null }, calibration!), calibration!)).toBe(
      '–',
    );
  });

  it('differ by a sign from the version served, where both are known', () => {
    expect(differenceOf(0.3, 0.25)).toBe('+0.0500');
    expect(differenceOf(0.25, 0.3)).toBe('−0.0500');
    expect(differenceOf(0.3, 0.30001)).toBe('0.0000');
    expect(differenceOf(null, 0.3)).toBeNull();
    expect(differenceOf(0.3, null)).toBeNull();
  });
});

describe('switching versions', () => {
  it('says what was done', () => {
    expect(whatIsDone({ version: 'v1', pinned: true, candidatesWritten: 1_200 })).toBe(
      'v1 is served; lists follow within 5 seconds. It stays until somebody switches: later trainings publish their versions without serving them. The candidates of 1,200 listeners were stored again.',
    );
    expect(whatIsDone({ version: 'v1', pinned: false, candidatesWritten: 0 })).toBe(
      'v1 is served; lists follow within 5 seconds. The next training serves its own version.',
    );
  });

  it('is locked in a demonstration alone', () => {
    expect(lockOf('demo')).toContain('demonstration');
    expect(lockOf('jwt')).toBeNull();
    expect(lockOf('open')).toBeNull();
  });

  it('says whether anything was changed where it was refused', () => {
    for (const status of [401, 403, 404, 409]) {
      expect(refusalOf({ status, message: 'm' })).toMatch(/nothing was changed/i);
    }
    expect(refusalOf({ status: 0, message: 'm' })).toContain('nobody knows');
    expect(refusalOf({ status: 503, message: 'it ran out of time' })).toContain(' It ran out of time. ');
  });
});

describe('words of a report', () => {
  it('are known, or the name taken apart', () => {
    expect(wordsFor('count', 'tagAssignments')).toBe('Tags given');
    expect(wordsFor('step', 'read')).toBe('Read and check the data');
    expect(wordsFor('events', 'read')).toBe('Events read, earlier ones included');
    expect(wordsFor('events', 'lateEvents')).toBe('Late events');
    expect(wordsFor('baseline', 'item-knn')).toBe('Item knn');
    expect(wordsFor('count', 'constructor')).toBe('Constructor');
  });

  it('say times as people do', () => {
    expect([0, 850, 4_230, 59_999, 200_400].map(duration)).toEqual([
      '0 ms',
      '850 ms',
      '4.2 s',
      '1 min 0 s',
      '3 min 20 s',
    ]);
  });
});
