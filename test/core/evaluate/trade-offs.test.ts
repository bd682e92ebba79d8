import { beforeAll, describe, expect, it } from 'vitest';
import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { splitHoldout } from '../../../layers/core/src/data/split.ts';
import { evaluateModels, type Split } from '../../../layers/core/src/evaluate/evaluate-models.ts';
import type { EvaluationInput } from '../../../layers/core/src/evaluate/metrics.ts';
import { meanTradeOffs, tradeOffs, type TradeOff } from '../../../layers/core/src/evaluate/trade-offs.ts';
import type { TrainedModel } from '../../../layers/core/src/train-model.ts';
import { trainModel } from '../../../layers/core/src/train-model.ts';
import { fitTfIdf } from '../../../layers/core/src/features/tf-idf.ts';
import { FULL_PRESET } from '../../../layers/core/src/presets.ts';
import { resolveOptions } from '../../../layers/core/src/options.ts';
import { silentProgress, trainTiny } from '../tiny.ts';

const OPTIONS = { svdFactors: 4, svdEpochs: 5, maxFeatures: 30 };
const io = { parallel: inlineParallelMap, progress: silentProgress };
const VALUES = [0, 0.3, 1];

let split: Split;
let measure: EvaluationInput;
let model: TrainedModel;
let rows: readonly TradeOff[];
beforeAll(async () => {
  const { dataset } = await trainTiny('seed');
  split = splitHoldout(dataset, { seed: 3 });
  model = await trainModel(split.train, resolveOptions('full', OPTIONS), io);
  measure = {
    train: split.train.plays,
    test: split.test,
    tagged: null,
    tags: fitTfIdf(split.train, { maxFeatures: FULL_PRESET.maxFeatures }).rows,
  };
  rows = tradeOffs(model, { measure, masked: null }, VALUES);
});

describe('tradeOffs', () => {
  it('has a row for each knob and value, in this order', () => {
    expect(rows.map(({ knob, value }) => [knob, value])).toEqual(
      ['diversity', 'debias'].flatMap((knob) => VALUES.map((value) => [knob, value])),
    );
  });

  it('measures at 0 what the evaluation of the model measures', async () => {
    const [evaluation] = await evaluateModels(split, ['full'], { ...io, options: OPTIONS, tradeOffs: true });
    const turned = evaluation!.twoStage!.tradeOffs!;
    expect(turned.find(({ knob, value }) => knob === 'debias' && value === 1)).toEqual(rows.at(-1));
    for (const row of [rows[0]!, rows[3]!]) {
      expect(row.diversity).toBe(evaluation!.metrics['tag-diversity@20']);
      expect(row.ndcg20).toBe(evaluation!.metrics['ndcg@20']);
      expect(row.coverage).toBe(evaluation!.metrics['coverage@20']);
      expect(row.popularityPercentile).toBe(evaluation!.metrics['popularity-percentile@20']);
    }
  });

  it('finds more variety behind the one knob and less popular artists behind the other', () => {
    const [d0, d1, d2, p0, p1, p2] = rows;
    expect(d1!.diversity).toBeGreaterThan(d0!.diversity);
    expect(d2!.diversity).toBeGreaterThan(d1!.diversity);
    expect(p1!.popularityPercentile).toBeLessThan(p0!.popularityPercentile);
    expect(p2!.popularityPercentile).toBeLessThan(p1!.popularityPercentile);
    expect(d2!.ndcg20).toBeLessThan(d0!.ndcg20);
    expect(p2!.ndcg20).toBeLessThan(p0!.ndcg20);
  });

  it('lists no masked pair', () => {
    // Mask what is asked for: then nothing of it can be found.
    const [row] = tradeOffs(model, { measure, masked: split.test }, [0]);
    expect(row!.ndcg20).toBe(0);
    expect(rows[0]!.ndcg20).toBeGreaterThan(0.05);
  });
});

describe('meanTradeOffs', () => {
  it('averages every setting over the splits', () => {
    const point = { knob: 'debias', value: 0.5, coverage: 0.2, popularityPercentile: 80 } as const;
    expect(
      meanTradeOffs([
        [{ ...point, ndcg20: 0.25, diversity: 0.5 }],
        [{ ...point, ndcg20: 0.75, diversity: 1 }],
      ]),
    ).toEqual([{ ...point, ndcg20: 0.5, diversity: 0.75 }]);
  });
});
