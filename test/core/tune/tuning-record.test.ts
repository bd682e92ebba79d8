import { describe, expect, it } from 'vitest';

import { resolveOptions } from '../../../layers/core/src/options.ts';
import type { TuningResult } from '../../../layers/core/src/tune/tune.ts';
import {
  decodeTuning,
  encodeTuning,
  readTuning,
  tunedParameters,
  tuningKey,
  tuningRecord,
} from '../../../layers/core/src/tune/tuning-record.ts';

const NO_CHANGE = { mean: 0, low: 0, high: 0 };
const DEFAULTS = { 'ranker.c': 1.25, metric: 'cosine', 'sources.tag-knn.k': 20 };
const OVERRIDES = { 'ranker.c': 0.3, 'sources.tag-knn.k': 45 };

const result: TuningResult = {
  model: 'seed',
  seed: 3,
  validationSeeds: [1, 2],
  confirmationSeed: 77,
  defaults: DEFAULTS,
  trials: [
    { parameters: DEFAULTS, ndcg20: 0.1, recall20: 0.2, againstDefault: NO_CHANGE },
    {
      parameters: { ...DEFAULTS, ...OVERRIDES },
      ndcg20: 0.12,
      recall20: 0.21,
      againstDefault: { mean: 0.02, low: 0.01, high: 0.03 },
    },
  ],
  best: 1,
  confirmation: { before: 0.11, after: 0.125, difference: { mean: 0.015, low: 0.005, high: 0.025 } },
  chosen: 'tuned',
  overrides: OVERRIDES,
};
const record = tuningRecord('seed', result, {
  createdAt: '2026-11-24T06:00:00.000Z',
  codeVersion: 'abc',
  inputFingerprint: '0'.repeat(64),
  insideSplit: 42,
});

describe('a tuning record', () => {
  it('says what was searched, how, and what came of it', () => {
    expect(tuningKey('seed')).toBe('models/tuning/seed.json');
    expect(record).toMatchObject({
      preset: 'seed',
      seed: 3,
      trials: 2,
      validation: { seeds: [1, 2], confirmationSeed: 77, insideSplit: 42 },
      objective: { name: 'ndcg@20', before: 0.1, after: 0.12, confirmation: result.confirmation },
      codeVersion: 'abc',
    });
  });

  it('survives its file', () => {
    expect(decodeTuning(encodeTuning(record), 'seed')).toEqual(record);
  });

  it('survives its file where nothing was better than the defaults', () => {
    const kept = { ...record, overrides: {}, objective: { ...record.objective, confirmation: null } };
    expect(decodeTuning(encodeTuning(kept), 'seed')).toEqual(kept);
    expect(tunedParameters(kept)).toEqual(resolveOptions('seed', {}));
  });

  it('becomes parameters below the options of a caller', () => {
    const defaults = tunedParameters(record);
    expect(defaults.ranker.c).toBe(0.3);
    expect(defaults.sources).toEqual([{ name: 'tag-knn', k: 45 }]);
    // A start compares a manifest's parameters with today's as text.
    expect(JSON.stringify(resolveOptions('seed', {}, { defaults }))).toBe(JSON.stringify(defaults));
    const given = resolveOptions('seed', { c: 7 }, { defaults });
    expect(given.ranker.c).toBe(7);
    expect(given.sources).toEqual([{ name: 'tag-knn', k: 45 }]);
    expect(resolveOptions('seed', { nNeighbors: 9 }, { defaults }).sources).toEqual([
      { name: 'tag-knn', k: 9 },
    ]);
  });

  it.each<[string, unknown]>([
    ['"tuned", expected an object', 'tuned'],
    ['schemaVersion 2, expected 1', { ...record, schemaVersion: 2 }],
    ['preset "full", expected seed', { ...record, preset: 'full' }],
    ['validation nothing, expected an object', { ...record, validation: undefined }],
    ['seed "3", expected a finite number', { ...record, seed: '3' }],
    ['codeVersion "", expected a non-empty string', { ...record, codeVersion: '' }],
    ['overrides null, expected an object', { ...record, overrides: null }],
    ['there is no hyper-parameter ranker.depth', { ...record, overrides: { 'ranker.depth': 3 } }],
    ['hyper-parameter ranker.c is -1', { ...record, overrides: { 'ranker.c': -1 } }],
    [
      'a choice against other defaults (ranker.c 2 then, 1.25 now)',
      { ...record, defaults: { ...DEFAULTS, 'ranker.c': 2 } },
    ],
    [
      'a choice against other defaults (ranker.depth 2 then, unknown now)',
      { ...record, defaults: { ...DEFAULTS, 'ranker.depth': 2 } },
    ],
    [
      'objective.confirmation.after null, expected a finite number',
      {
        ...record,
        objective: { ...record.objective, confirmation: { ...result.confirmation, after: null } },
      },
    ],
  ])('is refused where it holds %s', (found, value) => {
    expect(() => readTuning(value, 'seed')).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining(`the tuned choice cannot be used: found ${found}`),
      }),
    );
  });

  it.each([new TextEncoder().encode('{"schemaVersion":1'), Uint8Array.of(0x22, 0xff, 0x22)])(
    'is refused where its bytes are no JSON',
    (bytes) => {
      expect(() => decodeTuning(bytes, 'seed')).toThrow(
        expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
      );
    },
  );
});
