import type { Dataset } from '../data/dataset.ts';
import { dataSetScale, drawInitialFactors, fitBiasedSvd, ratingsFromPlays } from '../factors/biased-svd.ts';
import { fitBpr } from '../factors/bpr.ts';
import { fitEase } from '../factors/ease.ts';
import { createFactorScorer } from '../factors/factor-scorer.ts';
import { fitIals } from '../factors/ials.ts';
import { fitPureSvd } from '../factors/pure-svd.ts';
import { buildArtistEmbedding } from '../features/artist-embedding.ts';
import { artistFreshness } from '../features/freshness.ts';
import { listenerTags, taggedArtists } from '../features/listener-tags.ts';
import { artistPopularity, weightedPopularity } from '../features/popularity.ts';
import { fitTfIdf, type TfIdf } from '../features/tf-idf.ts';
import { filterCsr, mapCsr, type Csr } from '../math/csr.ts';
import { sourceLabel, type PlayScales, type SourceParameters, type TrainParameters } from '../options.ts';
import {
  biasedSvdTensors,
  createPopularScorer,
  createTagsScorer,
  easeTensors,
  ialsTensors,
  itemKnnRows,
  pureSvdTensors,
} from '../scoring/create-source.ts';
import { tagRowsOf } from '../scoring/ease.ts';
import { rowHistory, unweighted } from '../scoring/history.ts';
import { createIalsScorer } from '../scoring/ials.ts';
import { createItemKnnScorer } from '../scoring/item-knn.ts';
import { createSharedTables, interactionWeights, type SharedTables } from '../scoring/shared-tables.ts';
import { silentSource } from './silent-source.ts';
import type { CandidateSource } from '../scoring/source.ts';
import type { SourceSpec, SourceSpecOf } from '../scoring/source-spec.ts';
import { createBiasedSvdScorer } from '../scoring/svd.ts';
import { createUserKnnScorer, NOBODY } from '../scoring/user-knn.ts';
import { fitFriends } from './friends.ts';

/** What several sources are fitted on, computed once. */
export interface SourceInputs extends SharedTables {
  readonly dataset: Dataset;
  readonly tfIdf: TfIdf;
}

/**
 * @param terms - The words of the tag dimensions. Fits on parts of one data set share them, so that a dimension means
 *   the same in each.
 * @param options - `playScales` of the preset.
 */
export function prepareSourceInputs(
  dataset: Dataset,
  terms: readonly string[],
  { playScales }: { readonly playScales: PlayScales },
): SourceInputs {
  const { popularityQuantile } = playScales;
  const tfIdf = fitTfIdf(dataset, { terms });
  const shared = createSharedTables({
    plays: dataset.plays,
    sublinearTags: fitTfIdf(dataset, { terms, sublinear: true }).rows,
    embedding: buildArtistEmbedding(tfIdf.rows, {
      freshness: artistFreshness(dataset.tagAssignments, dataset.artists.size),
      popularity:
        popularityQuantile === null
          ? artistPopularity(dataset.plays)
          : weightedPopularity(interactionWeights(dataset.plays), popularityQuantile),
    }),
  });
  return { ...shared, dataset, tfIdf };
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
  const name = sourceLabel(source);
  const { k } = source;
  switch (source.name) {
    case 'popular':
      return stored({ kind: 'popular', name, k }, createPopularScorer(dataset.plays), inputs);
    case 'friends':
      return dataset.friends === null ? null : fitFriends(weights, dataset.friends, { name, k });
    case 'item-knn': {
      const { neighbours, shrink, weighting = null } = source;
      const rows = itemKnnRows(inputs, weighting);
      const score = createItemKnnScorer(rows, { neighbours, shrink, remember: Infinity });
      return stored({ kind: 'item-knn', name, k, neighbours, shrink, weighting }, score, inputs);
    }
    case 'user-knn': {
      const { neighbours, exponent, weighting = null } = source;
      const score = createUserKnnScorer(inputs, { neighbours, exponent, weighting });
      return {
        ...stored(
          { kind: 'user-knn', name, k, neighbours, exponent, weighting },
          (history, out) => score(history, out, NOBODY),
          inputs,
        ),
        scoreUser: (user, out) => score(rowHistory(inputs, user), out, user),
      };
    }
    case 'tag-knn':
      // Without tags only popularity is left of the embedding, and every direction is the same.
      if (dataset.tagAssignments === null) {
        return stored({ kind: 'popular', name, k }, createPopularScorer(dataset.plays), inputs);
      }
      return storedTags(
        { kind: 'tags', name, k, metric: parameters.metric, contextWeight: null, weights: 'binary' },
        inputs,
      );
    case 'tag-profile': {
      if (dataset.tagAssignments === null) return null;
      const { contextWeight, weights: historyWeights } = source;
      return storedTags(
        { kind: 'tags', name, k, metric: 'cosine', contextWeight, weights: historyWeights },
        inputs,
      );
    }
    case 'ease': {
      const { lambda, dropout, tagWeight, taggedWeight } = source;
      const isBinary = source.weights === 'binary';
      const model = fitEase(isBinary ? binary : weights, {
        lambda,
        dropout,
        tagRows: tagRowsOf(inputs.sublinearTags, tagWeight),
      });
      const tagged = taggedWeight > 0 ? taggedNotHeard(dataset) : null;
      return {
        name,
        k,
        scoreUser: (user, out) => {
          if (tagged === null) model.scoreUser(user, out);
          else {
            const items = tagged.indices.subarray(tagged.indptr[user], tagged.indptr[user + 1]);
            model.scoreUser(user, out, { items, weights: new Float64Array(items.length).fill(taggedWeight) });
          }
        },
        scoreHistory: (history, out) => model.scoreHistory(isBinary ? unweighted(history) : history, out),
        encode: () => ({
          spec: { kind: 'ease', name, k, lambda, dropout, binary: isBinary, tagWeight },
          tensors: easeTensors(name, model.tables()),
        }),
      };
    }
    case 'ials':
      return fitIalsSource(source, inputs, parameters.randomState);
    case 'bpr':
      return fitBprSource(source, dataset, parameters.randomState);
    case 'pure-svd': {
      const isBinary = source.weights === 'binary';
      const { scoreUser, scoreHistory, tables } = fitPureSvd(isBinary ? binary : weights, source);
      return {
        name,
        k,
        scoreUser,
        scoreHistory: (history, out) => scoreHistory(isBinary ? unweighted(history) : history, out),
        encode: () => ({
          spec: { kind: 'pure-svd', name, k, factors: tables.factors, binary: isBinary },
          tensors: pureSvdTensors(name, tables),
        }),
      };
    }
    case 'biased-svd':
      return fitBiasedSvdSource(source, dataset, parameters.randomState);
    default:
      return source satisfies never;
  }
}

/** A source that the shared tables are enough for, and that knows no more of its own listeners than what they heard. */
function stored(
  spec: SourceSpec,
  scoreHistory: CandidateSource['scoreHistory'],
  inputs: SourceInputs,
): CandidateSource {
  return {
    name: spec.name,
    k: spec.k,
    scoreHistory,
    scoreUser: (user, out) => scoreHistory(rowHistory(inputs, user), out),
    encode: () => ({ spec, tensors: [] }),
  };
}

/**
 * BPR has no closed form for a row that it was not fitted on: it ranks listeners of the training part and is silent about any other
 * history. A baseline may be that; a preset that has to fold new listeners in does not contain it.
 */
function fitBprSource(
  { label: name, k, ...parameters }: SourceParameters & { readonly name: 'bpr' },
  { users, artists, plays }: Dataset,
  randomState: number,
): CandidateSource {
  const model = fitBpr(plays, { ...parameters, randomState, userIds: users.ids, itemIds: artists.ids });
  return silentSource({ name, k }, biasedScorer(model));
}

function fitBiasedSvdSource(
  { label: name, k, svd }: SourceParameters & { readonly name: 'biased-svd' },
  { users, artists, plays }: Dataset,
  randomState: number,
): CandidateSource {
  const draw = { rank: svd.factors, seed: randomState };
  // A baseline, rated as the seed and others do.
  const ratings = dataSetScale(plays);
  const model = fitBiasedSvd(ratingsFromPlays(plays, ratings), svd, {
    userFactors: drawInitialFactors(users.ids, 'user', draw),
    itemFactors: drawInitialFactors(artists.ids, 'artist', draw),
  });
  const { globalMean, itemBiases, itemFactors } = model;
  const { factors, regularisation } = svd;
  return {
    name,
    k,
    // The mean and the listener's bias are the same for every artist and leave the order as it is.
    scoreUser: biasedScorer({ ...model, factors }),
    scoreHistory: createBiasedSvdScorer({
      nFactors: factors,
      globalMean,
      itemBiases,
      itemFactors,
      ratings,
      regularisation,
    }),
    encode: () => ({
      spec: { kind: 'biased-svd', name, k, factors, globalMean, ...ratings, regularisation },
      tensors: biasedSvdTensors(name, { nFactors: factors, itemBiases, itemFactors }),
    }),
  };
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

/** Shape (nUsers, nArtists): artists that a listener has tagged and not heard. */
function taggedNotHeard(dataset: Dataset): Csr | null {
  const tagged = taggedArtists(dataset);
  if (tagged === null) return null;
  const { plays } = dataset;
  let heard = new Set<number>();
  let of = -1;
  return filterCsr(tagged, (user, artist) => {
    if (user !== of) {
      heard = new Set(plays.indices.subarray(plays.indptr[user], plays.indptr[user + 1]));
      of = user;
    }
    return !heard.has(artist);
  });
}

function storedTags(spec: SourceSpecOf<'tags'>, inputs: SourceInputs): CandidateSource {
  return stored(spec, createTagsScorer(spec, inputs), inputs);
}

function fitIalsSource(
  source: SourceParameters & { readonly name: 'ials' },
  { dataset, weights, sublinearTags }: SourceInputs,
  randomState: number,
): CandidateSource {
  const nUsers = dataset.users.size;
  const nArtists = dataset.artists.size;
  const tags = tagRowsOf(sublinearTags, source.tagWeight);
  const friends =
    source.friendWeight > 0 && dataset.friends !== null
      ? mapCsr(dataset.friends, (value) => source.friendWeight * value)
      : null;
  const own = source.listenerTagWeight > 0 ? listenerTags(dataset) : null;
  const listenersTags = own === null ? null : mapCsr(own, (value) => source.listenerTagWeight * value);
  const besides = friends === null ? listenersTags : stack(friends, { below: null, right: listenersTags });
  const matrix = stack(weights, { below: tags, right: besides });
  const columnIds = [
    ...dataset.artists.ids.map((id) => `artist:${id}`),
    ...(friends === null ? [] : dataset.users.ids.map((id) => `friend:${id}`)),
    ...(listenersTags === null ? [] : dataset.tags.ids.map((id) => `tag:${id}`)),
  ];
  const model = fitIals(matrix, {
    factors: source.factors,
    sweeps: source.sweeps,
    alpha0: source.alpha0,
    lambda: source.lambda,
    countOffset: source.countOffset,
    randomState,
    columnIds,
  });
  const { factors, k } = source;
  const name = source.label;
  let scoreHistory: CandidateSource['scoreHistory'] | undefined;
  return {
    name,
    k,
    scoreUser: createFactorScorer(
      model.rowFactors.subarray(0, nUsers * factors),
      model.columnFactors.subarray(0, nArtists * factors),
      { factors },
    ),
    scoreHistory: (history, out) => {
      scoreHistory ??= createIalsScorer(model.tables());
      scoreHistory(history, out);
    },
    encode: () => {
      const { alpha0, lambda, offset } = model.tables();
      return {
        spec: { kind: 'ials', name, k, factors, alpha0, lambda, offset },
        tensors: ialsTensors(name, model.tables(), nArtists),
      };
    },
  };
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
