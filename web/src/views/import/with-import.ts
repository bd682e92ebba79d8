import type { HeardArtist, Listening } from '../../listener.ts';

/** An artist with how often somebody played them. */
export interface PlayedArtist {
  readonly name: string;
  readonly plays: number;
}

/** The artists that an import brought, most played first: found in the catalogue since, or not yet. */
export function importedArtists({ own }: Listening): readonly PlayedArtist[] {
  const found = own.artists.flatMap(({ name, plays }) => (plays === undefined ? [] : [{ name, plays }]));
  return [...own.imported, ...found].toSorted((a, b) => b.plays - a.plays);
}

/** Takes artists of an import for one's own, in the place of an earlier import; who was named by hand stays. */
export function withImport({ own }: Listening, imported: readonly PlayedArtist[]): Listening {
  return { own: { ...own, artists: own.artists.filter(isNamed), imported }, known: null };
}

/** Forgets what an import brought. */
export function withoutImport(listening: Listening): Listening {
  const { own } = listening;
  return { ...listening, own: { ...own, artists: own.artists.filter(isNamed), imported: [] } };
}

/** Only an import knows how often. */
function isNamed({ plays }: HeardArtist): boolean {
  return plays === undefined;
}
