import { describe, expect, it } from 'vitest';

import type { ModelEvaluation } from '../../../layers/core/src/evaluate/evaluate-models.ts';
import { mapMetrics, type Evaluation } from '../../../layers/core/src/evaluate/metrics.ts';
import { summarise } from '../../../layers/core/src/evaluate/summarise.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';

const N = 200;

/** A model whose every figure of a listener is the same base plus noise of its own plus `gain`. */
function evaluation(gain: number, seed: number): Evaluation {
  const base = createRng(1);
  const own = createRng(seed);
  const values = Float64Array.from({ length: N }, () => base.next() + 0.05 * own.normal() + gain);
  const perListener = mapMetrics(() => ({ sums: values, weights: new Float64Array(N).fill(1) }));
  const mean = values.reduce((sum, value) => sum + value, 0) / N;
  return {
    users: Int32Array.from({ length: N }, (_, user) => user),
    perListener,
    metrics: { ...mapMetrics(() => mean), 'coverage@20': 0.5 + gain },
  };
}

function single(model: string, gain: number, seed: number): ModelEvaluation {
  return { model, twoStage: null, ...evaluation(gain, seed) };
}

describe('summarise', () => {
  const runs = ['a', 'b'].map((split, s) => ({
    split,
    models: [
      single('low', -0.05, 10 + s),
      single('same', 0, 20 + s),
      {
        model: 'whole',
        twoStage: {
          preset: 'full' as const,
          effort: 'default' as const,
          ranker: 'lr' as const,
          steps: [],
          candidates: { recall: 0.5 + s / 10, mean: 100 + s },
          training: {
            'holdout-ndcg@20': 0,
            'holdout-recall@20': 0,
            'holdout-candidate-recall': 0,
            'mean-candidates': 0,
            'holdout-calibration-error': 0,
            'ranker-iterations': 2,
            'ranker-converged': true,
          },
          history: [0.5, 0.25],
          predictions: {
            probabilities: Float64Array.of(0.25, 0.75),
            outcomes: Uint8Array.of(0, 1),
          },
          ablation: [
            {
              ablation: {
                name: 'friends',
                kind: 'source' as const,
                sources: ['friends'],
                pairColumns: [],
                embeddingColumns: 0,
                freshness: false,
                factors: false,
              },
              candidates: { recall: 0.4, mean: 90 },
              ...evaluation(-0.03, 40 + s),
            },
          ],
          tradeOffs: null,
        },
        ...evaluation(0, 30 + s),
      },
      single('high', 0.05, 50 + s),
    ],
  }));
  const summary = summarise(runs, { reference: 'whole' });

  it('says better and worse only where the paired interval excludes 0', () => {
    const verdicts = summary.models.map(({ model, against }) => [model, against?.[0]?.verdict]);
    expect(verdicts).toEqual([
      ['low', 'worse'],
      ['same', 'no difference'],
      ['whole', undefined],
      ['high', 'better'],
    ]);
    // The models' own intervals overlap: pairing is what tells them apart.
    expect(summary.models[0]!.metrics['ndcg@20'].high).toBeGreaterThan(
      summary.models[2]!.metrics['ndcg@20'].low,
    );
  });

  it('averages over the splits and pools the probabilities', () => {
    const { twoStage, coverage20 } = summary.models[2]!;
    expect(twoStage!.candidates.recall).toBeCloseTo(0.55, 12);
    expect(twoStage!.candidates.mean).toBe(100.5);
    expect(twoStage!.calibration).toMatchObject({ n: 4, expectedError: 0.25 });
    expect(twoStage!.training.map(({ history }) => history)).toEqual([
      [0.5, 0.25],
      [0.5, 0.25],
    ]);
    expect(coverage20).toBe(0.5);
    expect(summary.listeners).toBe(N);
  });

  it('measures what a part brings as the whole minus the rest', () => {
    expect(summary.ablation).toHaveLength(1);
    const { name, ndcg20, verdict, without } = summary.ablation![0]!;
    expect({ name, verdict }).toEqual({ name: 'friends', verdict: 'better' });
    expect(ndcg20.mean).toBeCloseTo(summary.models[2]!.metrics['ndcg@20'].mean - without.ndcg20, 12);
    expect(ndcg20.low).toBeGreaterThan(0.01);
  });
});
