import type { ServingModel } from '../artifact/serving-model.ts';
import { N_DEGREES } from '../rank/features.ts';

/** An artist as somebody names it. */
export type ArtistQuery = { readonly id: string } | { readonly name: string };

/** Finds artists of a catalogue by id or name. */
export interface ArtistIndex {
  readonly byId: ReadonlyMap<string, number>;
  /** By {@link normaliseName}. */
  readonly byName: ReadonlyMap<string, number>;
}

/**
 * A name as it is compared: without accents, upper case and superfluous blanks (NFKD, marks stripped, lower case). A name
 * of nothing but marks keeps them.
 */
export function normaliseName(name: string): string {
  const collapsed = name.normalize('NFKD').toLowerCase().replaceAll(/\s+/gu, ' ').trim();
  return collapsed.replaceAll(/\p{M}/gu, '').trim() || collapsed;
}

/**
 * @param model - `artistIds` and `artistNames`: shape (nArtists,) each. Where several artists have one name it means the one
 *   with most listeners (the first column of `degrees`), then the first.
 */
export function createArtistIndex(
  model: Pick<ServingModel, 'artistIds' | 'artistNames'> & {
    readonly artists: Pick<ServingModel['artists'], 'degrees'>;
  },
): ArtistIndex {
  const { artistIds, artistNames, artists } = model;
  const byName = new Map<string, number>();
  artistNames.forEach((name, artist) => {
    const key = normaliseName(name);
    const known = byName.get(key);
    if (known === undefined || artists.degrees[artist * N_DEGREES]! > artists.degrees[known * N_DEGREES]!) {
      byName.set(key, artist);
    }
  });
  return { byId: new Map(artistIds.map((id, artist) => [id, artist])), byName };
}

/**
 * Looks artists up, case- and accent-insensitively.
 *
 * @returns `resolved`: each query that the catalogue has, with its artist index, in the order of the queries;
 *   `unresolved`: the others.
 */
export function resolveArtists<Query extends ArtistQuery>(
  index: ArtistIndex,
  queries: readonly Query[],
): {
  readonly resolved: readonly { readonly query: Query; readonly artist: number }[];
  readonly unresolved: readonly Query[];
} {
  const resolved: { readonly query: Query; readonly artist: number }[] = [];
  const unresolved: Query[] = [];
  for (const query of queries) {
    const artist = 'id' in query ? index.byId.get(query.id) : index.byName.get(normaliseName(query.name));
    if (artist === undefined) unresolved.push(query);
    else resolved.push({ query, artist });
  }
  return { resolved, unresolved };
}
