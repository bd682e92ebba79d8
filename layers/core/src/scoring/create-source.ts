import { f32Tensor, f64Tensor, readFinite } from '../artifact/read-tensor.ts';
import type { Tensor } from '../artifact/safetensors.ts';
import { columnLengths, filterCsr, transposeCsr, type Csr } from '../math/csr.ts';
import { triangleLength } from '../math/packed-triangle.ts';
import {
  createEaseScorer,
  easeColumns,
  easePenalty,
  tagRowsOf,
  type CoListening,
  type EaseTables,
} from './ease.ts';
import { createIalsScorer, type IalsTables } from './ials.ts';
import { unweighted } from './history.ts';
import { createItemKnnScorer } from './item-knn.ts';
import { knnWeights, type KnnWeighting } from './knn-weights.ts';
import { createPureSvdScorer, type PureSvdTables } from './pure-svd.ts';
import { createBiasedSvdScorer, type SvdArtists } from './svd.ts';
import type { SharedTables } from './shared-tables.ts';
import type { HistorySource } from './source.ts';
import type { SourceSpec, SourceSpecOf } from './source-spec.ts';
import { createTagScorer, profileEmbedding } from './tag-nearness.ts';
import { createUserKnnScorer, NOBODY } from './user-knn.ts';

/** Artists whose neighbours a source keeps: 10 MB at 200 neighbours each. */
const REMEMBERED_ARTISTS = 4096;

/** A source as a version holds it. */
export interface StoredSource extends HistorySource {
  /** What its score can be split by artist heard with, where it is an EASE. */
  readonly coListening: CoListening | null;
}

/**
 * A source as a version holds it, ready to score.
 *
 * @param tensors - Where the source's own tables are, by name; the shared ones are in `shared`.
 * @throws EncoreError `ARTIFACT_INCOMPATIBLE` when a table is missing, of another shape, or not finite.
 */
export function createSource(
  spec: SourceSpec,
  shared: SharedTables,
  tensors: ReadonlyMap<string, Tensor>,
): StoredSource {
  const { name, k } = spec;
  if (spec.kind !== 'ease') {
    return { name, k, scoreHistory: scorerOf(spec, shared, tensors), coListening: null };
  }
  const tables = readEase(spec, shared, tensors);
  return {
    name,
    k,
    scoreHistory: createEaseScorer(tables, spec),
    coListening: { tables, binary: spec.binary },
  };
}

function scorerOf(
  spec: Exclude<SourceSpec, SourceSpecOf<'ease'>>,
  shared: SharedTables,
  tensors: ReadonlyMap<string, Tensor>,
): HistorySource['scoreHistory'] {
  switch (spec.kind) {
    case 'silent':
      return (_history, out) => void out.fill(0);
    case 'popular':
      return createPopularScorer(shared.plays);
    case 'item-knn':
      return createItemKnnScorer(itemKnnRows(shared, spec.weighting), {
        ...spec,
        remember: REMEMBERED_ARTISTS,
      });
    case 'user-knn': {
      const score = createUserKnnScorer(shared, spec);
      return (history, out, ownRow = NOBODY) => score(history, out, ownRow);
    }
    case 'tags':
      return createTagsScorer(spec, shared);
    case 'ials':
      return createIalsScorer(readIals(spec, shared, tensors));
    case 'pure-svd': {
      const score = createPureSvdScorer(readPureSvd(spec, shared, tensors));
      return (history, out) => score(spec.binary ? unweighted(history) : history, out);
    }
    case 'biased-svd':
      return createBiasedSvdScorer(readBiasedSvd(spec, shared, tensors));
    default:
      return spec satisfies never;
  }
}

/** Most listened first: the number of listeners, the same row for everybody. */
export function createPopularScorer(plays: Csr): HistorySource['scoreHistory'] {
  const listeners = columnLengths(plays);
  return (_history, out) => out.set(listeners);
}

/** What artists are compared by, one row per listener. An artist is the document and its listeners are the terms. */
export function itemKnnRows(
  { plays, weights }: Pick<SharedTables, 'plays' | 'weights'>,
  weighting: KnnWeighting | null,
): Csr {
  if (weighting === null) return weights;
  const byListener = transposeCsr(knnWeights(transposeCsr(plays), weighting));
  // A listener of all artists but one weighs exactly 0, and the scorer takes 0 for "not met yet".
  return filterCsr(byListener, (_user, _artist, value) => value !== 0);
}

/** Nearness by tags as the spec has it: in the embedding as it is, or in one of sublinear tags and toned-down context. */
export function createTagsScorer(
  { contextWeight, ...options }: Pick<SourceSpecOf<'tags'>, 'metric' | 'contextWeight' | 'weights'>,
  shared: SharedTables,
): HistorySource['scoreHistory'] {
  return createTagScorer(
    contextWeight === null ? shared.embedding : profileEmbedding(shared, contextWeight),
    options,
  );
}

/** An EASE's own tables: what cannot be computed in a moment from the shared ones. */
export function easeTensors(name: string, { inverse, scale }: EaseTables): readonly Tensor[] {
  return [
    f32Tensor(`sources/${name}/inverse`, [inverse.length], Float32Array.from(inverse)),
    f64Tensor(`sources/${name}/scale`, [scale.length], scale),
  ];
}

/** The tables of an EASE that follow from the shared ones. */
export function easeInputs(
  { binary, tagWeight, lambda, dropout }: Omit<SourceSpecOf<'ease'>, 'kind' | 'name' | 'k'>,
  shared: SharedTables,
): Pick<EaseTables, 'columns' | 'penalty'> {
  const x = binary ? shared.binary : shared.weights;
  const columns = easeColumns(x, tagRowsOf(shared.sublinearTags, tagWeight));
  return { columns, penalty: easePenalty(columns, { lambda, dropout }) };
}

function readEase(
  spec: SourceSpecOf<'ease'>,
  shared: SharedTables,
  tensors: ReadonlyMap<string, Tensor>,
): EaseTables {
  const { columns, penalty } = easeInputs(spec, shared);
  const { name } = spec;
  return {
    columns,
    penalty,
    inverse: readFinite(tensors, `sources/${name}/inverse`, Float32Array, triangleLength(columns.nCols)),
    scale: readFinite(tensors, `sources/${name}/scale`, Float64Array, columns.nRows),
  };
}

/** An iALS's own tables; of the columns only artists, friends as pseudo-items live on in the Gram matrix. */
export function ialsTensors(
  name: string,
  { factors, columnFactors, gram }: IalsTables,
  nArtists: number,
): readonly Tensor[] {
  return [
    f32Tensor(
      `sources/${name}/factors`,
      [nArtists, factors],
      Float32Array.from(columnFactors.subarray(0, nArtists * factors)),
    ),
    f64Tensor(`sources/${name}/gram`, [gram.length], gram),
  ];
}

function readIals(
  { name, factors, alpha0, lambda, offset }: SourceSpecOf<'ials'>,
  { plays }: SharedTables,
  tensors: ReadonlyMap<string, Tensor>,
): IalsTables {
  return {
    factors,
    columnFactors: readFinite(tensors, `sources/${name}/factors`, Float32Array, plays.nCols * factors),
    gram: readFinite(tensors, `sources/${name}/gram`, Float64Array, triangleLength(factors)),
    alpha0,
    lambda,
    offset,
  };
}

export function pureSvdTensors(name: string, { factors, columns }: PureSvdTables): readonly Tensor[] {
  return [
    f32Tensor(
      `sources/${name}/factors`,
      [columns.length / Math.max(1, factors), factors],
      Float32Array.from(columns),
    ),
  ];
}

function readPureSvd(
  { name, factors }: SourceSpecOf<'pure-svd'>,
  { plays }: SharedTables,
  tensors: ReadonlyMap<string, Tensor>,
): PureSvdTables {
  const columns = readFinite(tensors, `sources/${name}/factors`, Float32Array, plays.nCols * factors);
  return { factors, columns };
}

export function biasedSvdTensors(
  name: string,
  { nFactors, itemBiases, itemFactors }: Pick<SvdArtists, 'nFactors' | 'itemBiases' | 'itemFactors'>,
): readonly Tensor[] {
  return [
    f32Tensor(`sources/${name}/biases`, [itemBiases.length], Float32Array.from(itemBiases)),
    f32Tensor(`sources/${name}/factors`, [itemBiases.length, nFactors], Float32Array.from(itemFactors)),
  ];
}

function readBiasedSvd(
  { name, factors, globalMean, lowest, highest, regularisation }: SourceSpecOf<'biased-svd'>,
  { plays }: SharedTables,
  tensors: ReadonlyMap<string, Tensor>,
): SvdArtists {
  return {
    nFactors: factors,
    globalMean,
    itemBiases: readFinite(tensors, `sources/${name}/biases`, Float32Array, plays.nCols),
    itemFactors: readFinite(tensors, `sources/${name}/factors`, Float32Array, plays.nCols * factors),
    ratings: { lowest, highest },
    regularisation,
  };
}
