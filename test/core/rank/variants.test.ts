import { beforeAll, describe, expect, it } from 'vitest';
import {
  createWorkerParallelMap,
  inlineParallelMap,
} from '../../../functions/shared/adapters/worker-parallel-map.ts';
import { buildVersion, type VersionContents } from '../../../layers/core/src/artifact/build-version.ts';
import { CATALOG_FILE, MODEL_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { f64Tensor } from '../../../layers/core/src/artifact/read-tensor.ts';
import type { Tensor } from '../../../layers/core/src/artifact/safetensors.ts';
import { loadServingModel, type ServingModel } from '../../../layers/core/src/artifact/serving-model.ts';
import type { Dataset } from '../../../layers/core/src/data/dataset.ts';
import { explain } from '../../../layers/core/src/explain.ts';
import type { TrainParameters } from '../../../layers/core/src/options.ts';
import type { ParallelMap } from '../../../layers/core/src/ports.ts';
import { VARIANTS } from '../../../layers/core/src/presets.ts';
import { predictTrees } from '../../../layers/core/src/rank/boosted-trees.ts';
import { sigmoid } from '../../../layers/core/src/rank/ranker.ts';
import { createRecordScorer } from '../../../layers/core/src/rank/score-records.ts';
import { heldOutRows } from '../../../layers/core/src/rank/train-ranker.ts';
import { fitTreesVariant, rowLogits } from '../../../layers/core/src/rank/train-variants.ts';
import { RANKERS, readVariants, variantTensors } from '../../../layers/core/src/rank/variants.ts';
import { recommend } from '../../../layers/core/src/recommend.ts';
import {
  fitStages,
  trainModel,
  trainRanker,
  trainVariants,
  type FittedStages,
  type TrainedModel,
} from '../../../layers/core/src/train-model.ts';
import { readTiny, silentProgress, TINY_INFO, tinyFiles, tinyParameters } from '../tiny.ts';

const variants = {
  trees: { ...VARIANTS.trees, trees: 12, minLeafRows: 5 },
  mlp: { ...VARIANTS.mlp, epochs: 2 },
};

const withVariants = (given: TrainParameters['ranker']['variants']): TrainParameters => {
  const parameters = tinyParameters('full');
  return { ...parameters, ranker: { ...parameters.ranker, variants: given } };
};

const train = (
  dataset: Dataset,
  parameters: TrainParameters,
  parallel: ParallelMap = inlineParallelMap,
): Promise<TrainedModel> => trainModel(dataset, parameters, { parallel, progress: silentProgress });

const load = ({ files, manifest }: VersionContents): Promise<ServingModel> =>
  loadServingModel({
    tensors: files.get(MODEL_FILE)!.slice(0, manifest.servingBytes),
    catalog: files.get(CATALOG_FILE)!,
  });

let dataset: Dataset;
let trained: TrainedModel;
let contents: VersionContents;
let model: ServingModel;
let stages: FittedStages;
beforeAll(async () => {
  dataset = await readTiny(tinyFiles());
  const parameters = withVariants(variants);
  const io = { parallel: inlineParallelMap, progress: silentProgress };
  stages = await fitStages(dataset, parameters, io);
  const bare = await trainRanker(dataset, stages, parameters, io);
  trained = await trainVariants(dataset, stages, bare, { io, variants });
  contents = await buildVersion(trained, dataset, TINY_INFO);
  model = await load(contents);
});

describe('a model with every ranker', () => {
  it('ranks after the files as before them, by each ranker in an order of its own', () => {
    const tops = RANKERS.map((name) => {
      const score = createRecordScorer(trained.stage, trained.ranker, { name, variants: trained.variants });
      return contents.candidates.map(({ record }, user) => {
        const { ranker, recommendations } = recommend(model, record, { n: 1000, ranker: name });
        const { record: decoded, logits } = score(user);
        const order = Array.from(logits.keys()).toSorted(
          (a, b) => logits[b]! - logits[a]! || decoded.items[a]! - decoded.items[b]!,
        );
        expect(ranker).toBe(name);
        expect(recommendations.map(({ artistId, score: shown }) => [artistId, shown])).toEqual(
          order.map((i) => [model.artistIds[decoded.items[i]!], Number(sigmoid(logits[i]!).toPrecision(6))]),
        );
        return recommendations.map(({ artistId }) => artistId).join();
      });
    });
    const [lr, trees, mlp] = tops;
    expect(trees).not.toEqual(lr);
    expect(mlp).not.toEqual(lr);
    expect(mlp).not.toEqual(trees);
  });

  it('shows probabilities, whoever ranks', () => {
    for (const ranker of RANKERS) {
      const scores = contents.candidates.flatMap(({ record }) =>
        recommend(model, record, { n: 1000, ranker }).recommendations.map(({ score }) => score),
      );
      expect(scores.length).toBeGreaterThan(500);
      expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
      expect(new Set(scores).size).toBeGreaterThan(scores.length / 4);
    }
  });

  it('is the same whatever number of threads trains it', async () => {
    const parameters = withVariants(variants);
    for (const threads of [1, 3]) {
      const again = await train(dataset, parameters, createWorkerParallelMap({ threads }));
      const { files } = await buildVersion(again, dataset, TINY_INFO);
      expect(Buffer.compare(files.get(MODEL_FILE)!, contents.files.get(MODEL_FILE)!)).toBe(0);
      expect(again.history).toEqual(trained.history);
    }
  });

  it('records how the variants were fitted, and how they learnt', () => {
    expect(contents.manifest.parameters).toMatchObject({ ranker: { variants } });
    const { trees, mlp, lr } = trained.history;
    expect(trees).toHaveLength(variants.trees.trees + 1);
    expect(trees.at(-1)).toBeLessThan(trees[0]!);
    expect(mlp).toHaveLength(variants.mlp.epochs);
    expect(lr).toHaveLength(trained.metrics['ranker-iterations']);
  });

  it('explains by its logistic regression, and says so', () => {
    const { record } = contents.candidates[3]!;
    const [first] = recommend(model, record, { n: 1, ranker: 'trees' }).recommendations;
    const [explanation] = explain(model, record, [first!.artistId]);
    expect(explanation!.ranker).toBe('lr');
    const sum = explanation!.contributions.reduce((total, { value }) => total + value, 0);
    const lr = recommend(model, record, { n: 1000 }).recommendations.find(
      ({ artistId }) => artistId === first!.artistId,
    )!;
    expect(Number(sigmoid(sum).toPrecision(6))).toBeCloseTo(lr.score, 5);
  });

  it('lends its variants to a training that reuses its ranker', async () => {
    const { ranker } = trained;
    const again = await trainModel(dataset, withVariants(variants), {
      parallel: inlineParallelMap,
      progress: silentProgress,
      reuse: {
        svd: trained.stage.svd,
        ranker: { ranker, variants: trained.variants, terms: trained.stage.terms },
      },
    });
    const { files } = await buildVersion(again, dataset, TINY_INFO);
    expect(Buffer.compare(files.get(MODEL_FILE)!, contents.files.get(MODEL_FILE)!)).toBe(0);
  });
});

describe('a model without some rankers', () => {
  it('ranks by lr where another is asked for, and says so', async () => {
    const onlyTrees = await buildVersion(
      { ...trained, variants: { ...trained.variants, mlp: null } },
      dataset,
      TINY_INFO,
    );
    const served = await load(onlyTrees);
    const { record } = onlyTrees.candidates[0]!;
    const lr = recommend(served, record, { n: 10 });
    expect(lr.ranker).toBe('lr');
    for (const ranker of ['mlp', 'forest']) {
      expect(recommend(served, record, { n: 10, ranker })).toEqual(lr);
    }
    expect(recommend(served, record, { n: 10, ranker: 'trees' }).ranker).toBe('trees');
  });

  it('names no ranker for the popular list', () => {
    expect(recommend(model, undefined, { n: 3, ranker: 'trees' }).ranker).toBeNull();
  });

  it('refuses to correct a ranker that no held-out listening has taught', async () => {
    const parameters = tinyParameters('seed');
    const seed = { ...parameters, ranker: { ...parameters.ranker, variants } };
    await expect(train(dataset, seed)).rejects.toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        details: { field: 'variants', found: 'plays-above' },
      }),
    );
  });
});

const rowsOf = () => {
  const { labels } = trained.parameters.ranker;
  const negatives = labels.kind === 'held-out' ? labels.negatives : 0;
  return heldOutRows(
    stages.folds,
    { userIds: dataset.users.ids, artistIds: dataset.artists.ids },
    { negatives, randomState: trained.parameters.randomState },
  );
};

describe('what variants are started from', () => {
  it('is the logit that serving gives the candidate of the row', () => {
    const rows = rowsOf();
    const logits = rowLogits({ folds: stages.folds, ranker: trained.ranker }, rows);
    const [artist, user] = rows.design.indexed;
    const nUsers = dataset.users.size;
    const nArtists = dataset.artists.size;
    stages.folds.forEach(({ stage }, f) => {
      const score = createRecordScorer(stage, trained.ranker);
      for (let r = 0; r < rows.design.nRows; r++) {
        if (Math.floor(user!.index[r]! / nUsers) !== f) continue;
        const { record, logits: expected } = score(user!.index[r]! % nUsers);
        expect(logits[r]).toBeCloseTo(expected[record.items.indexOf(artist!.index[r]! % nArtists)]!, 9);
      }
    });
  });
});

describe('fitTreesVariant', () => {
  it('calibrates an order: over the rows, what is predicted with their offsets is what there is', () => {
    const rows = rowsOf();
    const logits = rowLogits({ folds: stages.folds, ranker: trained.ranker }, rows);
    const { model: fitted } = fitTreesVariant(rows, logits, { ...variants.trees, objective: 'lambdarank' });
    const { nRows, dense } = rows.design;
    const added = predictTrees(fitted.trees, dense!.values, nRows);
    let predicted = 0;
    for (let r = 0; r < nRows; r++) {
      predicted += sigmoid(fitted.intercept + fitted.slope * (logits[r]! + added[r]!) + rows.offset[r]!);
    }
    const observed = rows.labels.reduce((sum, label) => sum + label, 0);
    expect(predicted / observed).toBeCloseTo(1, 2);
  });

  it('needs no calibration where the score is a logit already', () => {
    const rows = rowsOf();
    const logits = rowLogits({ folds: stages.folds, ranker: trained.ranker }, rows);
    const { model: fitted, history } = fitTreesVariant(rows, logits, {
      ...variants.trees,
      objective: 'logistic',
    });
    expect([fitted.slope, fitted.intercept]).toEqual([1, 0]);
    expect(history.at(-1)).toBeLessThan(history[0]!);
  });
});

const byName = (tensors: readonly Tensor[]): ReadonlyMap<string, Tensor> =>
  new Map(tensors.map((tensor) => [tensor.name, tensor]));

describe('readVariants', () => {
  it('reads back what was written, and nothing of nothing', () => {
    const { space } = trained.stage;
    expect(readVariants(byName(variantTensors(trained.variants)), space)).toEqual(trained.variants);
    expect(readVariants(new Map(), space)).toEqual({ trees: null, mlp: null });
  });

  it.each<[string, string, Tensor | null]>([
    [
      'a slope that turns the order around',
      'trees/calibration',
      f64Tensor('trees/calibration', [2], Float64Array.of(0, -1)),
    ],
    ['no calibration', 'trees/calibration', null],
    ['trees without their leaves', 'trees/leaf_values', null],
  ])('refuses %s', (_, name, tensor) => {
    const tensors = new Map(byName(variantTensors(trained.variants)));
    if (tensor === null) tensors.delete(name);
    else tensors.set(name, tensor);
    expect(() => readVariants(tensors, trained.stage.space)).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });

  it('refuses an MLP over other factors than the model has', () => {
    const { space } = trained.stage;
    const mlpOnly = byName(variantTensors({ ...trained.variants, trees: null }));
    expect(() => readVariants(mlpOnly, { ...space, nFactors: space.nFactors + 1 })).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });
});
