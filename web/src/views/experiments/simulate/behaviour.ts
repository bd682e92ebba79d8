import { createRng, hash2, hashString, type Rng } from '@encore/core/page';

/** What somebody sets of made-up listeners. */
export interface Behaviour {
  /** The share of lists that get a click, in [0, 1]. */
  readonly clickRate: number;
  /** By how much more the treatment's lists are clicked: 0.3 is +30%, 0 makes an A/A test. At least -1. */
  readonly uplift: number;
}

/** Somebody who does not exist. */
export interface MadeUpListener {
  /** `sim-<run>-<n>`: whoever meets it in a store knows what it is. */
  readonly id: string;
  /** Ids of artists that they name. */
  readonly artists: readonly string[];
  /** How eager they are beside the others, in [0.5, 1.5] and 1 on average: it clicks more and plays more. */
  readonly eagerness: number;
  /** Decides what they do; theirs alone, so that the order of answers changes nothing. */
  readonly rng: Rng;
}

/** What a listener does with a list, without whose and when. */
export interface Reaction {
  readonly type: 'click' | 'play' | 'like';
  readonly artistId: string;
  readonly plays?: number;
}

const FEWEST_ARTISTS = 3;
const MOST_ARTISTS = 8;
/** Of those who have clicked. */
const PLAY_RATE = 0.6;
const LIKE_RATE = 0.25;
const MOST_PLAYS = 5;
/** Plays of before, of somebody as eager as the others on average. */
const PLAYS_BEFORE = 10;

/**
 * Makes up the n-th listener of a run. The same run and n give the same listener.
 *
 * @param catalogue - Ids of artists, most popular first, at least one: they are drawn more often the more popular they are.
 */
export function makeUpListener(run: string, n: number, catalogue: readonly string[]): MadeUpListener {
  const rng = createRng(hash2(hashString(0, run), n));
  const wanted = Math.min(catalogue.length, FEWEST_ARTISTS + rng.integer(MOST_ARTISTS - FEWEST_ARTISTS + 1));
  const artists = new Set<string>();
  while (artists.size < wanted) {
    const at = Math.floor(rng.next() ** 2 * catalogue.length);
    // Whoever is drawn twice makes way for the next: it ends however small the catalogue is.
    const free = [...catalogue.slice(at), ...catalogue.slice(0, at)].find((id) => !artists.has(id))!;
    artists.add(free);
  }
  return { id: `sim-${run}-${n}`, artists: [...artists], eagerness: 0.5 + rng.next(), rng };
}

/** How often they played what they name before they came: what a read-out may adjust for. */
export function playsBefore({ eagerness }: Pick<MadeUpListener, 'eagerness'>): number {
  return Math.round(PLAYS_BEFORE * eagerness);
}

/** A list as a listener meets it. */
export interface MetList {
  /** Best first. */
  readonly artistIds: readonly string[];
  /** Whether the treatment made it. */
  readonly isTreatment: boolean;
  /** Of a list that is drafted from both: the artists that the treatment would list. Of the artists shown, these are clicked more. */
  readonly favoured?: ReadonlySet<string>;
}

/**
 * What a listener does with a list: at most one click, on an artist that is the likelier the higher it stands (as 1/rank), and for
 * some of those who click plays and a like.
 */
export function reactTo(
  { artistIds, isTreatment, favoured }: MetList,
  { eagerness, rng }: Pick<MadeUpListener, 'eagerness' | 'rng'>,
  { clickRate, uplift }: Behaviour,
): readonly Reaction[] {
  const rate = clickRate * eagerness * (isTreatment ? 1 + uplift : 1);
  if (artistIds.length === 0 || rng.next() >= rate) return [];
  const weights = artistIds.map((id, i) => (favoured?.has(id) ? 1 + uplift : 1) / (i + 1));
  const artistId = artistIds[drawWeighted(weights, rng)]!;
  const reactions: Reaction[] = [{ type: 'click', artistId }];
  if (rng.next() < PLAY_RATE) {
    reactions.push({ type: 'play', artistId, plays: 1 + Math.floor(eagerness * rng.integer(MOST_PLAYS)) });
  }
  if (rng.next() < LIKE_RATE) reactions.push({ type: 'like', artistId });
  return reactions;
}

/** @returns An index; the first where no weight is above 0. */
function drawWeighted(weights: readonly number[], rng: Rng): number {
  let left = rng.next() * weights.reduce((sum, weight) => sum + weight, 0);
  const at = weights.findIndex((weight) => (left -= weight) < 0);
  return Math.max(0, at);
}
