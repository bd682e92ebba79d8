import type { Dataset } from '../data/dataset.ts';
import { drawInitialFactors, fitBiasedSvd, ratingsFromPlays } from '../factors/biased-svd.ts';
import { fitBpr } from '../factors/bpr.ts';
import { fitEase } from '../factors/ease.ts';
import { createFactorScorer } from '../factors/factor-scorer.ts';
import { fitIals } from '../factors/ials.ts';
import { interactionWeights } from '../factors/interaction-weights.ts';
import { bm25Weights, tfIdfWeights } from '../factors/knn-weights.ts';
import { fitPureSvd } from '../factors/pure-svd.ts';
import { buildArtistEmbedding } from '../features/artist-embedding.ts';
import { artistFreshness } from '../features/freshness.ts';
import { artistPopularity } from '../features/popularity.ts';
import { fitTfIdf, type TfIdf } from '../features/tf-idf.ts';
import { filterCsr, mapCsr, transposeCsr, type Csr } from '../math/csr.ts';
import type { KnnWeighting, SourceParameters, TrainParameters } from '../options.ts';
import { fitFriends } from './friends.ts';
import { fitItemKnn } from './item-knn.ts';
import { fitPopular } from './popular.ts';
import type { CandidateSource } from './source.ts';
import { fitTagKnn } from './tag-knn.ts';
import { fitUserKnn } from './user-knn.ts';

/** What several sources are fitted on, computed once. */
export interface SourceInputs {
  readonly dataset: Dataset;
  /** Shape (nUsers, nArtists): 1 for each artist heard. */
  readonly binary: Csr;
  /** Shape (nUsers, nArtists): interaction weights by rank of the plays within the listener. */
  readonly weights: Csr;
  readonly tfIdf: TfIdf;
  /** Shape (nArtists, nTerms): sublinear in the number of assignments. */
  readonly sublinearTags: Csr;
  /** Shape (nArtists, nDimensions): tf-idf, freshness, popularity. */
  readonly embedding: Csr;
}

/**
 * @param terms - The words of the tag dimensions. Fits on parts of one data set share them, so that a dimension means
 *   the same in each.
 */
export function prepareSourceInputs(dataset: Dataset, terms: readonly string[]): SourceInputs {
  const tfIdf = fitTfIdf(dataset, { terms });
  return {
    dataset,
    binary: mapCsr(dataset.plays, () => 1),
    weights: interactionWeights(dataset.plays),
    tfIdf,
    sublinearTags: fitTfIdf(dataset, { terms, sublinear: true }).rows,
    embedding: buildArtistEmbedding(tfIdf.rows, {
      freshness: artistFreshness(dataset.tagAssignments, dataset.artists.size),
      popularity: artistPopularity(dataset.plays),
    }),
  };
}

/**
 * Fits one candidate source.
 *
 * @returns `null` where the data set lacks what the source is made of (friends, tags): the source is off, its scores are 0.
 *   Without tags `tag-knn` nominates the most listened artists, so that the seed preset still has candidates, and
 *   the co-listening sources leave their tag rows out.
 */
export function fitSource(
  source: SourceParameters,
  inputs: SourceInputs,
  parameters: TrainParameters,
): CandidateSource | null {
  const { dataset, binary, weights } = inputs;
  switch (source.name) {
    case 'popular':
      return fitPopular(dataset.plays, source);
    case 'friends':
      return dataset.friends === null ? null : fitFriends(weights, dataset.friends, source);
    case 'item-knn':
      return {
        ...fitItemKnn(itemKnnWeights(source.weighting, inputs), source),
        name: source.label ?? source.name,
      };
    case 'user-knn': {
      // A listener is the document, the artists are the terms.
      const compared =
        source.weighting === undefined ? undefined : knnWeights(dataset.plays, source.weighting);
      return { ...fitUserKnn(weights, { ...source, compared }), name: source.label ?? source.name };
    }
    case 'tag-knn':
      // Without tags only popularity is left of the embedding, and every direction is the same.
      if (dataset.tagAssignments === null) return { ...fitPopular(dataset.plays, source), name: source.name };
      return fitTagKnn(inputs.embedding, binary, {
        name: source.name,
        k: source.k,
        metric: parameters.metric,
      });
    case 'tag-profile':
      if (dataset.tagAssignments === null) return null;
      return fitTagKnn(
        profileEmbedding(inputs, source.contextWeight),
        mapCsr(dataset.plays, (plays) => Math.log1p(plays)),
        { name: source.label ?? source.name, k: source.k, metric: 'cosine' },
      );
    case 'ease': {
      const model = fitEase(source.weights === 'binary' ? binary : weights, {
        lambda: source.lambda,
        dropout: source.dropout,
        tagRows: source.tagWeight > 0 ? transposeCsr(scaled(inputs.sublinearTags, source.tagWeight)) : null,
      });
      return { name: source.label, k: source.k, scoreUser: model.scoreUser };
    }
    case 'ials':
      return fitIalsSource(source, inputs, parameters.randomState);
    case 'bpr':
      return fitBprSource(source, dataset, parameters.randomState);
    case 'pure-svd': {
      const model = fitPureSvd(source.weights === 'binary' ? binary : weights, source);
      return { name: source.label, k: source.k, scoreUser: model.scoreUser };
    }
    case 'biased-svd':
      return fitBiasedSvdSource(source, dataset, parameters.randomState);
    default:
      return source satisfies never;
  }
}

/** Plays of each document as weights, what is not worth comparing left out. */
function knnWeights(documents: Csr, weighting: KnnWeighting): Csr {
  switch (weighting.kind) {
    case 'binary':
      return mapCsr(documents, () => 1);
    case 'tf-idf':
      return tfIdfWeights(documents);
    case 'bm25':
      return bm25Weights(documents, weighting);
    default:
      return weighting satisfies never;
  }
}

/** Neighbours of artists are sought among the columns, so that an artist is the document and its listeners are the terms. */
function itemKnnWeights(weighting: KnnWeighting | undefined, { dataset, weights }: SourceInputs): Csr {
  if (weighting === undefined) return weights;
  const byListener = transposeCsr(knnWeights(transposeCsr(dataset.plays), weighting));
  // A listener of all artists but one weighs exactly 0, and fitItemKnn takes 0 for "not met yet".
  return filterCsr(byListener, (_user, _artist, value) => value !== 0);
}

function fitBprSource(
  source: SourceParameters & { readonly name: 'bpr' },
  { users, artists, plays }: Dataset,
  randomState: number,
): CandidateSource {
  const model = fitBpr(plays, { ...source, randomState, userIds: users.ids, itemIds: artists.ids });
  return { name: source.label, k: source.k, scoreUser: biasedScorer(model) };
}

function fitBiasedSvdSource(
  { label, k, svd }: SourceParameters & { readonly name: 'biased-svd' },
  { users, artists, plays }: Dataset,
  randomState: number,
): CandidateSource {
  const draw = { rank: svd.factors, seed: randomState };
  const model = fitBiasedSvd(ratingsFromPlays(plays), svd, {
    userFactors: drawInitialFactors(users.ids, 'user', draw),
    itemFactors: drawInitialFactors(artists.ids, 'artist', draw),
  });
  // The mean and the listener's bias are the same for every artist and leave the order as it is.
  return { name: label, k, scoreUser: biasedScorer({ ...model, factors: model.rank }) };
}

/** Scores ŷ_ui = b_i + p_u · q_i: the bias is one more factor, 1 for every listener. */
function biasedScorer(model: {
  readonly factors: number;
  readonly userFactors: Float64Array;
  readonly itemFactors: Float64Array;
  readonly itemBiases: Float64Array;
}): CandidateSource['scoreUser'] {
  const { factors, itemBiases } = model;
  // The scorer takes factors by fours: the rest is 0.
  const width = (factors + 4) & ~3;
  const widened = (rows: Float64Array, last: (row: number) => number): Float64Array => {
    const nRows = rows.length / factors;
    const out = new Float64Array(nRows * width);
    for (let r = 0; r < nRows; r++) {
      out.set(rows.subarray(r * factors, (r + 1) * factors), r * width);
      out[r * width + factors] = last(r);
    }
    return out;
  };
  return createFactorScorer(
    widened(model.userFactors, () => 1),
    widened(model.itemFactors, (item) => itemBiases[item]!),
    { factors: width },
  );
}

/** Tags, and freshness and popularity at their own weight: how the context columns of the embedding are toned down. */
function profileEmbedding({ embedding, sublinearTags }: SourceInputs, contextWeight: number): Csr {
  const nTerms = sublinearTags.nCols;
  const indptr = new Int32Array(embedding.nRows + 1);
  const indices: number[] = [];
  const values: number[] = [];
  for (let r = 0; r < embedding.nRows; r++) {
    for (let e = sublinearTags.indptr[r]!; e < sublinearTags.indptr[r + 1]!; e++) {
      indices.push(sublinearTags.indices[e]!);
      values.push(sublinearTags.values[e]!);
    }
    for (let e = embedding.indptr[r]!; e < embedding.indptr[r + 1]!; e++) {
      if (embedding.indices[e]! < nTerms) continue;
      indices.push(embedding.indices[e]!);
      values.push(contextWeight * embedding.values[e]!);
    }
    indptr[r + 1] = indices.length;
  }
  return {
    nRows: embedding.nRows,
    nCols: embedding.nCols,
    indptr,
    indices: Int32Array.from(indices),
    values: Float64Array.from(values),
  };
}

function fitIalsSource(
  source: SourceParameters & { readonly name: 'ials' },
  { dataset, weights, sublinearTags }: SourceInputs,
  randomState: number,
): CandidateSource {
  const nUsers = dataset.users.size;
  const nArtists = dataset.artists.size;
  const tags = source.tagWeight > 0 ? transposeCsr(scaled(sublinearTags, source.tagWeight)) : null;
  const friends =
    source.friendWeight > 0 && dataset.friends !== null ? scaled(dataset.friends, source.friendWeight) : null;
  const matrix = stack(weights, { below: tags, right: friends });
  const columnIds = dataset.artists.ids.map((id) => `artist:${id}`);
  const model = fitIals(matrix, {
    factors: source.factors,
    sweeps: source.sweeps,
    alpha0: source.alpha0,
    lambda: source.lambda,
    countOffset: source.countOffset,
    randomState,
    columnIds:
      friends === null ? columnIds : [...columnIds, ...dataset.users.ids.map((id) => `friend:${id}`)],
  });
  const { factors } = source;
  return {
    name: source.label,
    k: source.k,
    scoreUser: createFactorScorer(
      model.rowFactors.subarray(0, nUsers * factors),
      model.columnFactors.subarray(0, nArtists * factors),
      { factors },
    ),
  };
}

function scaled(matrix: Csr, weight: number): Csr {
  return mapCsr(matrix, (value) => weight * value);
}

/** [matrix right; below 0]: pseudo-rows under a matrix and pseudo-columns beside it. */
function stack(
  matrix: Csr,
  { below, right }: { readonly below: Csr | null; readonly right: Csr | null },
): Csr {
  const nRows = matrix.nRows + (below?.nRows ?? 0);
  const nCols = matrix.nCols + (right?.nCols ?? 0);
  const nnz = matrix.values.length + (below?.values.length ?? 0) + (right?.values.length ?? 0);
  const indptr = new Int32Array(nRows + 1);
  const indices = new Int32Array(nnz);
  const values = new Float64Array(nnz);
  let at = 0;
  const append = (part: Csr, row: number, offset: number): void => {
    for (let e = part.indptr[row]!; e < part.indptr[row + 1]!; e++) {
      indices[at] = part.indices[e]! + offset;
      values[at++] = part.values[e]!;
    }
  };
  for (let r = 0; r < nRows; r++) {
    if (r < matrix.nRows) {
      append(matrix, r, 0);
      if (right !== null) append(right, r, matrix.nCols);
    } else if (below !== null) {
      append(below, r - matrix.nRows, 0);
    }
    indptr[r + 1] = at;
  }
  return { nRows, nCols, indptr, indices, values };
}
