import { f32Tensor, f64Tensor, readFinite } from '../artifact/read-tensor.ts';
import type { Tensor } from '../artifact/safetensors.ts';
import { columnLengths, type Csr } from '../math/csr.ts';
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
import { createItemKnnScorer } from './item-knn.ts';
import type { SharedTables } from './shared-tables.ts';
import type { HistorySource } from './source.ts';
import type { SourceSpec, SourceSpecOf } from './source-spec.ts';
import { createTagScorer, profileEmbedding } from './tag-nearness.ts';
import { createUserKnnScorer, NOBODY } from './user-knn.ts';

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
      return createItemKnnScorer(shared.weights, { ...spec, remember: false });
    case 'user-knn': {
      const score = createUserKnnScorer(shared.weights, spec);
      return (history, out) => score(history, out, NOBODY);
    }
    case 'tags':
      return createTagsScorer(spec, shared);
    case 'ials':
      return createIalsScorer(readIals(spec, shared, tensors));
    default:
      return spec satisfies never;
  }
}

/** Most listened first: the number of listeners, the same row for everybody. */
export function createPopularScorer(plays: Csr): HistorySource['scoreHistory'] {
  const listeners = columnLengths(plays);
  return (_history, out) => out.set(listeners);
}

/** Nearness by tags as the spec has it: in the embedding as it is, or in one of sublinear tags and toned-down context. */
export function createTagsScorer(
  { metric, contextWeight }: SourceSpecOf<'tags'>,
  shared: SharedTables,
): HistorySource['scoreHistory'] {
  return contextWeight === null
    ? createTagScorer(shared.embedding, { metric, logPlays: false })
    : createTagScorer(profileEmbedding(shared, contextWeight), { metric, logPlays: true });
}

/** An EASE's own tables: what cannot be computed in a moment from the shared ones. */
export function easeTensors(name: string, { inverse, scale }: EaseTables): readonly Tensor[] {
  return [
    f32Tensor(`sources/${name}/inverse`, [inverse.length], Float32Array.from(inverse)),
    f64Tensor(`sources/${name}/scale`, [scale.length], scale),
  ];
}

function readEase(
  { name, binary, tagWeight, lambda, dropout }: SourceSpecOf<'ease'>,
  shared: SharedTables,
  tensors: ReadonlyMap<string, Tensor>,
): EaseTables {
  const x = binary ? shared.binary : shared.weights;
  const columns = easeColumns(x, tagRowsOf(shared.sublinearTags, tagWeight));
  return {
    columns,
    penalty: easePenalty(columns, { lambda, dropout }),
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
