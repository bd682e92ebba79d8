import type { Request } from '../../api/client.ts';
import type { Listening } from '../../listener.ts';

/** How the listener wants the list. */
export interface Knobs {
  /** Weight of variety against relevance, 0-1. */
  readonly diversity: number;
  /** How much popularity counts against an artist, 0-1. */
  readonly debias: number;
  /** Only artists with one of these tags; all where there are none. */
  readonly tags: readonly string[];
}

export const PLAIN: Knobs = { diversity: 0, debias: 0, tags: [] };

/** As many tags as the API takes. */
const MOST_TAGS = 20;
/** As many artists as the API takes. */
const MOST_ARTISTS = 500;
/** As many plays as the API takes. */
const MOST_PLAYS = 1_000_000_000;
const N = 20;

/** What to ask the API for a list: of a listener of the data set, or of whoever is at the page by the artists they named. */
export type ListRequest =
  | {
      readonly route: 'GET /users/{userId}/recommendations';
      readonly request: Request<'GET /users/{userId}/recommendations'>;
    }
  | { readonly route: 'POST /recommendations'; readonly request: Request<'POST /recommendations'> };

/** @returns `null` where nothing is known of the listener: there is nothing to ask. */
export function listRequestOf({ known, own }: Listening, { tags, ...knobs }: Knobs): ListRequest | null {
  const asked = { n: N, explain: true, details: true, ...knobs };
  if (known !== null) {
    return {
      route: 'GET /users/{userId}/recommendations',
      request: {
        params: { userId: known },
        query: { ...asked, tags: tags.length === 0 ? undefined : tags.join(',') },
      },
    };
  }
  const artists = [
    ...own.artists.map(({ id, plays }) => ({
      id,
      ...(plays === undefined ? {} : { plays: counted(plays) }),
    })),
    ...own.imported.map(({ name, plays }) => ({ name, plays: counted(plays) })),
  ].slice(0, MOST_ARTISTS);
  if (artists.length === 0) return null;
  return {
    route: 'POST /recommendations',
    request: {
      body: { artists, anonymousId: own.id, ...asked, ...(tags.length === 0 ? {} : { tags: [...tags] }) },
    },
  };
}

const counted = (plays: number): number => Math.min(plays, MOST_PLAYS);

/** The tags of a text, parted by commas, none twice: what is too long or too many for the API is left out. */
export function withTags(tags: readonly string[], typed: string): readonly string[] {
  const added = typed
    .split(',')
    .map((tag) => tag.trim().toLowerCase())
    .filter((tag) => tag !== '' && tag.length <= 100);
  return [...new Set([...tags, ...added])].slice(0, MOST_TAGS);
}
