import { useEffect, useState } from 'preact/hooks';

/** An artist that somebody says they have heard. */
export interface HeardArtist {
  readonly id: string;
  readonly name: string;
  /** How often, where an import has counted. */
  readonly plays?: number;
}

/** Whom lists are for. */
export interface Listening {
  /** The person at the page, who is known by what they name and nothing else. */
  readonly own: {
    /** Stands for them in experiments, exposures and events. */
    readonly id: string;
    readonly artists: readonly HeardArtist[];
    /** Names of an import that no artist of the catalogue has been found for yet; most played first. */
    readonly imported: readonly { readonly name: string; readonly plays: number }[];
  };
  /** The id of a listener of the data set whose lists are looked at instead. */
  readonly known: string | null;
}

/** Changes whom lists are for: to something, or from what it is by then, for whoever had to wait in between. */
export type SetListening = (next: Listening | ((now: Listening) => Listening)) => void;

/** With one more artist that somebody likes; nothing changes where it is among them. */
export function withArtist(
  listening: Listening,
  { artistId: id, name }: { readonly artistId: string; readonly name: string },
): Listening {
  const { own } = listening;
  if (own.artists.some((artist) => artist.id === id)) return listening;
  return { ...listening, own: { ...own, artists: [...own.artists, { id, name }] } };
}

/** Without an artist. */
export function withoutArtist(listening: Listening, artistId: string): Listening {
  const { own } = listening;
  return { ...listening, own: { ...own, artists: own.artists.filter(({ id }) => id !== artistId) } };
}

/** One's own list, whoever's was looked at. */
export function ownList(listening: Listening): Listening {
  return { ...listening, known: null };
}

const KEY = 'encore.listening';

/** Whom lists are for, kept by the browser. */
export function useListening(ownId: string | null): readonly [Listening, SetListening] {
  const [listening, setListening] = useState(() => restore(ownId));
  useEffect(() => {
    try {
      localStorage.setItem(KEY, JSON.stringify(listening));
    } catch {
      // Storage is full or forbidden: it is kept for as long as the page is open.
    }
  }, [listening]);
  return [listening, setListening];
}

/** @param ownId - Whom a token names; without one a random id is made. */
function restore(ownId: string | null): Listening {
  const kept = stored();
  const id = ownId ?? kept?.own.id ?? `page-${crypto.randomUUID()}`;
  // What somebody else named on this machine is not this person's.
  if (kept === null || kept.own.id !== id) return { own: { id, artists: [], imported: [] }, known: null };
  return kept;
}

function stored(): Listening | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null');
    return isListening(value) ? value : null;
  } catch {
    return null;
  }
}

/** Whether it is what this version of the page writes; anything else is forgotten. */
function isListening(value: unknown): value is Listening {
  const { own, known } = (value ?? {}) as Partial<Listening>;
  return (
    typeof own?.id === 'string' &&
    Array.isArray(own.artists) &&
    own.artists.every((artist) => typeof artist?.id === 'string' && typeof artist.name === 'string') &&
    Array.isArray(own.imported) &&
    (known === null || typeof known === 'string')
  );
}
