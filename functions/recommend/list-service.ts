import {
  chooseExperiment,
  createArtistFilter,
  createHistory,
  draftCoin,
  EncoreError,
  foldIn,
  forceVariant,
  resolveArtists,
  type Assignment,
  type CandidateStore,
  type EventLog,
  type Experiment,
  type ExposureLog,
  type FoldInModel,
  type ListenerEvent,
  type Policy,
  type ServingModel,
} from '@encore/core/serve';
import { startBudget, type Budget } from '../shared/budget.ts';
import { METRICS } from '../shared/metrics.ts';
import type { Observability } from '../shared/observability.ts';
import { artistKnowledge } from './artist-knowledge.ts';
import type { HeardArtistQuery, ListOptions } from './contract.ts';
import type { PopularList } from './load-model.ts';
import type { ModelSource } from './model-source.ts';
import { writeExposure } from './write-exposure.ts';

/** What lists are made with; tests give it stores in memory. */
export interface ListDeps {
  readonly models: ModelSource<ServingModel>;
  /** Asked only while there is no model in memory. */
  readonly popular: ModelSource<PopularList | undefined>;
  readonly foldIn: FoldInSource;
  readonly candidateStore: Pick<CandidateStore, 'read'>;
  readonly eventLog: Pick<EventLog, 'recent'>;
  readonly exposureLog: ExposureLog;
  readonly experiments: ExperimentSource;
  readonly observability: Observability;
  readonly now: () => number;
  readonly newExposureId: () => string;
}

/** What new listeners are folded in from. */
export interface FoldInSource {
  /** `null` until it is loaded, which asking for it begins. */
  get(version: string): FoldInModel | null;
  /** The same after waiting for it at most `ms`. */
  wait(version: string, ms: number): Promise<FoldInModel | null>;
}

export interface ExperimentSource {
  /** The newest revision of each experiment; `null` where nobody could say. Never rejects. */
  current(): Promise<readonly Experiment[] | null>;
}

/** One list, as it was asked for. */
export interface ListRequest {
  readonly requestId: string;
  /** Who takes part in experiments and is exposed; `null` where nobody says. */
  readonly listenerId: string | null;
  /** What the listener has heard, as named by the caller; `null` where the stores know. */
  readonly artists: readonly HeardArtistQuery[] | null;
  readonly options: ListOptions;
}

/** A list as it is answered. */
export interface ServedList {
  readonly modelVersion: string | null;
  readonly policy: Policy;
  readonly experiment: string | null;
  readonly variant: string | null;
  readonly exposureId: string | null;
  readonly recommendations: readonly ListedArtist[];
  readonly unresolved: readonly HeardArtistQuery[];
}

/** Milliseconds within which a list is made, whatever stores do; what is left of 300 is for ranking and for the way back. */
const BUDGET_MS = 270;
/** What of it is kept back for the exposure: candidates and events are not waited for any longer. */
const EXPOSURE_RESERVE_MS = 110;
/** Events that a list follows: the newest. */
const RECENT_EVENTS = 200;
/** What ranks for listeners outside of every experiment. */
const CONTROL_RANKER = 'lr';

/** Makes lists: the best that is left, whatever fails, with its exposure written before it is answered. */
export function createListService(deps: ListDeps): (request: ListRequest) => Promise<ServedList> {
  const { models, popular, experiments, exposureLog, observability, now, newExposureId } = deps;
  const candidatesOf = createCandidateFinder(deps);

  return async (request) => {
    const { requestId, listenerId, options } = request;
    const budget = startBudget(BUDGET_MS);
    const [loaded, known, events] = await Promise.all([
      models.current(),
      experiments.current(),
      recentEvents(deps, request, budget),
    ]);
    const assigned = assign(known, listenerId, options.force);
    const { assignment } = assigned;
    const list =
      loaded === null
        ? await listWithoutModel(deps, options)
        : makeList(loaded.model, {
            ...(await candidatesOf(loaded, request, events, budget)),
            options,
            assigned,
            draftId: draftId(assignment, listenerId, now()),
            coListening: options.explain ? deps.foldIn.get(loaded.version) : null,
            onFailure: (message, error) => {
              observability.count(METRICS.personalListFailed);
              observability.error(message, error, { requestId, modelVersion: loaded.version });
            },
          });
    const modelVersion = loaded?.version ?? list.modelVersion;
    const exposureId = await writeExposure(
      exposureLog,
      {
        exposureId: newExposureId(),
        userId: listenerId ?? '',
        at: now(),
        modelVersion,
        policy: list.policy,
        experiment: assignment?.experiment ?? null,
        revision: assignment?.revision ?? null,
        variant: assignment?.variant ?? null,
        forced: assigned.forced,
        propensity: assignment?.propensity ?? 1,
        ranker: list.ranker,
        artistIds: list.recommendations.map(({ artistId }) => artistId),
        firstRank: options.offset + 1,
        teams: list.teams,
        featuresHash: list.featuresHash,
      },
      { budget, observability, requestId },
    );
    observability.count(METRICS.listServed);
    observability.info('list served', {
      requestId,
      user: listenerId === null ? null : observability.pseudonym(listenerId),
      exposureId,
      modelVersion,
      policy: list.policy,
      variant: assignment?.variant ?? null,
      ranker: list.ranker,
      nArtists: list.recommendations.length,
    });
    return {
      modelVersion,
      policy: list.policy,
      experiment: assignment?.experiment ?? null,
      variant: assignment?.variant ?? null,
      exposureId,
      recommendations: list.recommendations,
      unresolved: list.unresolved,
    };
  };
}
