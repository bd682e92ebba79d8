import {
  artistIndexOf,
  createHistory,
  foldIn,
  openRecord,
  parseVersion,
  recentListening,
  refreshRecord,
  resolveArtists,
  withRecent,
  type CandidateStore,
  type EventLog,
  type FoldInModel,
  type ListenerEvent,
  type ServingModel,
  type StoredListening,
} from '@encore/core/serve';
import type { Budget } from '../shared/budget.ts';
import { METRICS } from '../shared/metrics.ts';
import type { Observability } from '../shared/observability.ts';
import type { HeardArtistQuery } from './contract.ts';
import type { FoldInSource } from './fold-in-source.ts';
import type { LoadedModel } from './model-source.ts';

/** What candidates are found with. */
export interface CandidateDeps {
  readonly foldIn: FoldInSource<FoldInModel>;
  readonly candidateStore: Pick<CandidateStore, 'read'>;
  readonly eventLog: Pick<EventLog, 'recent'>;
}

/** Whose candidates are wanted. */
export interface CandidateRequest {
  /** Speaks for the request. */
  readonly observability: Observability;
  readonly listenerId: string | null;
  /** What the listener has heard, as named by the caller; `null` where the stores know. */
  readonly artists: readonly HeardArtistQuery[] | null;
  readonly budget: Budget;
  /** The listener's newest; never rejects. */
  readonly events: Promise<readonly ListenerEvent[]>;
}

/** What a list is ranked from. */
export interface FoundCandidates {
  /** `undefined` for the popular list. */
  readonly record: Uint8Array | undefined;
  readonly policy: 'personal' | 'fold-in';
  /** Artist indices that the list may not have. */
  readonly hidden: ReadonlySet<number>;
  /** Artist indices that the listener has heard lately, which the list has with exclude=none alone. */
  readonly lately: Int32Array;
  readonly unresolved: readonly HeardArtistQuery[];
}

/** Nothing is known of the listener. */
export const NO_CANDIDATES: FoundCandidates = {
  record: undefined,
  policy: 'personal',
  hidden: new Set(),
  lately: new Int32Array(0),
  unresolved: [],
};

/** What of a request's time is kept back for the exposure: candidates and events are not waited for any longer. */
const EXPOSURE_RESERVE_MS = 110;
/** Events that a list follows: the newest. */
const RECENT_EVENTS = 200;
/** How long a list that cannot do without it waits for what listeners are folded in from. */
const FOLD_IN_PATIENCE_MS = 150;

/** A listener's newest events; none where they cannot be read, which is counted. Never rejects. */
export async function readRecentEvents(
  { eventLog }: CandidateDeps,
  { observability, listenerId, budget }: Omit<CandidateRequest, 'events'>,
): Promise<readonly ListenerEvent[]> {
  if (listenerId === null) return [];
  try {
    const reading = eventLog.recent(listenerId, RECENT_EVENTS);
    return await budget.within(reading, EXPOSURE_RESERVE_MS, 'reading events');
  } catch (error) {
    observability.count(METRICS.recentEventsMissing);
    observability.error('recent events could not be read', error, {
      user: observability.pseudonym(listenerId),
    });
    return [];
  }
}

/**
 * Finds what a list is ranked from: of a listener by id the stored record, refreshed by what they heard since; of a listener who
 * names artists a fold-in of those and of what they heard since. What fails is counted and left out.
 */
export async function findCandidates(
  deps: CandidateDeps,
  loaded: LoadedModel<ServingModel>,
  request: CandidateRequest,
): Promise<FoundCandidates> {
  if (request.artists !== null) return foldInArtists(deps, loaded, request, request.artists);
  const { version, model } = loaded;
  const [record, events] = await Promise.all([readRecord(deps, version, request), request.events]);
  if (events.length === 0) return { ...NO_CANDIDATES, record };
  const { heard, disliked } = recentListening(model, events, learntBy(model, version, record));
  const known = { record, policy: 'personal', hidden: disliked, lately: heard, unresolved: [] } as const;
  if (heard.length === 0) return known;
  // A stored record does without it for now: what was heard is only left out.
  const foldInModel =
    record === undefined ? await waitForFoldIn(deps, version, request) : deps.foldIn.get(version);
  const hidden = new Set([...disliked, ...heard]);
  if (foldInModel === null) return { ...known, hidden };
  try {
    const refreshed = refreshRecord(model, foldInModel, record, heard);
    return { ...known, record: refreshed, policy: 'fold-in', hidden };
  } catch (error) {
    countFailure(error, request);
    return { ...known, hidden };
  }
}

/** What the version knew of the listener's events already; a version's name has the second in which its training began. */
function learntBy(
  model: ServingModel,
  version: string,
  record: Uint8Array | undefined,
): StoredListening | undefined {
  const opened = openRecord(model, record);
  const begun = parseVersion(version);
  if (opened === undefined || begun === undefined) return undefined;
  return { heard: opened.candidates.heard.items, trainedAt: begun.createdAtMs + 1_000 };
}

/** @returns `undefined` for an unknown listener, and where the store cannot say. */
async function readRecord(
  deps: CandidateDeps,
  version: string,
  request: CandidateRequest,
): Promise<Uint8Array | undefined> {
  const { listenerId, budget } = request;
  if (listenerId === null) return undefined;
  try {
    const reading = deps.candidateStore.read(listenerId, version);
    return await budget.within(reading, EXPOSURE_RESERVE_MS, 'reading candidates');
  } catch (error) {
    countFailure(error, request);
    return undefined;
  }
}

/** How long there is depends on what was waited for before: the exposure's time is not taken. */
function waitForFoldIn(
  { foldIn: source }: CandidateDeps,
  version: string,
  { budget }: CandidateRequest,
): Promise<FoldInModel | null> {
  const waiting = source.wait(version, FOLD_IN_PATIENCE_MS);
  return budget.within(waiting, EXPOSURE_RESERVE_MS, 'loading fold-in tables').catch(() => null);
}

async function foldInArtists(
  deps: CandidateDeps,
  { version, model }: LoadedModel<ServingModel>,
  request: CandidateRequest,
  artists: readonly HeardArtistQuery[],
): Promise<FoundCandidates> {
  const { resolved, unresolved } = resolveArtists(artistIndexOf(model), artists);
  const named = resolved.map(({ query: { plays }, artist }) =>
    plays === undefined ? { artist } : { artist, plays },
  );
  const { heard, disliked } = recentListening(model, await request.events);
  const before = createHistory(model.artistIds.length, named);
  const history = heard.length === 0 ? before : withRecent(before, heard);
  const hidden = new Set([...history.items, ...disliked]);
  const known = { ...NO_CANDIDATES, hidden, lately: history.items, unresolved };
  if (history.items.length === 0) return known;
  const foldInModel = await waitForFoldIn(deps, version, request);
  if (foldInModel === null) {
    request.observability.count(METRICS.foldInMissing);
    return known;
  }
  return { ...known, record: foldIn(model, foldInModel, history), policy: 'fold-in' };
}

function countFailure(error: unknown, { observability, listenerId }: CandidateRequest): void {
  observability.count(METRICS.personalListFailed);
  observability.error('candidates could not be read', error, {
    user: listenerId === null ? null : observability.pseudonym(listenerId),
  });
}
