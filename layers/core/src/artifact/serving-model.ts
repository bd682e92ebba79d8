import { EncoreError } from '../errors.ts';
import type { TagPhrase } from '../explain/tag-profile.ts';
import type { FeatureSpace } from '../rank/features.ts';
import { artistLogits } from '../rank/ranker.ts';
import type { StageTwo } from '../rank/variants.ts';
import type { RecordShape } from './candidate-record.ts';
import { decodeCatalog, type ArtistTags } from './catalog.ts';
import { requireKnownFormat } from './format.ts';
import { MODEL_FILE } from './manifest.ts';
import { readServingTensors, recordShape, type PopularList } from './model-tensors.ts';
import { parseMetadata } from './read-metadata.ts';
import { decodeSafetensors, type Safetensors } from './safetensors.ts';

/** A model version in memory, as far as a request needs it. */
export interface ServingModel extends StageTwo {
  readonly popular: PopularList;
  /** Shape (nArtists,) each. */
  readonly artistIds: readonly string[];
  readonly artistNames: readonly string[];
  /** Shape (nArtists,): the artist's page, or an empty string. */
  readonly artistUrls: readonly string[];
  /** Empty where the version was published before they were kept. */
  readonly artistTags: ArtistTags;
  readonly recordShape: RecordShape;
  /** Shape (nTerms,): the words of the embedding's tag dimensions, which come first. */
  readonly terms: readonly string[];
  /** Tags of several words, by dimension; the most used first. */
  readonly phrases: readonly TagPhrase[];
}

/** The files of a version that serving reads. */
export interface ServingFiles {
  /** The first `servingBytes` of `model.safetensors`, or all of it. */
  readonly tensors: Uint8Array;
  /** `catalog.json.gz`. */
  readonly catalog: Uint8Array;
}

/**
 * Reads a model version for serving.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when a file is damaged, of another format, or does not fit the others.
 */
export async function loadServingModel(files: ServingFiles): Promise<ServingModel> {
  const { tensors, metadata } = decodeModelFile(files.tensors, { prefix: true });
  const space = parseSpace(metadata['space']);
  const terms = parseTerms(metadata['terms']);
  if (terms.length > space.nEmbedding) {
    throw new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `metadata terms: found ${terms.length} words, expected at most the ${space.nEmbedding} dimensions of the embedding`,
      { found: terms.length, expected: space.nEmbedding },
    );
  }
  const { ranker, variants, artists, popular } = readServingTensors(tensors, space);
  const catalog = await decodeCatalog(files.catalog);
  const nArtists = artists.embedding.nRows;
  if (catalog.ids.length !== nArtists) {
    throw new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `the catalogue has ${catalog.ids.length} artists, the model has ${nArtists}`,
      { found: catalog.ids.length, expected: nArtists },
    );
  }
  return {
    space,
    ranker,
    variants,
    artists,
    artistPart: artistLogits(space, ranker, artists),
    popular,
    artistIds: catalog.ids,
    artistNames: catalog.names,
    artistUrls: catalog.urls,
    artistTags: catalog.tags,
    recordShape: recordShape(space, nArtists),
    terms,
    phrases: parsePhrases(metadata['phrases'], terms.length),
  };
}

/**
 * Reads the tensors of a version, as {@link decodeSafetensors} does.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` as well when the metadata name a newer format.
 */
export function decodeModelFile(bytes: Uint8Array, options: { readonly prefix?: boolean } = {}): Safetensors {
  const file = decodeSafetensors(bytes, options);
  const { format } = file.metadata;
  // Metadata are text.
  requireKnownFormat(
    MODEL_FILE,
    format !== undefined && /^\d+$/.test(format) ? Number(format) : format,
    MODEL_FORMAT,
  );
  return file;
}

const MODEL_FORMAT = 1;

/** The feature space as the tensors' metadata carries it. */
export function formatSpace(space: FeatureSpace): string {
  return JSON.stringify(space);
}

export function parseSpace(text: string | undefined): FeatureSpace {
  const { sources, pairScores, nEmbedding, nFactors, crossFeatures, contexts } = parseMetadata<
    keyof FeatureSpace
  >('space', text);
  if (
    !isNames(sources) ||
    !isNames(pairScores) ||
    !isCount(nEmbedding) ||
    !isCount(nFactors) ||
    typeof crossFeatures !== 'boolean' ||
    !isNames(contexts)
  ) {
    throw new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `metadata space: found ${text ?? 'nothing'}, expected the names of the sources and the sizes of the parts`,
      { found: text },
    );
  }
  return { sources, pairScores, nEmbedding, nFactors, crossFeatures, contexts };
}

/** The words of the embedding's tag dimensions as the tensors' metadata carries them. */
export function parseTerms(text: string | undefined): readonly string[] {
  let value: unknown = null;
  try {
    value = JSON.parse(text ?? '[]');
  } catch {
    // Refused below, as anything else that is no list.
  }
  if (isNames(value)) return value;
  throw new EncoreError('ARTIFACT_INCOMPATIBLE', `metadata terms: found ${text}, expected a list of words`, {
    found: text,
  });
}

/**
 * Tags of several words as the tensors' metadata carries them; none where a version was written before there were any.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when they are no such list, or name a dimension that is no term.
 */
export function parsePhrases(text: string | undefined, nTerms: number): readonly TagPhrase[] {
  let value: unknown = null;
  try {
    value = JSON.parse(text ?? '[]');
  } catch {
    // Refused below, as anything else that is no list.
  }
  if (Array.isArray(value) && value.every((phrase) => isPhrase(phrase, nTerms))) return value;
  throw new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `metadata phrases: found ${text?.slice(0, 100)}, expected tags with the numbers of their words`,
    { found: text },
  );
}

function isPhrase(value: unknown, nTerms: number): value is TagPhrase {
  return (
    typeof value === 'object' &&
    value !== null &&
    'tag' in value &&
    typeof value.tag === 'string' &&
    'dimensions' in value &&
    Array.isArray(value.dimensions) &&
    value.dimensions.length > 1 &&
    value.dimensions.every((d) => isCount(d) && d < nTerms)
  );
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
