import type { Dataset } from '../data/dataset.ts';
import { EncoreError } from '../errors.ts';
import {
  dataSetScale,
  drawInitialFactors,
  fitBiasedSvd,
  ratingsFromPlays,
  type BiasedSvd,
} from '../factors/biased-svd.ts';
import { fitBpr, type BprFactors } from '../factors/bpr.ts';
import { createEaseModel, fitEase, MAX_DUAL_ROWS, type FittedEase } from '../factors/ease.ts';
import { createFactorScorer } from '../factors/factor-scorer.ts';
import { createIalsModel, fitIals, type FittedIals } from '../factors/ials.ts';
import { createPureSvdModel, fitPureSvd } from '../factors/pure-svd.ts';
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
  easeInputs,
  easeTensors,
  ialsTensors,
  itemKnnRows,
  pureSvdTensors,
} from '../scoring/create-source.ts';
import { tagRowsOf } from '../scoring/ease.ts';
import { rowHistory, unweighted } from '../scoring/history.ts';
import { createIalsScorer } from '../scoring/ials.ts';
import { createItemKnnScorer } from '../scoring/item-knn.ts';
import type { PureSvdTables } from '../scoring/pure-svd.ts';
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
 * What was fitted of a source and takes long to fit again, in full precision: plain data that survives structured cloning. With
 * the same data set and parameters {@link openSource} makes the same source of it, to the bit, on any machine.
 */
export type SourceTables =
  | ({ readonly kind: 'ease' } & Pick<FittedEase, 'inverse' | 'scale'>)
  | ({ readonly kind: 'ials' } & FittedIals)
  | ({ readonly kind: 'pure-svd' } & PureSvdTables)
  | ({ readonly kind: 'bpr' } & BprFactors)
  | ({ readonly kind: 'biased-svd' } & BiasedSvd);

/**
 * Fits one candidate source.
 *
 * @returns `null` where the data set lacks what the source is made of (friends, tags), or has too many listeners for it (EASE): the source is off, its scores are 0.
 *   Without tags `tag-knn` nominates the most listened artists, so that the seed preset still has candidates, and
 *   the co-listening sources leave their tag rows out.
 */
export function fitSource(
  source: SourceParameters,
  inputs: SourceInputs,
  parameters: TrainParameters,
): CandidateSource | null {
  return openSource(source, fitSourceTables(source, inputs, parameters), { inputs, parameters });
}

/**
 * The first half of {@link fitSource}: nearly all of its time.
 *
 * @returns `null` for a source that has nothing to fit: neighbours, tags and friends follow from the data set.
 */
export function fitSourceTables(
  source: SourceParameters,
  inputs: SourceInputs,
  { randomState }: Pick<TrainParameters, 'randomState'>,
): SourceTables | null {
  const { dataset, sublinearTags } = inputs;
  switch (source.name) {
    case 'ease': {
      if (!hasDual(source, inputs)) return null;
      const { inverse, scale } = fitEase(heardOf(source, inputs), {
        lambda: source.lambda,
        dropout: source.dropout,
        tagRows: tagRowsOf(sublinearTags, source.tagWeight),
      }).tables;
      return { kind: 'ease', inverse, scale };
    }
    case 'ials':
      return { kind: 'ials', ...fitIalsFactors(source, inputs, randomState) };
    case 'pure-svd':
      return { kind: 'pure-svd', ...fitPureSvd(heardOf(source, inputs), source).tables };
    case 'bpr': {
      const { users, artists, plays } = dataset;
      return {
        kind: 'bpr',
        ...fitBpr(plays, { ...source, randomState, userIds: users.ids, itemIds: artists.ids }),
      };
    }
    case 'biased-svd': {
      const { users, artists, plays } = dataset;
      const draw = { rank: source.svd.factors, seed: randomState };
      // A baseline, rated as the seed and others do.
      const ratings = ratingsFromPlays(plays, dataSetScale(plays));
      return {
        kind: 'biased-svd',
        ...fitBiasedSvd(ratings, source.svd, {
          userFactors: drawInitialFactors(users.ids, 'user', draw),
          itemFactors: drawInitialFactors(artists.ids, 'artist', draw),
        }),
      };
    }
    case 'friends':
    case 'item-knn':
    case 'popular':
    case 'tag-knn':
    case 'tag-profile':
    case 'user-knn':
      return null;
    default:
      return source satisfies never;
  }
}

/**
 * The second half of {@link fitSource}: the source that fitted tables make.
 *
 * @param tables - What {@link fitSourceTables} made of the same source, inputs and parameters.
 * @returns As {@link fitSource}.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the tables are of another kind of source.
 */
export function openSource(
  source: SourceParameters,
  tables: SourceTables | null,
  { inputs, parameters }: { readonly inputs: SourceInputs; readonly parameters: TrainParameters },
): CandidateSource | null {
  const { dataset, weights } = inputs;
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
    case 'ease':
      if (!hasDual(source, inputs)) return null;
      return openEase(source, tablesOf('ease', name, tables), inputs);
    case 'ials':
      return openIals(source, tablesOf('ials', name, tables), dataset);
    case 'bpr':
      // BPR has no closed form for a row that it was not fitted on: it ranks listeners of the training part and is silent about
      // any other history. A baseline may be that; a preset that has to fold new listeners in does not contain it.
      return silentSource({ name, k }, biasedScorer(tablesOf('bpr', name, tables)));
    case 'pure-svd': {
      const isBinary = source.weights === 'binary';
      const fitted = tablesOf('pure-svd', name, tables);
      const { scoreUser, scoreHistory } = createPureSvdModel(heardOf(source, inputs), fitted);
      return {
        name,
        k,
        scoreUser,
        scoreHistory: (history, out) => scoreHistory(isBinary ? unweighted(history) : history, out),
        encode: () => ({
          spec: { kind: 'pure-svd', name, k, factors: fitted.factors, binary: isBinary },
          tensors: pureSvdTensors(name, fitted),
        }),
      };
    }
    case 'biased-svd':
      return openBiasedSvd(source, tablesOf('biased-svd', name, tables), dataset);
    default:
      return source satisfies never;
  }
}

/** Fitted tables of the kind that a source is made of. */
function tablesOf<Kind extends SourceTables['kind']>(
  kind: Kind,
  name: string,
  tables: SourceTables | null,
): Extract<SourceTables, { readonly kind: Kind }> {
  if (tables !== null && isOfKind(tables, kind)) return tables;
  throw new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `fitted tables of the source ${name}: found ${tables?.kind ?? 'none'}, expected ${kind}`,
    { source: name, found: tables?.kind ?? null, expected: kind },
  );
}

function isOfKind<Kind extends SourceTables['kind']>(
  tables: SourceTables,
  kind: Kind,
): tables is Extract<SourceTables, { readonly kind: Kind }> {
  return tables.kind === kind;
}

/**
 * Whether EASE can be fitted: its dual form inverts a matrix with a row per listener and tag term. Beyond that the source is off, and what
 * grows with the interactions (iALS, neighbours, tags) is left.
 */
function hasDual(
  { tagWeight }: SourceParameters & { readonly name: 'ease' },
  { dataset, sublinearTags }: SourceInputs,
): boolean {
  return dataset.users.size + (tagWeight > 0 ? sublinearTags.nCols : 0) <= MAX_DUAL_ROWS;
}

/** Shape (nUsers, nArtists): what an artist heard counts to the model. */
function heardOf({ weights }: { readonly weights: 'binary' | 'play-rank' }, inputs: SourceInputs): Csr {
  return weights === 'binary' ? inputs.binary : inputs.weights;
}

function openEase(
  source: SourceParameters & { readonly name: 'ease' },
  { inverse, scale }: Pick<FittedEase, 'inverse' | 'scale'>,
  inputs: SourceInputs,
): CandidateSource {
  const { label: name, k, lambda, dropout, tagWeight, taggedWeight } = source;
  const binary = source.weights === 'binary';
  const shared = easeInputs({ binary, tagWeight, lambda, dropout }, inputs);
  const model = createEaseModel(heardOf(source, inputs), { ...shared, inverse, scale });
  const tagged = taggedWeight > 0 ? taggedNotHeard(inputs.dataset) : null;
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
    scoreHistory: (history, out) => model.scoreHistory(binary ? unweighted(history) : history, out),
    encode: () => ({
      spec: { kind: 'ease', name, k, lambda, dropout, binary, tagWeight },
      tensors: easeTensors(name, model.tables),
    }),
  };
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

function openBiasedSvd(
  { label: name, k, svd }: SourceParameters & { readonly name: 'biased-svd' },
  model: BiasedSvd,
  { plays }: Dataset,
): CandidateSource {
  const ratings = dataSetScale(plays);
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

/** Factors of listeners and of all columns: artists come first, then friends and tags as pseudo-items. */
function fitIalsFactors(
  source: SourceParameters & { readonly name: 'ials' },
  { dataset, weights, sublinearTags }: SourceInputs,
  randomState: number,
): FittedIals {
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
  const { factors, rowFactors, columnFactors, alpha0, lambda, offset } = fitIals(matrix, {
    factors: source.factors,
    sweeps: source.sweeps,
    alpha0: source.alpha0,
    lambda: source.lambda,
    countOffset: source.countOffset,
    randomState,
    columnIds,
  });
  // The rows of tags have done their work.
  const listeners = rowFactors.slice(0, dataset.users.size * factors);
  return { factors, rowFactors: listeners, columnFactors, alpha0, lambda, offset };
}

function openIals(
  { label: name, k }: SourceParameters & { readonly name: 'ials' },
  fitted: FittedIals,
  { artists }: Dataset,
): CandidateSource {
  const { factors, alpha0, lambda, offset } = fitted;
  const model = createIalsModel(fitted);
  let scoreHistory: CandidateSource['scoreHistory'] | undefined;
  return {
    name,
    k,
    scoreUser: createFactorScorer(model.rowFactors, model.columnFactors.subarray(0, artists.size * factors), {
      factors,
    }),
    scoreHistory: (history, out) => {
      scoreHistory ??= createIalsScorer(model.tables());
      scoreHistory(history, out);
    },
    encode: () => ({
      spec: { kind: 'ials', name, k, factors, alpha0, lambda, offset },
      tensors: ialsTensors(name, model.tables(), artists.size),
    }),
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
