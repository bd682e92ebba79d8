import type { ServingModel } from '../artifact/serving-model.ts';
import { createArtistCatalogue, type ArtistCatalogue } from '../catalogue/artist-catalogue.ts';
import { createArtistIndex, type ArtistIndex } from '../fold-in/resolve-artists.ts';
import { oncePerObject } from '../math/once-per-object.ts';

/** The catalogue of a model, made once: popular order, percentiles, tags. */
export const catalogueOf: (model: ServingModel) => ArtistCatalogue = oncePerObject(createArtistCatalogue);

/** Artist indices of a model by id, made once. */
export const artistsById: (model: Pick<ServingModel, 'artistIds'>) => ReadonlyMap<string, number> =
  oncePerObject(({ artistIds }) => new Map(artistIds.map((id, artist) => [id, artist])));

/** Artists of a model by id and by name as people write it, made once. */
export const artistIndexOf: (model: ServingModel) => ArtistIndex = oncePerObject(createArtistIndex);
