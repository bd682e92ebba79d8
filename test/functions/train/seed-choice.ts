import { resolveOptions } from '../../../layers/core/src/options.ts';
import { tunablePreset } from '../../../layers/core/src/tune/model-spaces.ts';
import type { Point } from '../../../layers/core/src/tune/search-space.ts';
import type { TuningRecord } from '../../../layers/core/src/tune/tuning-record.ts';
import { SAMPLE_NOW } from '../../core/sample.ts';

/** A choice for the seed preset, as a search would have stored it. */
export function seedChoice(overrides: Point): TuningRecord {
  return {
    schemaVersion: 1,
    preset: 'seed',
    createdAt: new Date(SAMPLE_NOW).toISOString(),
    codeVersion: 'test',
    inputFingerprint: '0'.repeat(64),
    seed: 1,
    trials: 8,
    validation: { seeds: [1], confirmationSeed: 5, insideSplit: null },
    objective: {
      name: 'ndcg@20',
      before: 0.1,
      after: 0.12,
      confirmation: { before: 0.1, after: 0.11, difference: { mean: 0.01, low: 0.002, high: 0.018 } },
    },
    defaults: tunablePreset(resolveOptions('seed', {})).start,
    overrides,
  };
}
