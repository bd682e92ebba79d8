import { mapMetrics } from '../../layers/core/src/evaluate/metrics.ts';
import { PROTOCOLS } from '../../layers/core/src/evaluate/protocols.ts';
import type { Interval } from '../../layers/core/src/evaluate/bootstrap.ts';
import type { EvaluationReport } from '../../lib/report/evaluation-report.ts';

/** A name that a page which does not escape would execute. */
export const EVIL = '<script>alert(1)</script>';

const around = (mean: number): Interval => ({ mean, low: mean - 0.01, high: mean + 0.01 });

/** A report with everything in it, of made-up figures. */
export function sampleReport(): EvaluationReport {
  const { split: _split, title: _title, ...protocol } = PROTOCOLS.get('811')!;
  const part = {
    without: { ndcg20: 0.28, recall20: 0.27 },
    candidates: { recall: 0.6, mean: 190 },
    recall20: around(0.02),
  };
  return {
    schemaVersion: 2,
    command: `npm run -s encore -- evaluate --data '${EVIL}'`,
    createdAt: '2026-01-02T03:04:05.000Z',
    codeVersion: '1.2.3',
    dataset: { listeners: 1892, artists: 17632, pairs: 92834 },
    protocol,
    seeds: [7],
    splits: [{ name: '8:1:1, seed 7', train: 74000, test: 9000 }],
    machine: { node: 'v24.1.0', platform: 'linux x64', cpu: 'a processor', cores: 2 },
    options: {},
    summary: {
      reference: 'full',
      resamples: 1000,
      listeners: 1880,
      models: [
        {
          model: EVIL,
          metrics: mapMetrics(() => around(0.1)),
          coverage20: 0.01,
          against: [{ metric: 'ndcg@20', difference: around(-0.2), verdict: 'worse' }],
          twoStage: null,
        },
        {
          model: 'full',
          metrics: mapMetrics(() => around(0.3)),
          coverage20: 0.2,
          against: null,
          twoStage: {
            preset: 'full',
            effort: 'default',
            ranker: 'lr',
            candidates: { recall: 0.63, mean: 200 },
            calibration: {
              bins: [
                { n: 10, predicted: 0.01, observed: 0 },
                { n: 10, predicted: 0.3, observed: 0.25 },
              ],
              expectedError: 0.03,
              bias: 0.03,
              n: 20,
            },
            training: [{ split: '8:1:1, seed 7', iterations: 2, converged: true, history: [0.5, 0.4] }],
          },
        },
      ],
      ablation: [
        { ...part, name: 'friends', kind: 'source', ndcg20: around(0), verdict: 'no difference' },
        { ...part, name: 'all iALS', kind: 'features', ndcg20: around(0.02), verdict: 'better' },
      ],
    },
    runs: [],
    timing: {
      total: 61,
      steps: [{ split: '8:1:1, seed 7', step: 'full: ranker', seconds: 9.25 }],
      models: [
        { model: EVIL, seconds: 0.5 },
        { model: 'full', seconds: 50 },
      ],
    },
    tradeOffs: [0, 0.5].map((value) => ({
      knob: 'diversity' as const,
      value,
      ndcg20: 0.3 - value / 10,
      diversity: 0.6 + value / 10,
      coverage: 0.2,
      popularityPercentile: 90,
    })),
  };
}
