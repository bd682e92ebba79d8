import { EncoreError } from '../errors.ts';
import {
  N_DEGREES,
  nArtistColumns,
  nUserColumns,
  nUserFeatures,
  pairColumnNames,
  type ArtistTable,
  type FeatureSpace,
} from '../rank/features.ts';
import type { Ranker } from '../rank/ranker.ts';
import type { Tensor, TensorData } from './safetensors.ts';

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
  readonly artists: ArtistTable;
  readonly popular: PopularList;
  readonly space: FeatureSpace;
}): readonly Tensor[] {
  const { ranker, artists, popular, space } = parts;
  const { embedding } = artists;
  const nArtists = embedding.nRows;
  return [
    f64('ranker/intercept', [1], Float64Array.of(ranker.intercept)),
    f64('ranker/pair_weights', [ranker.pairWeights.length], ranker.pairWeights),
    f64('ranker/artist_weights', [ranker.artistWeights.length], ranker.artistWeights),
    f64('ranker/user_weights', [ranker.userWeights.length], ranker.userWeights),
    i32('popular/items', [popular.items.length], popular.items),
    f64('popular/shares', [popular.shares.length], popular.shares),
    i32('artists/embedding/indptr', [nArtists + 1], embedding.indptr),
    {
      name: 'artists/embedding/indices',
      dtype: 'U16',
      shape: [embedding.indices.length],
      data: Uint16Array.from(embedding.indices),
    },
    f32('artists/embedding/values', [embedding.values.length], Float32Array.from(embedding.values)),
    f32('artists/factors', [nArtists, space.nFactors], artists.factors),
    f32('artists/degrees', [nArtists, N_DEGREES], artists.degrees),
  ];
}

/** What only a later training reads (`reuseFactors`): behind the serving tensors. */
export function trainingTensors(svd: SvdTables): readonly Tensor[] {
  return [
    f64('svd/global_mean', [1], Float64Array.of(svd.globalMean)),
    f32('svd/user_biases', [svd.userBiases.length], svd.userBiases),
    f32('svd/item_biases', [svd.itemBiases.length], svd.itemBiases),
    f32('svd/user_factors', [svd.userBiases.length, svd.nFactors], svd.userFactors),
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
): { readonly ranker: Ranker; readonly artists: ArtistTable; readonly popular: PopularList } {
  const indptr = read(tensors, 'artists/embedding/indptr', Int32Array, null);
  const nArtists = indptr.length - 1;
  const indices = Int32Array.from(read(tensors, 'artists/embedding/indices', Uint16Array, null));
  const values = read(tensors, 'artists/embedding/values', Float32Array, indices.length);
  if (indptr[0] !== 0 || indptr[nArtists] !== indices.length) {
    throw incompatible('artists/embedding/indptr', `an end at ${indptr[nArtists]}`, `${indices.length}`);
  }
  if (indptr.some((end, i) => i > 0 && end < indptr[i - 1]!)) {
    throw incompatible('artists/embedding/indptr', 'a row that ends before it begins', 'ascending ends');
  }
  const stray = indices.find((column) => column >= space.nEmbedding);
  if (stray !== undefined) {
    throw incompatible('artists/embedding/indices', `column ${stray}`, `columns below ${space.nEmbedding}`);
  }
  const items = read(tensors, 'popular/items', Int32Array, null);
  if (items.some((item) => item < 0 || item >= nArtists)) {
    throw incompatible('popular/items', 'an artist outside the catalogue', `indices below ${nArtists}`);
  }
  return {
    ranker: readRanker(tensors, space),
    artists: {
      embedding: {
        nRows: nArtists,
        nCols: space.nEmbedding,
        indptr,
        indices,
        values: Float64Array.from(values),
      },
      factors: read(tensors, 'artists/factors', Float32Array, nArtists * space.nFactors),
      degrees: read(tensors, 'artists/degrees', Float32Array, nArtists * N_DEGREES),
    },
    popular: { items, shares: read(tensors, 'popular/shares', Float64Array, items.length) },
  };
}

/** Reads the ranker alone. */
export function readRanker(tensors: ReadonlyMap<string, Tensor>, space: FeatureSpace): Ranker {
  return {
    intercept: read(tensors, 'ranker/intercept', Float64Array, 1)[0]!,
    pairWeights: read(tensors, 'ranker/pair_weights', Float64Array, pairColumnNames(space).length),
    artistWeights: read(tensors, 'ranker/artist_weights', Float64Array, nArtistColumns(space)),
    userWeights: read(tensors, 'ranker/user_weights', Float64Array, nUserColumns(space)),
  };
}

/** Reads the BiasedSVD factors back, for a training that reuses them. */
export function readSvdTables(tensors: ReadonlyMap<string, Tensor>, nFactors: number): SvdTables {
  const userBiases = read(tensors, 'svd/user_biases', Float32Array, null);
  const itemBiases = read(tensors, 'svd/item_biases', Float32Array, null);
  return {
    nFactors,
    globalMean: read(tensors, 'svd/global_mean', Float64Array, 1)[0]!,
    userBiases,
    itemBiases,
    userFactors: read(tensors, 'svd/user_factors', Float32Array, userBiases.length * nFactors),
    itemFactors: read(tensors, 'artists/factors', Float32Array, itemBiases.length * nFactors),
  };
}

function read<T extends TensorData>(
  tensors: ReadonlyMap<string, Tensor>,
  name: string,
  type: new (length: number) => T,
  length: number | null,
): T {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw incompatible(name, 'nothing', 'a tensor');
  const { data } = tensor;
  if (!(data instanceof type)) throw incompatible(name, tensor.dtype, type.name);
  if (length !== null && data.length !== length)
    throw incompatible(name, `${data.length} values`, `${length}`);
  return data;
}

function incompatible(tensor: string, found: string, expected: string): EncoreError {
  return new EncoreError('ARTIFACT_INCOMPATIBLE', `tensor ${tensor}: found ${found}, expected ${expected}`, {
    tensor,
    found,
    expected,
  });
}

function f64(name: string, shape: readonly number[], data: Float64Array): Tensor {
  return { name, dtype: 'F64', shape, data };
}

function f32(name: string, shape: readonly number[], data: Float32Array): Tensor {
  return { name, dtype: 'F32', shape, data };
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
