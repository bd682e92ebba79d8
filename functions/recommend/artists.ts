import {
  artistIndexOf,
  catalogueOf,
  createArtistFilter,
  createSearchIndex,
  createSimilarArtists,
  EncoreError,
  oncePerObject,
  searchArtists,
  type ArtistCatalogue,
  type FoldInModel,
  type ServingModel,
} from '@encore/core/serve';
import type * as z from 'zod';
import { etagOf } from '../shared/etag-of.ts';
import type { RouteHandlers, RouteResponse } from '../shared/http.ts';
import type { artistRoutes } from './artists-contract.ts';
import type { LoadedModel, ModelSource } from './model-source.ts';
import { webAddress } from './web-address.ts';

/** What the routes about artists work with. */
export interface ArtistRouteDeps {
  readonly models: ModelSource<ServingModel>;
  /** The listening of a version if it is in memory, else `null`; asking may have it loaded for later. Never throws. */
  readonly foldIn: (version: string) => FoldInModel | null;
}

/** Handlers of the routes about artists: of the current model alone, so that there is nothing to wait for. */
export function createArtistRoutes(deps: ArtistRouteDeps): RouteHandlers<typeof artistRoutes> {
  const { models } = deps;
  const searchIndexOf = oncePerObject((model: ServingModel) =>
    createSearchIndex(model.artistNames, catalogueOf(model).byPopularity),
  );
  const byTagsOf = oncePerObject((model: ServingModel) =>
    createSimilarArtists(model, catalogueOf(model), null),
  );
  const byListeningOf = oncePerObject((model: ServingModel) =>
    oncePerObject((foldIn: FoldInModel) => createSimilarArtists(model, catalogueOf(model), foldIn)),
  );

  async function currentModel(): Promise<LoadedModel<ServingModel>> {
    const loaded = await models.current();
    if (loaded !== null) return loaded;
    throw new EncoreError('STORE_UNAVAILABLE', 'no model is loaded yet');
  }

  return {
    'GET /artists': async ({ query: { query, n } }) => {
      const { model, version } = await currentModel();
      const found = searchArtists(searchIndexOf(model), query, n);
      return answer(
        'GET /artists',
        { query, n },
        {
          modelVersion: version,
          query,
          artists: found.map(({ artist, match }) => ({
            ...listed(model, catalogueOf(model), artist),
            match,
          })),
        },
      );
    },

    'GET /artists/popular': async ({ query: { tag, n, offset } }) => {
      const { model, version } = await currentModel();
      const catalogue = catalogueOf(model);
      const filter = createArtistFilter(catalogue, tag === undefined ? {} : { tags: [tag] });
      const artists = filter === null ? catalogue.byPopularity : catalogue.byPopularity.filter(filter);
      return answer(
        'GET /artists/popular',
        { tag, n, offset },
        {
          modelVersion: version,
          tag: tag ?? null,
          total: artists.length,
          offset,
          artists: Array.from(artists.subarray(offset, offset + n), (artist, position) => ({
            ...listed(model, catalogue, artist),
            rank: offset + position + 1,
            share: Number(catalogue.shares[artist]!.toPrecision(6)),
          })),
        },
      );
    },

    'GET /artists/{artistId}': async ({ params: { artistId } }) => {
      const loaded = await currentModel();
      const { model, version } = loaded;
      const artist = requireArtist(loaded, artistId);
      const catalogue = catalogueOf(model);
      return answer(
        'GET /artists/{artistId}',
        { artistId },
        {
          modelVersion: version,
          ...listed(model, catalogue, artist),
          url: webAddress(model.artistUrls[artist]!),
          tags: [...catalogue.tagsOf(artist)],
        },
      );
    },

    'GET /artists/{artistId}/similar': async ({ params: { artistId }, query: { n } }) => {
      const loaded = await currentModel();
      const { model, version } = loaded;
      const artist = requireArtist(loaded, artistId);
      const catalogue = catalogueOf(model);
      const foldIn = deps.foldIn(version);
      const findSimilar = foldIn === null ? byTagsOf(model) : byListeningOf(model)(foldIn);
      const { basis, artists } = findSimilar(artist, n);
      return answer(
        'GET /artists/{artistId}/similar',
        { artistId, n },
        {
          modelVersion: version,
          artistId,
          name: model.artistNames[artist]!,
          basis,
          similar: artists.map((near) => ({
            ...listed(model, catalogue, near.artist),
            rank: near.rank,
            score: near.score,
            commonListeners: near.commonListeners,
            sharedTags: [...near.sharedTags],
          })),
        },
      );
    },
  };
}

/** What every list says of an artist. */
function listed(
  model: ServingModel,
  { listeners, percentiles }: ArtistCatalogue,
  artist: number,
): {
  readonly artistId: string;
  readonly name: string;
  readonly listeners: number;
  readonly popularity: number;
} {
  return {
    artistId: model.artistIds[artist]!,
    name: model.artistNames[artist]!,
    listeners: listeners[artist]!,
    popularity: percentiles[artist]!,
  };
}

/**
 * An answer and its entity tag: the model version, and a digest of route, parameters and the whole body. The body belongs to it because
 * one version may be answered from with and without its listening, and by older and newer code.
 */
function answer<Route extends keyof typeof artistRoutes>(
  route: Route,
  parameters: Readonly<Record<string, unknown>>,
  body: Readonly<z.input<(typeof artistRoutes)[Route]['responses'][200]['schema']>>,
): RouteResponse {
  return { body, etag: `${body.modelVersion}-${etagOf([route, parameters, body])}` };
}

function requireArtist({ model, version }: LoadedModel<ServingModel>, artistId: string): number {
  const artist = artistIndexOf(model).byId.get(artistId);
  if (artist !== undefined) return artist;
  throw new EncoreError(
    'NOT_FOUND',
    `artistId is ${JSON.stringify(artistId.slice(0, 40))}: allowed is an artist of model version ${version}`,
    { field: 'artistId' },
  );
}
