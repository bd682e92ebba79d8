import type { ServingModel } from '../artifact/serving-model.ts';
import type { ListenerEvent } from '../ports.ts';
import { artistsById } from './model-indices.ts';

/** What a listener's recent events say of their lists. */
export interface RecentListening {
  /** Shape (n,): artists played or liked last, most recent first, distinct. */
  readonly heard: Int32Array;
  /** Artists disliked last: no list shows them. */
  readonly disliked: ReadonlySet<number>;
}

/** What a model knew of the listener already. */
export interface StoredListening {
  /** Artist indices that the listener's record has as heard. */
  readonly heard: Int32Array;
  /** When the model's training began, epoch milliseconds: it read the events received before. */
  readonly trainedAt: number;
}

const NOTHING: ReadonlySet<number> = new Set();

/**
 * What a listener's recent events say: of each artist the latest of play, like and dislike counts (by `at`, then by
 * `receivedAt`, then by id). A dislike hides the artist until it is played or liked again; play and like are one thing here, and so
 * are one play and many: a count of what happened lately does not compare with a count of years. Clicks and skips change no
 * list. Artists that the model does not know say nothing.
 *
 * @param events - In any order.
 * @param stored - Plays and likes that the model has learnt from are not said again: those that were received before its training and
 *   whose artist its record has as heard. What a training left out, for its caps or because it read no events, still counts.
 */
export function recentListening(
  model: Pick<ServingModel, 'artistIds'>,
  events: readonly ListenerEvent[],
  stored?: StoredListening,
): RecentListening {
  const latest = new Map<string, ListenerEvent>();
  for (const event of events) {
    if (event.type === 'click' || event.type === 'skip') continue;
    const known = latest.get(event.artistId);
    if (known === undefined || isLater(event, known)) latest.set(event.artistId, event);
  }
  const byId = artistsById(model);
  const learnt = stored === undefined ? NOTHING : new Set(stored.heard);
  const disliked = new Set<number>();
  const heard: { readonly artist: number; readonly event: ListenerEvent }[] = [];
  for (const [artistId, event] of latest) {
    const artist = byId.get(artistId);
    if (artist === undefined) continue;
    if (event.type === 'dislike') disliked.add(artist);
    else if (!(learnt.has(artist) && event.receivedAt < stored!.trainedAt)) heard.push({ artist, event });
  }
  heard.sort((a, b) => (isLater(a.event, b.event) ? -1 : 1));
  return { heard: Int32Array.from(heard, ({ artist }) => artist), disliked };
}

function isLater(a: ListenerEvent, b: ListenerEvent): boolean {
  if (a.at !== b.at) return a.at > b.at;
  if (a.receivedAt !== b.receivedAt) return a.receivedAt > b.receivedAt;
  return a.id > b.id;
}
