import { EncoreError } from '../errors.ts';
import { createPairTable, grown, hashToPair } from '../math/pair-table.ts';
import { hashString } from '../math/rng.ts';
import type { Exposure, ListenerEvent } from '../ports.ts';
import type { ExperimentRevision } from './assign-variant.ts';

export interface OutcomeOptions {
  /**
   * Length, in days, of the period before a listener's first exposure whose plays CUPED adjusts for; 0 for none. The pages of
   * events should reach as far back before the first exposures.
   *
   * @default 7
   */
  readonly preDays?: number;
  /**
   * Most plays that count for one listener and UTC day: a player that runs all day makes about 400, and a listener that is a
   * machine must not decide an experiment.
   *
   * @default 1000
   */
  readonly playsPerDay?: number;
  /**
   * Exposures and events at this time (epoch milliseconds) or later are passed over.
   *
   * @default `Infinity`
   */
  readonly until?: number;
}

/** What the listeners of an experiment did: one entry of each array per listener who saw one variant only. */
export interface Outcomes {
  /** The newest revision; the exposures are those of the revisions from its `readOutFrom` on. */
  readonly experiment: ExperimentRevision;
  readonly listeners: number;
  /** Shape (listeners,): the variant's index. Of an interleaved list it says nothing: 0. */
  readonly variant: Int32Array;
  /** Shape (listeners,): distinct exposures, >= 1. */
  readonly exposures: Float64Array;
  /** Shape (listeners,): distinct exposures with a click or more, and with a like or more. */
  readonly clicked: Float64Array;
  readonly liked: Float64Array;
  /** Shape (listeners,): plays from the first exposure on, whatever led to them. */
  readonly plays: Float64Array;
  /** Shape (listeners,): plays in the `preDays` before the first exposure. */
  readonly prePlays: Float64Array;
  /** Shape (listeners,): drafted artists clicked or played, an artist of a list counting once; of team 0 and of team 1. */
  readonly credits: readonly [Float64Array, Float64Array];
  /** Distinct exposures, those of `multiplyExposed` listeners included. */
  readonly exposuresRead: number;
  /** Listeners more of whose drafted lists began with a pick of team 0 than of team 1, and the other way round. */
  readonly firstPicks: readonly [number, number];
  /** Listeners exposed to more than one variant, whose outcomes belong to none. */
  readonly multiplyExposed: number;
  /** Exposures of this experiment that are no evidence, by reason; events that came twice. */
  readonly leftOut: {
    readonly forced: number;
    readonly earlierRevision: number;
    readonly withoutListener: number;
    readonly unknownVariant: number;
    readonly duplicateExposures: number;
    readonly duplicateEvents: number;
  };
}

/** Gathers what listeners did, page by page: all exposures first, then all events. */
export interface OutcomeCollector {
  /** @throws {@link EncoreError} `INVALID_OPTION` after `addEvents`: what an event counts for depends on all exposures. */
  addExposures(page: readonly Exposure[]): void;
  /** Pages in any order; an event counts once, by listener and id. */
  addEvents(page: readonly ListenerEvent[]): void;
  outcomes(): Outcomes;
}

/**
 * Sums up exposures and events of one experiment for each listener, in some 100 bytes per listener and
 * 20 to 40 per exposure, per event and per day on which a listener played; interleaving adds 5 to 10 per artist shown.
 *
 * Left out are exposures that somebody forced, those of revisions before the read-out began, and those without a listener.
 * A listener's clicks and likes are attributed by the exposure that the event names, which must be the listener's own; plays
 * count wherever they came from, because a list that moves listening from other pages to itself has won nothing. The time of an event is
 * the caller's clock, that of an exposure ours.
 *
 * Plays before the read-out's first exposure are no pre-period where an earlier revision exposed the listener already: under
 * an unchanged seed most get the variant again that they had, and adjusting would take part of the effect away. So the pre-period ends
 * at the first exposure by any revision of the experiment among the pages.
 *
 * Listeners, exposures and events are told apart by hashes of 64 bits.
 *
 * @param experiment - The newest revision.
 */
export function createOutcomeCollector(
  experiment: ExperimentRevision,
  options: OutcomeOptions = {},
): OutcomeCollector {
  const { preDays = 7, playsPerDay = 1000, until = Infinity } = options;
  const interleaving = experiment.kind === 'interleaving';
  const variantIndex = new Map(experiment.variants.map(({ key }, i) => [key, i]));
  const leftOut = {
    forced: 0,
    earlierRevision: 0,
    withoutListener: 0,
    unknownVariant: 0,
    duplicateExposures: 0,
    duplicateEvents: 0,
  };
  const lanes = new Uint32Array(2);

  const listeners = createPairTable();
  let variant = new Int32Array(0);
  let first = new Float64Array(0);
  let firstOfAny = new Float64Array(0);
  let nExposures = new Float64Array(0);
  let clicked = new Float64Array(0);
  let liked = new Float64Array(0);
  let plays = new Float64Array(0);
  let prePlays = new Float64Array(0);
  let credits0 = new Float64Array(0);
  let credits1 = new Float64Array(0);
  /** Lists that began with a pick of team 1, less those that began with one of team 0. */
  let firstPicks = new Int32Array(0);

  const exposures = createPairTable();
  let owner = new Int32Array(0);
  let answered = new Uint8Array(0);
  /** Where the exposure's drafted items begin and how many there are; of interleaved lists only. */
  let itemStart = new Uint32Array(0);
  let itemCount = new Uint8Array(0);
  let nItems = 0;
  let itemHash = new Uint32Array(0);
  /** Team, plus 2 once it has been credited. */
  let itemState = new Uint8Array(0);

  const events = createPairTable();
  /** Of (listener, day and side): plays so far. */
  const days = createPairTable();
  let playsOfDay = new Float64Array(0);
  let eventsBegan = false;

  const listenerOf = (userId: string): number => {
    hashToPair(userId, 0, lanes);
    const known = listeners.size;
    const listener = listeners.add(lanes[0]!, lanes[1]!);
    if (listener < known) return listener;
    const room = listener + 1;
    variant = grown(variant, room, Int32Array);
    first = grown(first, room, Float64Array);
    firstOfAny = grown(firstOfAny, room, Float64Array);
    nExposures = grown(nExposures, room, Float64Array);
    clicked = grown(clicked, room, Float64Array);
    liked = grown(liked, room, Float64Array);
    plays = grown(plays, room, Float64Array);
    prePlays = grown(prePlays, room, Float64Array);
    if (interleaving) {
      credits0 = grown(credits0, room, Float64Array);
      credits1 = grown(credits1, room, Float64Array);
      firstPicks = grown(firstPicks, room, Int32Array);
    }
    variant[listener] = NONE;
    first[listener] = Infinity;
    firstOfAny[listener] = Infinity;
    return listener;
  };

  const addItems = (exposure: number, { artistIds, teams, firstRank }: Exposure): void => {
    itemStart = grown(itemStart, exposure + 1, Uint32Array);
    itemCount = grown(itemCount, exposure + 1, Uint8Array);
    itemStart[exposure] = nItems;
    if (teams === null) return;
    itemHash = grown(itemHash, nItems + teams.length, Uint32Array);
    itemState = grown(itemState, nItems + teams.length, Uint8Array);
    for (let i = 0; i < teams.length && i < artistIds.length; i++) {
      const team = teams.charCodeAt(i) - 48;
      if (team !== 0 && team !== 1) continue;
      // A later page may begin within a round.
      if (itemCount[exposure] === 0 && firstRank === 1) firstPicks[owner[exposure]!]! += team === 1 ? 1 : -1;
      itemHash[nItems] = hashString(ITEM_SEED, artistIds[i]!);
      itemState[nItems] = team;
      nItems++;
      itemCount[exposure]!++;
    }
  };

  const addExposure = (exposure: Exposure): void => {
    if (exposure.experiment !== experiment.key || exposure.at >= until) return;
    if (exposure.userId === '') {
      leftOut.withoutListener++;
      return;
    }
    if (exposure.forced) {
      leftOut.forced++;
      return;
    }
    if ((exposure.revision ?? 0) < experiment.readOutFrom) {
      leftOut.earlierRevision++;
      const listener = listenerOf(exposure.userId);
      firstOfAny[listener] = Math.min(firstOfAny[listener]!, exposure.at);
      return;
    }
    // Every listener of an interleaved experiment sees both variants.
    const named = interleaving ? 0 : variantIndex.get(exposure.variant ?? '');
    if (named === undefined) {
      leftOut.unknownVariant++;
      return;
    }
    hashToPair(exposure.exposureId, 0, lanes);
    const known = exposures.size;
    const index = exposures.add(lanes[0]!, lanes[1]!);
    if (index < known) {
      leftOut.duplicateExposures++;
      return;
    }
    const listener = listenerOf(exposure.userId);
    owner = grown(owner, index + 1, Int32Array);
    answered = grown(answered, index + 1, Uint8Array);
    owner[index] = listener;
    if (interleaving) addItems(index, exposure);
    if (variant[listener] === NONE) variant[listener] = named;
    else if (variant[listener] !== named) variant[listener] = SEVERAL;
    nExposures[listener]!++;
    first[listener] = Math.min(first[listener]!, exposure.at);
    firstOfAny[listener] = Math.min(firstOfAny[listener]!, exposure.at);
  };

  const addPlays = (listener: number, { at, plays: count }: ListenerEvent): void => {
    const after = at >= first[listener]!;
    const end = firstOfAny[listener]!;
    if (!after && !(at < end && at >= end - preDays * DAY_MS)) return;
    // Each side of the first exposure has a cap of its own, so that the order of events does not matter.
    const day = days.add(listener, 2 * Math.floor(at / DAY_MS) + (after ? 1 : 0));
    playsOfDay = grown(playsOfDay, day + 1, Float64Array);
    const before = playsOfDay[day]!;
    playsOfDay[day] = Math.min(playsPerDay, before + count);
    const sums = after ? plays : prePlays;
    sums[listener]! += playsOfDay[day] - before;
  };

  const addCredit = (listener: number, exposure: number, artistId: string): void => {
    const hash = hashString(ITEM_SEED, artistId);
    const end = itemStart[exposure]! + itemCount[exposure]!;
    for (let item = itemStart[exposure]!; item < end; item++) {
      if (itemHash[item] !== hash || itemState[item]! >= CREDITED) continue;
      const credits = itemState[item] === 0 ? credits0 : credits1;
      credits[listener]!++;
      itemState[item]! += CREDITED;
    }
  };

  const addEvent = (event: ListenerEvent): void => {
    if (event.at >= until) return;
    hashToPair(event.userId, 0, lanes);
    const listener = listeners.find(lanes[0]!, lanes[1]!);
    if (listener === -1 || variant[listener]! < 0) return;
    hashToPair(event.id, listener + 1, lanes);
    const known = events.size;
    if (events.add(lanes[0]!, lanes[1]!) < known) {
      leftOut.duplicateEvents++;
      return;
    }
    if (event.type === 'play') addPlays(listener, event);
    if (event.exposureId === null) return;
    hashToPair(event.exposureId, 0, lanes);
    const exposure = exposures.find(lanes[0]!, lanes[1]!);
    if (exposure === -1 || owner[exposure] !== listener) return;
    if (event.type === 'click' && (answered[exposure]! & CLICKED) === 0) {
      answered[exposure]! |= CLICKED;
      clicked[listener]!++;
    }
    if (event.type === 'like' && (answered[exposure]! & LIKED) === 0) {
      answered[exposure]! |= LIKED;
      liked[listener]!++;
    }
    if (interleaving && (event.type === 'click' || event.type === 'play')) {
      addCredit(listener, exposure, event.artistId);
    }
  };

  return {
    addExposures: (page) => {
      if (eventsBegan) {
        throw new EncoreError(
          'INVALID_OPTION',
          'exposures were given after events to the outcomes of an experiment; allowed: all exposures, then events',
          { experiment: experiment.key },
        );
      }
      for (const exposure of page) addExposure(exposure);
    },
    addEvents: (page) => {
      eventsBegan = true;
      for (const event of page) addEvent(event);
    },
    outcomes: () => {
      let multiplyExposed = 0;
      let n = 0;
      const compared = new Int32Array(listeners.size);
      for (let listener = 0; listener < listeners.size; listener++) {
        if (variant[listener] === SEVERAL) multiplyExposed++;
        else if (variant[listener] !== NONE) compared[n++] = listener;
      }
      const pick = (values: Float64Array): Float64Array => {
        const picked = new Float64Array(n);
        if (values.length > 0) for (let i = 0; i < n; i++) picked[i] = values[compared[i]!]!;
        return picked;
      };
      const picked = new Int32Array(n);
      for (let i = 0; i < n; i++) picked[i] = variant[compared[i]!]!;
      return {
        experiment,
        listeners: n,
        variant: picked,
        exposures: pick(nExposures),
        clicked: pick(clicked),
        liked: pick(liked),
        plays: pick(plays),
        prePlays: pick(prePlays),
        credits: [pick(credits0), pick(credits1)],
        exposuresRead: exposures.size,
        firstPicks: [
          firstPicks.reduce((count, lead) => count + (lead < 0 ? 1 : 0), 0),
          firstPicks.reduce((count, lead) => count + (lead > 0 ? 1 : 0), 0),
        ],
        multiplyExposed,
        leftOut: { ...leftOut },
      };
    },
  };
}

const DAY_MS = 86_400_000;
/** In place of a variant's index. */
const NONE = -1;
const SEVERAL = -2;
const CLICKED = 1;
const LIKED = 2;
const CREDITED = 2;
const ITEM_SEED = 0x17e5eed;
