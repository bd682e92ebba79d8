import { EncoreError } from '../errors.ts';
import type { ArtistCatalogue } from './artist-catalogue.ts';

/** Which artists a list may have; what is left out asks for nothing. */
export interface ArtistFilterOptions {
  /** At least one of these; none asks for nothing. Tags are compared by `normaliseName`; one that no artist has matches none. */
  readonly tags?: readonly string[];
  /** None of these. */
  readonly excludeTags?: readonly string[];
  /** Least popularity percentile, in [0, 100], itself allowed. */
  readonly minPopularity?: number;
  /** Largest popularity percentile, in [0, 100], itself allowed. */
  readonly maxPopularity?: number;
}

/**
 * Makes a test of artists, see {@link ArtistFilterOptions}; it costs an array access per artist.
 *
 * @returns `null` where the options ask for nothing.
 * @throws {@link EncoreError} `INVALID_OPTION` when a percentile is no number in [0, 100].
 */
export function createArtistFilter(
  catalogue: Pick<ArtistCatalogue, 'artistsWith' | 'percentiles'>,
  options: ArtistFilterOptions,
): ((artist: number) => boolean) | null {
  const { tags = [], excludeTags = [], minPopularity = 0, maxPopularity = 100 } = options;
  requirePercentile('minPopularity', minPopularity);
  requirePercentile('maxPopularity', maxPopularity);
  const asksForTags = tags.length > 0 || excludeTags.length > 0;
  if (!asksForTags && minPopularity <= 0 && maxPopularity >= 100) return null;

  const { percentiles } = catalogue;
  const allowed = new Uint8Array(percentiles.length).fill(tags.length > 0 ? 0 : 1);
  for (const tag of tags) for (const artist of catalogue.artistsWith(tag)) allowed[artist] = 1;
  for (const tag of excludeTags) for (const artist of catalogue.artistsWith(tag)) allowed[artist] = 0;
  return (artist) =>
    allowed[artist] === 1 && percentiles[artist]! >= minPopularity && percentiles[artist]! <= maxPopularity;
}

function requirePercentile(option: string, found: number): void {
  if (found >= 0 && found <= 100) return;
  throw new EncoreError('INVALID_OPTION', `${option} is ${found}: allowed is a percentile from 0 to 100`, {
    option,
    field: option,
    found,
  });
}
