import { EncoreError } from '../errors.ts';
import { requireKnownFormat } from './format.ts';
import { gunzip, gzip } from './gzip.ts';

/** What is shown of the artists, by artist index. */
export interface Catalog {
  readonly ids: readonly string[];
  readonly names: readonly string[];
  /** The artist's page, or an empty string. */
  readonly urls: readonly string[];
  readonly tags: ArtistTags;
}

/** The tags that stand for each artist, those given most often first. */
export interface ArtistTags {
  /** Shape (nTags,): distinct. */
  readonly names: readonly string[];
  /** Shape (nArtists + 1,): artist i has the entries [starts[i], starts[i + 1]). */
  readonly starts: Int32Array;
  /** Shape (nEntries,): index of the tag in `names`. */
  readonly tags: Int32Array;
  /** Shape (nEntries,): how often listeners gave the artist this tag, >= 1. */
  readonly counts: Int32Array;
}

/** Tags of a catalogue that has none. */
export function noTags(nArtists: number): ArtistTags {
  return {
    names: [],
    starts: new Int32Array(nArtists + 1),
    tags: new Int32Array(0),
    counts: new Int32Array(0),
  };
}

/** Packs the catalogue as gzipped JSON: one array per field; of the tags, how many each artist has in the place of `starts`. */
export async function encodeCatalog(
  catalog: Omit<Catalog, 'tags'> & Partial<Pick<Catalog, 'tags'>>,
): Promise<Uint8Array> {
  const { ids, names, urls, tags } = catalog;
  const json = JSON.stringify({ ids, names, urls, ...(tags === undefined ? {} : { tags: plainTags(tags) }) });
  return gzip(new TextEncoder().encode(json));
}

function plainTags({
  names,
  starts,
  tags,
  counts,
}: ArtistTags): Readonly<Record<keyof EncodedTags, unknown>> {
  const lengths = Array.from(
    { length: starts.length - 1 },
    (_, artist) => starts[artist + 1]! - starts[artist]!,
  );
  return { names, lengths, tags: Array.from(tags), counts: Array.from(counts) };
}

interface EncodedTags {
  readonly names: readonly string[];
  readonly lengths: readonly number[];
  readonly tags: readonly number[];
  readonly counts: readonly number[];
}

/**
 * Reads a catalogue. One that was written before there were tags has none.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the bytes are no catalogue, or of a newer format.
 */
export async function decodeCatalog(bytes: Uint8Array): Promise<Catalog> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(await gunzip(bytes)));
  } catch (cause) {
    throw new EncoreError('ARTIFACT_INCOMPATIBLE', 'catalog: found no gzipped JSON', {}, { cause });
  }
  const { format, ids, names, urls, tags } = (value ?? {}) as Partial<
    Record<keyof Catalog | 'format', unknown>
  >;
  requireKnownFormat('catalog', format, CATALOG_FORMAT);
  if (
    !isTexts(ids) ||
    !isTexts(names) ||
    !isTexts(urls) ||
    ids.length !== names.length ||
    ids.length !== urls.length
  ) {
    throw new EncoreError('ARTIFACT_INCOMPATIBLE', 'catalog: expected ids, names and urls of one length');
  }
  return { ids, names, urls, tags: tags === undefined ? noTags(ids.length) : decodeTags(tags, ids.length) };
}

function decodeTags(value: unknown, nArtists: number): ArtistTags {
  const { names, lengths, tags, counts } = (value ?? {}) as Partial<Record<keyof EncodedTags, unknown>>;
  if (
    isTexts(names) &&
    isIntegers(lengths, 0, LARGEST_COUNT) &&
    isIntegers(tags, 0, names.length - 1) &&
    isIntegers(counts, 1, LARGEST_COUNT) &&
    lengths.length === nArtists &&
    tags.length === counts.length
  ) {
    const starts = new Int32Array(nArtists + 1);
    // Summed as a double: what an element of `starts` could not hold is more than there are tags.
    let end = 0;
    for (let artist = 0; artist < nArtists; artist++) starts[artist + 1] = end += lengths[artist]!;
    if (end === tags.length) {
      return { names, starts, tags: Int32Array.from(tags), counts: Int32Array.from(counts) };
    }
  }
  throw new EncoreError(
    'ARTIFACT_INCOMPATIBLE',
    `catalog: expected tags with names, ${nArtists} lengths, and as many tags and counts as these sum to`,
    { expected: nArtists },
  );
}

const CATALOG_FORMAT = 1;
const LARGEST_COUNT = 2 ** 31 - 1;

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isIntegers(value: unknown, least: number, most: number): value is readonly number[] {
  return (
    Array.isArray(value) &&
    value.every((item) => typeof item === 'number' && Number.isInteger(item) && item >= least && item <= most)
  );
}
