import { beforeAll, describe, expect, it } from 'vitest';

import { inlineParallelMap } from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { decodeCandidates } from '../../../layers/core/src/artifact/candidate-record.ts';
import { recordShape } from '../../../layers/core/src/artifact/model-tensors.ts';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { openInMemory, readDataset } from '../../../layers/core/src/data/hetrec.ts';
import { assertValid } from '../../../layers/core/src/data/report.ts';
import { splitHoldout } from '../../../layers/core/src/data/split.ts';
import {
  ablate,
  ablationsOf,
  withoutColumns,
  withoutSources,
  type Ablation,
} from '../../../layers/core/src/evaluate/ablation.ts';
import type { Split } from '../../../layers/core/src/evaluate/evaluate-models.ts';
import { rankCandidates, type RankedCandidates } from '../../../layers/core/src/evaluate/rank-candidates.ts';
import { createRecordScorer } from '../../../layers/core/src/rank/score-records.ts';
import { pairColumnNames } from '../../../layers/core/src/rank/features.ts';
import { heldOutRows } from '../../../layers/core/src/rank/train-ranker.ts';
import {
  fitStages,
  trainModel,
  trainRanker,
  type FittedStages,
} from '../../../layers/core/src/train-model.ts';
import { SAMPLE_NOW } from '../sample.ts';
import { silentProgress, tinyFiles, tinyParameters } from '../tiny.ts';

const parameters = tinyParameters('full');
const seedParameters = tinyParameters('seed');
const io = { parallel: inlineParallelMap, progress: silentProgress };
let split: Split;
let train: Dataset;
let ids: { userIds: readonly string[]; artistIds: readonly string[] };
let stages: FittedStages;
let parts: readonly Ablation[];

beforeAll(async () => {
  const dataset = assertValid(await readDataset(openInMemory(tinyFiles()), { nowMs: SAMPLE_NOW }));
  split = splitHoldout(dataset, { seed: 3 });
  ({ train } = split);
  ids = { userIds: train.users.ids, artistIds: train.artists.ids };
  stages = await fitStages(train, parameters, io);
  parts = ablationsOf(stages, parameters);
});

function without(ablation: Ablation): RankedCandidates {
  const input = { stages, ids, parameters, ablation, test: split.test, masked: null };
  return ablate.run(input, () => undefined);
}

const nothing: Ablation = {
  name: 'nothing',
  kind: 'features',
  sources: [],
  pairColumns: [],
  embeddingColumns: 0,
  freshness: false,
  factors: false,
};

describe('an ablation', () => {
  it('ranks as the whole model does where nothing goes', async () => {
    const { ranker } = await trainRanker(train, stages, parameters, io);
    expect(without(nothing)).toEqual(
      rankCandidates(stages.stage, createRecordScorer(stages.stage, ranker), {
        test: split.test,
        masked: null,
      }),
    );
  });

  it('ranks by nothing but the rest: without all columns every candidate has one probability', () => {
    const { space } = stages.stage;
    const found = without({
      ...nothing,
      pairColumns: pairColumnNames(space),
      embeddingColumns: space.nEmbedding,
      freshness: true,
      factors: true,
    });
    expect(new Set(found.predictions.probabilities).size).toBe(1);
  });

  it('names every source and the blocks, and each takes something away', () => {
    expect(parts.filter(({ kind }) => kind === 'source').map(({ name }) => name)).toEqual(
      stages.stage.space.sources,
    );
    expect(parts.filter(({ kind }) => kind === 'features').map(({ name }) => name)).toEqual([
      'all tag features',
      'all iALS',
      'both kNN',
      'all z-scores',
      'all log-ranks',
      'popularity, degrees',
      'tag similarity',
      "seed's concatenation",
    ]);
    const whole = [...without(nothing).predictions.probabilities];
    for (const part of parts) expect([...without(part).predictions.probabilities]).not.toEqual(whole);
  });

  it('refuses labels that are no held-out listening', () => {
    const input = { stages, ids, ablation: nothing, test: split.test, masked: null };
    expect(() => ablate.run({ ...input, parameters: seedParameters }, () => undefined)).toThrow(
      'ablation needs held-out labels, found plays-above',
    );
  });
});

describe('withoutSources', () => {
  it('takes just the candidates that nobody else nominated, and no score by more than the packing', () => {
    const { stage } = stages;
    const { space } = stage;
    const shape = recordShape(space, stage.artists.embedding.nRows);
    const bit = 1 << space.sources.indexOf('user-knn');
    const reduced = withoutSources(stage, ['user-knn']);
    let gone = 0;
    stage.records.forEach((packed, user) => {
      const before = decodeCandidates(packed, shape);
      const after = decodeCandidates(reduced.records[user]!, shape);
      const rows = [...before.items.keys()].filter((i) => before.nominatedBy[i] !== bit);
      gone += before.items.length - rows.length;
      expect([...after.items]).toEqual(rows.map((i) => before.items[i]!));
      const width = shape.nSources;
      for (let s = 0; s < width; s++) {
        const column = rows.map((i) => before.scores[i * width + s]!);
        const halfStep = (Math.max(...column) - Math.min(...column)) / 255 / 2 + 1e-5;
        const moved = column.map((score, i) => Math.abs(after.scores[i * width + s]! - score));
        expect(Math.max(...moved)).toBeLessThanOrEqual(halfStep);
      }
    });
    expect(gone).toBeGreaterThan(0);
  });
});

describe('withoutColumns', () => {
  it('puts 0 into what goes and leaves the rest and the layout', () => {
    const { stage } = stages;
    const { space, terms } = stage;
    const { design } = heldOutRows(stages.folds, ids, { negatives: 5, randomState: 1 });
    const reduced = withoutColumns(design, stage, {
      ...nothing,
      sources: ['edlae-tagged'],
      embeddingColumns: terms.length,
    });
    const names = pairColumnNames(space);
    const { nCols, values } = design.dense!;
    const gone = new Set(['score:edlae-tagged', 'rank:edlae-tagged'].map((name) => names.indexOf(name)));
    expect(reduced.dense!.values).toEqual(values.map((value, at) => (gone.has(at % nCols) ? 0 : value)));
    const [artist, user] = design.indexed;
    const { indices, values: embedded } = artist!.rows;
    expect(reduced.indexed[0]!.rows.values).toEqual(
      embedded.map((value, e) => (indices[e]! < terms.length ? 0 : value)),
    );
    expect(reduced.indexed[1]).toBe(user);
  });
});

describe('fitStages and trainRanker', () => {
  it('give together what trainModel gives, the seed too, with an objective that falls at every step', async () => {
    for (const preset of [parameters, seedParameters]) {
      const fitted = await trainRanker(train, await fitStages(train, preset, io), preset, io);
      const { ranker, metrics, history } = await trainModel(train, preset, io);
      expect({ ranker: fitted.ranker, metrics: fitted.metrics, history: fitted.history }).toEqual({
        ranker,
        metrics,
        history,
      });
      const { lr } = history;
      expect(lr).toHaveLength(metrics['ranker-iterations']);
      for (let i = 1; i < lr.length; i++) expect(lr[i]).toBeLessThanOrEqual(lr[i - 1]!);
    }
  });
});
