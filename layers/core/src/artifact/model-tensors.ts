import {
  crossedColumns,
  N_DEGREES,
  nArtistColumns,
  nUserColumns,
  nUserFeatures,
  pairColumnNames,
  type ArtistTable,
  type FeatureSpace,
} from '../rank/features.ts';
import type { Ranker } from '../rank/ranker.ts';
import { readVariants, variantTensors, type RankerVariants } from '../rank/variants.ts';
import { f32Tensor, f64Tensor, incompatibleTensor, readTensor } from './read-tensor.ts';
import type { Tensor } from './safetensors.ts';

/** BiasedSVD as it is kept: single precision, and what the ranker reads of it. */
export interface SvdTables {
  readonly nFactors: number;
  readonly globalMean: number;
  /** Shape (nUsers,). */
  readonly userBiases: Float32Array;
  /** Shape (nArtists,). */
  readonly itemBiases: Float32Array;
  /** Shape (nUsers × nFactors,). */
  readonly userFactors: Float32Array;
  /** Shape (nArtists × nFactors,). */
  readonly itemFactors: Float32Array;
}

/** The most popular artists, for listeners without candidates. */
export interface PopularList {
  /** Shape (n,): artist indices, most listened first, ties by index. */
  readonly items: Int32Array;
  /** Shape (n,): the share of listeners who have the artist. */
  readonly shares: Float64Array;
}

export const POPULAR_LENGTH = 250;

export function popularList(listeners: Int32Array, nUsers: number): PopularList {
  const items = Int32Array.from(listeners, (_, i) => i)
    .toSorted((a, b) => listeners[b]! - listeners[a]! || a - b)
    .slice(0, POPULAR_LENGTH);
  return { items, shares: Float64Array.from(items, (i) => listeners[i]! / Math.max(1, nUsers)) };
}

/** What serving reads; these tensors stand first in `model.safetensors`, in this order. */
export function servingTensors(parts: {
  readonly ranker: Ranker;
  readonly variants: RankerVariants;
  readonly artists: ArtistTable;
  readonly popular: PopularList;
  readonly space: FeatureSpace;
}): readonly Tensor[] {
  const { ranker, variants, artists, popular, space } = parts;
  const { embedding } = artists;
  const nArtists = embedding.nRows;
  return [
    f64Tensor('ranker/intercept', [1], Float64Array.of(ranker.intercept)),
    f64Tensor('ranker/pair_weights', [ranker.pairWeights.length], ranker.pairWeights),
    f64Tensor('ranker/artist_weights', [ranker.artistWeights.length], ranker.artistWeights),
    f64Tensor('ranker/user_weights', [ranker.userWeights.length], ranker.userWeights),
    f64Tensor('ranker/context_means', [ranker.contexts.means.length], ranker.contexts.means),
    f64Tensor('ranker/context_scales', [ranker.contexts.scales.length], ranker.contexts.scales),
    f64Tensor('ranker/context_weights', [ranker.contexts.weights.length], ranker.contexts.weights),
    ...variantTensors(variants),
    i32('popular/items', [popular.items.length], popular.items),
    f64Tensor('popular/shares', [popular.shares.length], popular.shares),
    i32('artists/embedding/indptr', [nArtists + 1], embedding.indptr),
    {
      name: 'artists/embedding/indices',
      dtype: 'U16',
      shape: [embedding.indices.length],
      data: Uint16Array.from(embedding.indices),
    },
    f32Tensor('artists/embedding/values', [embedding.values.length], Float32Array.from(embedding.values)),
    f32Tensor('artists/factors', [nArtists, space.nFactors], artists.factors),
    f32Tensor('artists/degrees', [nArtists, N_DEGREES], artists.degrees),
  ];
}

/** What only a later training reads (`reuseFactors`): behind the serving tensors. */
export function trainingTensors(svd: SvdTables): readonly Tensor[] {
  return [
    f64Tensor('svd/global_mean', [1], Float64Array.of(svd.globalMean)),
    f32Tensor('svd/user_biases', [svd.userBiases.length], svd.userBiases),
    f32Tensor('svd/item_biases', [svd.itemBiases.length], svd.itemBiases),
    f32Tensor('svd/user_factors', [svd.userBiases.length, svd.nFactors], svd.userFactors),
  ];
}

/**
 * Reads the serving tensors back.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when one is missing, of another type, or of another shape than the
 *   feature space asks for.
 */
export function readServingTensors(
  tensors: ReadonlyMap<string, Tensor>,
  space: FeatureSpace,
): {
  readonly ranker: Ranker;
  readonly variants: RankerVariants;
  readonly artists: ArtistTable;
  readonly popular: PopularList;
} {
  const indptr = readTensor(tensors, 'artists/embedding/indptr', Int32Array, null);
  const nArtists = indptr.length - 1;
  const indices = Int32Array.from(readTensor(tensors, 'artists/embedding/indices', Uint16Array, null));
  const values = readTensor(tensors, 'artists/embedding/values', Float32Array, indices.length);
  if (indptr[0] !== 0 || indptr[nArtists] !== indices.length) {
    throw incompatibleTensor(
      'artists/embedding/indptr',
      `an end at ${indptr[nArtists]}`,
      `${indices.length}`,
    );
  }
  if (indptr.some((end, i) => i > 0 && end < indptr[i - 1]!)) {
    throw incompatibleTensor(
      'artists/embedding/indptr',
      'a row that ends before it begins',
      'ascending ends',
    );
  }
  const stray = indices.find((column) => column >= space.nEmbedding);
  if (stray !== undefined) {
    throw incompatibleTensor(
      'artists/embedding/indices',
      `column ${stray}`,
      `columns below ${space.nEmbedding}`,
    );
  }
  const items = readTensor(tensors, 'popular/items', Int32Array, null);
  if (items.some((item) => item < 0 || item >= nArtists)) {
    throw incompatibleTensor('popular/items', 'an artist outside the catalogue', `indices below ${nArtists}`);
  }
  return {
    ranker: readRanker(tensors, space),
    variants: readVariants(tensors, space),
    artists: {
      embedding: {
        nRows: nArtists,
        nCols: space.nEmbedding,
        indptr,
        indices,
        values: Float64Array.from(values),
      },
      factors: readTensor(tensors, 'artists/factors', Float32Array, nArtists * space.nFactors),
      degrees: readTensor(tensors, 'artists/degrees', Float32Array, nArtists * N_DEGREES),
    },
    popular: { items, shares: readTensor(tensors, 'popular/shares', Float64Array, items.length) },
  };
}

/** Reads the logistic regression alone. */
export function readRanker(tensors: ReadonlyMap<string, Tensor>, space: FeatureSpace): Ranker {
  const nContexts = space.contexts.length;
  const { first, end } = crossedColumns(space);
  return {
    intercept: readTensor(tensors, 'ranker/intercept', Float64Array, 1)[0]!,
    pairWeights: readTensor(tensors, 'ranker/pair_weights', Float64Array, pairColumnNames(space).length),
    artistWeights: readTensor(tensors, 'ranker/artist_weights', Float64Array, nArtistColumns(space)),
    userWeights: readTensor(tensors, 'ranker/user_weights', Float64Array, nUserColumns(space)),
    contexts: {
      means: readTensor(tensors, 'ranker/context_means', Float64Array, nContexts),
      scales: readTensor(tensors, 'ranker/context_scales', Float64Array, nContexts),
      weights: readTensor(tensors, 'ranker/context_weights', Float64Array, nContexts * (end - first)),
    },
  };
}

/** Reads the BiasedSVD factors back, for a training that reuses them. */
export function readSvdTables(tensors: ReadonlyMap<string, Tensor>, nFactors: number): SvdTables {
  const userBiases = readTensor(tensors, 'svd/user_biases', Float32Array, null);
  const itemBiases = readTensor(tensors, 'svd/item_biases', Float32Array, null);
  return {
    nFactors,
    globalMean: readTensor(tensors, 'svd/global_mean', Float64Array, 1)[0]!,
    userBiases,
    itemBiases,
    userFactors: readTensor(tensors, 'svd/user_factors', Float32Array, userBiases.length * nFactors),
    itemFactors: readTensor(tensors, 'artists/factors', Float32Array, itemBiases.length * nFactors),
  };
}

function i32(name: string, shape: readonly number[], data: Int32Array): Tensor {
  return { name, dtype: 'I32', shape, data };
}

/** What a candidate record of a model must look like. */
export function recordShape(
  space: FeatureSpace,
  catalogueSize: number,
): { readonly catalogueSize: number; readonly nSources: number; readonly nUserFeatures: number } {
  return {
    catalogueSize,
    nSources: space.sources.length + space.pairScores.length,
    nUserFeatures: nUserFeatures(space),
  };
}
