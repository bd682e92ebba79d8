import { readFinite, readCsr } from '../artifact/read-tensor.ts';
import { readServingTensors } from '../artifact/model-tensors.ts';
import { parseMetadata } from '../artifact/read-metadata.ts';
import type { Tensor } from '../artifact/safetensors.ts';
import { decodeModelFile, parseSpace, type ServingModel } from '../artifact/serving-model.ts';
import { EncoreError } from '../errors.ts';
import { columnLengths, type Csr } from '../math/csr.ts';
import { createSource } from '../scoring/create-source.ts';
import type { CoListening } from '../scoring/ease.ts';
import { createNominationBuffers, type NominationBuffers } from '../scoring/nominate.ts';
import { createSharedTables, type SharedTables } from '../scoring/shared-tables.ts';
import type { HistorySource, PairScorer } from '../scoring/source.ts';
import { parseSourceSpec } from '../scoring/source-spec.ts';
import type { SvdArtists } from '../scoring/svd.ts';
import { createTagSimilarity } from '../scoring/tag-similarity.ts';
import { FOLD_IN, PLAYS, SUBLINEAR_TAGS, TAG_COMPONENTS, type FoldInDescription } from './encode-fold-in.ts';

/** A source as a version holds it, and whether it says nothing of any history: then only training could score by it. */
export interface FoldInSource extends HistorySource {
  readonly silent: boolean;
}

/** Everything that a listener who was not there at training is scored from. */
export interface FoldInModel {
  readonly nArtists: number;
  /** In the order of the feature space. */
  readonly sources: readonly FoldInSource[];
  readonly pairScorers: readonly PairScorer[];
  /** The first EASE among the sources, for explanations; `null` where there is none. */
  readonly coListening: CoListening | null;
  readonly svd: SvdArtists;
  /** Shape (nUsers, nArtists): play counts of the training part. */
  readonly plays: Csr;
  /** Shape (nArtists,): listeners of each artist. */
  readonly listeners: Int32Array;
  /** Tag freshness of a listener who never tagged. */
  readonly neverTagged: number;
  /** Reused from listener to listener. */
  readonly buffers: NominationBuffers;
}

/**
 * Reads what new listeners are folded in from.
 *
 * @param bytes - The whole of `model.safetensors`: these tensors stand behind those that serving starts with.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when a tensor is missing, damaged or does not fit the others, or the
 *   version was published without them.
 */
export function loadFoldIn(bytes: Uint8Array): FoldInModel {
  const { tensors, metadata } = decodeModelFile(bytes);
  const space = parseSpace(metadata['space']);
  const description = parseDescription(metadata[FOLD_IN]);
  const names = description.sources.map(({ name }) => name);
  if (names.join() !== space.sources.join()) {
    throw new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `metadata ${FOLD_IN}: found the sources ${names.join(', ')}, the model has ${space.sources.join(', ')}`,
      { found: names, expected: space.sources },
    );
  }
  const { artists } = readServingTensors(tensors, space);
  const nArtists = artists.embedding.nRows;
  const shared = readSharedTables(tensors, artists.embedding, description.nTerms);
  const d = description.tagComponents;
  const sources = description.sources.map((spec) => ({
    ...createSource(spec, shared, tensors),
    silent: spec.kind === 'silent',
  }));
  return {
    nArtists,
    sources,
    coListening: sources.find(({ coListening }) => coListening !== null)?.coListening ?? null,
    pairScorers:
      d === null
        ? []
        : [
            createTagSimilarity(shared.sublinearTags, {
              d,
              components: readFinite(tensors, TAG_COMPONENTS, Float32Array, description.nTerms * d),
            }),
          ],
    svd: {
      nFactors: space.nFactors,
      globalMean: readFinite(tensors, 'svd/global_mean', Float64Array, 1)[0]!,
      itemBiases: readFinite(tensors, 'svd/item_biases', Float32Array, nArtists),
      itemFactors: artists.factors,
      ratings: description.ratings,
      regularisation: description.regularisation,
    },
    plays: shared.plays,
    listeners: columnLengths(shared.plays),
    neverTagged: description.neverTagged,
    buffers: createNominationBuffers(names.length, nArtists),
  };
}

/**
 * The row of the training part that a listener's stored history is.
 *
 * @param heard - Shape (n,): artist indices, ascending, as a record keeps them.
 * @returns The first row of exactly these artists; `undefined` where there is none, as for a listener who is new or whose history is
 *   longer than a record keeps.
 */
export function ownRowOf({ plays }: Pick<FoldInModel, 'plays'>, heard: Int32Array): number | undefined {
  const { nRows, indptr, indices } = plays;
  const n = heard.length;
  if (n === 0) return undefined;
  for (let u = 0; u < nRows; u++) {
    const from = indptr[u]!;
    if (indptr[u + 1]! - from !== n || indices[from] !== heard[0]) continue;
    let h = 1;
    while (h < n && indices[from + h] === heard[h]) h++;
    if (h === n) return u;
  }
  return undefined;
}

/** @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the two models do not belong together. */
export function requireSameVersion(
  { space, recordShape }: Pick<ServingModel, 'space' | 'recordShape'>,
  { sources, nArtists }: FoldInModel,
): void {
  const names = sources.map(({ name }) => name).join(', ');
  if (recordShape.catalogueSize === nArtists && space.sources.join(', ') === names) return;
  throw new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `fold-in tensors are of another version: ${nArtists} artists and the sources ${names}, the model has ` +
      `${recordShape.catalogueSize} and ${space.sources.join(', ')}`,
    { found: nArtists, expected: recordShape.catalogueSize },
  );
}

/**
 * The tables that sources share.
 *
 * @param embedding - Shape (nArtists, nDimensions).
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when one is missing, damaged or of another shape.
 */
export function readSharedTables(
  tensors: ReadonlyMap<string, Tensor>,
  embedding: Csr,
  nTerms: number,
): SharedTables {
  const nArtists = embedding.nRows;
  const plays = readCsr(tensors, PLAYS, { nRows: null, nCols: nArtists });
  const sublinearTags = readCsr(tensors, SUBLINEAR_TAGS, { nRows: nArtists, nCols: nTerms });
  return createSharedTables({ plays, sublinearTags, embedding });
}

function parseDescription(text: string | undefined): FoldInDescription {
  const { sources, nTerms, tagComponents, neverTagged, ratings, regularisation } = parseMetadata<
    keyof FoldInDescription
  >(FOLD_IN, text);
  if (
    !Array.isArray(sources) ||
    !isAmount(nTerms) ||
    !(tagComponents === null || isAmount(tagComponents)) ||
    !isAmount(neverTagged) ||
    !isScale(ratings) ||
    !isAmount(regularisation)
  ) {
    throw new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `metadata ${FOLD_IN}: found ${text ?? 'nothing'}, expected sources and sizes; a version without them ` +
        'was published before new listeners could be folded in: train anew',
      { found: text },
    );
  }
  return {
    sources: sources.map(parseSourceSpec),
    nTerms,
    tagComponents,
    neverTagged,
    ratings,
    regularisation,
  };
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isScale(value: unknown): value is FoldInDescription['ratings'] {
  return (
    typeof value === 'object' &&
    value !== null &&
    ('quantile' in value
      ? isAmount(value.quantile) && value.quantile > 0 && value.quantile <= 1
      : 'lowest' in value && 'highest' in value && isAmount(value.lowest) && isAmount(value.highest))
  );
}
