import { EncoreError } from '../errors.ts';
import { gunzip, gzip } from './gzip.ts';

/** What is shown of the artists, by artist index. */
export interface Catalog {
  readonly ids: readonly string[];
  readonly names: readonly string[];
  /** The artist's page, or an empty string. */
  readonly urls: readonly string[];
}

/** Packs the catalogue as gzipped JSON: one array per field. */
export async function encodeCatalog({ ids, names, urls }: Catalog): Promise<Uint8Array> {
  return gzip(new TextEncoder().encode(JSON.stringify({ ids, names, urls })));
}

/** @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the bytes are no catalogue. */
export async function decodeCatalog(bytes: Uint8Array): Promise<Catalog> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(await gunzip(bytes)));
  } catch (cause) {
    throw new EncoreError('ARTIFACT_INCOMPATIBLE', 'catalog: found no gzipped JSON', {}, { cause });
  }
  const { ids, names, urls } = (value ?? {}) as Partial<Record<keyof Catalog, unknown>>;
  if (
    !isTexts(ids) ||
    !isTexts(names) ||
    !isTexts(urls) ||
    ids.length !== names.length ||
    ids.length !== urls.length
  ) {
    throw new EncoreError('ARTIFACT_INCOMPATIBLE', 'catalog: expected ids, names and urls of one length');
  }
  return { ids, names, urls };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}
