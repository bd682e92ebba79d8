import { describe, expect, it } from 'vitest';
import {
  POPULAR_LENGTH,
  popularList,
  readRanker,
  readServingTensors,
  readSvdTables,
  recordShape,
  servingTensors,
  trainingTensors,
} from '../../../layers/core/src/artifact/model-tensors.ts';
import {
  decodeSafetensors,
  encodeSafetensors,
  type Tensor,
} from '../../../layers/core/src/artifact/safetensors.ts';
import type { FeatureSpace } from '../../../layers/core/src/rank/features.ts';
import { NO_VARIANTS } from '../../../layers/core/src/rank/variants.ts';

const space: FeatureSpace = {
  sources: ['a'],
  pairScores: ['b', 'c'],
  nEmbedding: 3,
  nFactors: 2,
  crossFeatures: true,
  contexts: ['popularity', 'b'],
};
const parts = {
  space,
  ranker: {
    intercept: -1.5,
    pairWeights: Float64Array.from({ length: 11 }, (_, j) => j - 5),
    artistWeights: Float64Array.of(1, 2, 3, 4, 5),
    userWeights: Float64Array.of(6, 7, 8, 9, 10),
    contexts: {
      means: Float64Array.of(0.5, -0.5),
      scales: Float64Array.of(2, 0),
      // Each of the two is crossed with score and rank of the source, two pair scores and three degrees.
      weights: Float64Array.from({ length: 14 }, (_, j) => j / 4),
    },
  },
  variants: NO_VARIANTS,
  artists: {
    embedding: {
      nRows: 2,
      nCols: 3,
      indptr: Int32Array.of(0, 1, 3),
      indices: Int32Array.of(2, 0, 1),
      values: Float64Array.of(0.5, 0.25, 0.125),
    },
    factors: Float32Array.of(1, 2, 3, 4),
    degrees: Float32Array.of(1, 2, 3, 4, 5, 6),
  },
  popular: { items: Int32Array.of(1, 0), shares: Float64Array.of(0.75, 0.5) },
};
const svd = {
  nFactors: 2,
  globalMean: 0.3,
  userBiases: Float32Array.of(0.5, 0.25, 0.125),
  itemBiases: Float32Array.of(1.5, 2.5),
  userFactors: Float32Array.of(1, 2, 3, 4, 5, 6),
  itemFactors: parts.artists.factors,
};

const byName = (tensors: readonly Tensor[]): ReadonlyMap<string, Tensor> =>
  decodeSafetensors(encodeSafetensors(tensors)).tensors;

const all = byName([...servingTensors(parts), ...trainingTensors(svd)]);

/** All tensors with one in another form, or without it. */
function changed(name: string, change: Partial<Tensor> | null): ReadonlyMap<string, Tensor> {
  const tensors = new Map(all);
  if (change === null) tensors.delete(name);
  else tensors.set(name, { ...all.get(name)!, ...change });
  return tensors;
}

describe('the tensors of a model', () => {
  it('come back through the file: what serving reads, and what a training takes over', () => {
    const { ranker, variants, artists, popular } = parts;
    expect(readServingTensors(all, space)).toEqual({ ranker, variants, artists, popular });
    expect(readSvdTables(all, 2)).toEqual(svd);
    expect(readRanker(all, space)).toEqual(ranker);
  });

  it.each([...all.keys()].filter((name) => !name.startsWith('svd/')))(
    'are refused for serving without %s',
    (name) => {
      expect(() => readServingTensors(changed(name, null), space)).toThrow(
        expect.objectContaining({
          code: 'ARTIFACT_INCOMPATIBLE',
          message: `tensor ${name}: found nothing, expected a tensor`,
        }),
      );
    },
  );

  it.each<[string, Partial<Tensor>, string]>([
    ['ranker/pair_weights', { data: new Float64Array(3) }, 'found 3 values, expected 11'],
    ['ranker/context_means', { data: new Float64Array(3) }, 'found 3 values, expected 2'],
    ['ranker/context_scales', { data: new Float64Array(1) }, 'found 1 values, expected 2'],
    ['ranker/context_weights', { data: new Float64Array(7) }, 'found 7 values, expected 14'],
    ['ranker/artist_weights', { data: new Float64Array(4) }, 'found 4 values, expected 5'],
    ['ranker/user_weights', { data: new Float64Array(0) }, 'found 0 values, expected 5'],
    ['ranker/intercept', { data: new Float32Array(1), dtype: 'F32' }, 'found F32, expected Float64Array'],
    ['artists/factors', { data: new Float32Array(5) }, 'found 5 values, expected 4'],
    ['artists/degrees', { data: new Float32Array(3) }, 'found 3 values, expected 6'],
    ['artists/embedding/values', { data: new Float32Array(2) }, 'found 2 values, expected 3'],
    ['artists/embedding/indptr', { data: Int32Array.of(0, 1, 2) }, 'found an end at 2, expected 3'],
    ['artists/embedding/indptr', { data: Int32Array.of(0, 4, 3) }, 'found a row that ends before it begins'],
    [
      'artists/embedding/indices',
      { data: Uint16Array.of(2, 0, 3) },
      'found column 3, expected columns below 3',
    ],
    ['popular/items', { data: Int32Array.of(1, 2) }, 'found an artist outside the catalogue'],
    ['popular/items', { data: Int32Array.of(-1, 0) }, 'found an artist outside the catalogue'],
    ['popular/shares', { data: new Float64Array(1) }, 'found 1 values, expected 2'],
  ])('are refused for serving when %s is %o', (name, change, message) => {
    expect(() => readServingTensors(changed(name, change), space)).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining(`tensor ${name}: ${message}`),
      }),
    );
  });

  it.each([
    ['svd/user_factors', 5],
    ['artists/factors', 3],
  ])('are refused for reuse when %s has %i values', (name, length) => {
    expect(() => readSvdTables(changed(name, { data: new Float32Array(length) }), 2)).toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        details: expect.objectContaining({ tensor: name }),
      }),
    );
  });

  it('say what a candidate record must look like: a score for each source and each pair score', () => {
    expect(recordShape(space, 2)).toEqual({ catalogueSize: 2, nSources: 3, nUserFeatures: 7 });
  });
});

describe('popularList', () => {
  it('puts the most listened first, equal ones by index, with the share of listeners who have them', () => {
    expect(popularList(Int32Array.of(2, 5, 0, 5), 10)).toEqual({
      items: Int32Array.of(1, 3, 0, 2),
      shares: Float64Array.of(0.5, 0.5, 0.2, 0),
    });
  });

  it('is as long as the catalogue or the limit', () => {
    expect(popularList(new Int32Array(POPULAR_LENGTH + 1), 1).items).toHaveLength(POPULAR_LENGTH);
    expect(popularList(new Int32Array(3), 0).shares).toEqual(new Float64Array(3));
  });
});
