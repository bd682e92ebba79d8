import type {
  EventLog,
  CandidateStore,
  ExposureLog,
  FoldInModel,
  ListenerEvent,
  Policy,
  ServingModel,
} from '@encore/core/serve';
import { startBudget, type Budget } from '../shared/budget.ts';
import type { ExperimentSource } from '../shared/experiment-source.ts';
import { GAUGES, METRICS, type Metric } from '../shared/metrics.ts';
import type { Observability } from '../shared/observability.ts';
import { assign, type Assigned } from './assign.ts';
import type { HeardArtistQuery, ListOptions } from './contract.ts';
import { findCandidates, NO_CANDIDATES, readRecentEvents } from './find-candidates.ts';
import type { FoldInSource } from './fold-in-source.ts';
import type { PopularList } from './load-model.ts';
import type { LoadedModel, ModelSource } from './model-source.ts';
import { rankList, type ListedArtist, type RankedList } from './rank-list.ts';
import { writeExposure } from './write-exposure.ts';

/** What lists are made with; tests give it stores in memory. */
export interface ListDeps {
  readonly models: ModelSource<ServingModel>;
  /** Asked only while there is no model in memory. */
  readonly popular: ModelSource<PopularList | undefined>;
  readonly foldIn: FoldInSource<FoldInModel>;
  readonly candidateStore: Pick<CandidateStore, 'read'>;
  readonly eventLog: Pick<EventLog, 'recent'>;
  readonly exposureLog: ExposureLog;
  readonly experiments: ExperimentSource;
  readonly observability: Observability;
  readonly now: () => number;
  readonly newExposureId: () => string;
  /** @default LIST_BUDGET_MS */
  readonly budgetMs?: number;
}

/** One list, as it was asked for. */
export interface ListRequest {
  /** Speaks for the request. */
  readonly observability: Observability;
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
  /** Artists of the request that the catalogue does not know. */
  readonly unresolved: readonly HeardArtistQuery[];
}

/** Milliseconds that a list waits for stores, whatever they do; what is left of 300 is for ranking and for the way back. */
export const LIST_BUDGET_MS = 270;

interface UnservedList extends RankedList {
  /** The version that made it, `null` where none did. */
  readonly modelVersion: string | null;
  readonly unresolved: readonly HeardArtistQuery[];
}

const NO_LIST: UnservedList = {
  modelVersion: null,
  policy: 'none',
  ranker: null,
  recommendations: [],
  teams: null,
  featuresHash: '',
  unresolved: [],
};

/** Makes lists: the best that is left, whatever fails, with its exposure written before it is answered. */
export function createListService(deps: ListDeps): (request: ListRequest) => Promise<ServedList> {
  const { models, popular, experiments, exposureLog, now, newExposureId } = deps;
  const { budgetMs = LIST_BUDGET_MS } = deps;

  async function listWithModel(
    { version, model }: LoadedModel<ServingModel>,
    request: ListRequest,
    made: {
      readonly assigned: Assigned;
      readonly budget: Budget;
      readonly events: Promise<readonly ListenerEvent[]>;
    },
  ): Promise<UnservedList> {
    const { observability, listenerId, options } = request;
    const { assigned, budget, events } = made;
    const failed = (message: string, error: unknown): void => {
      observability.count(METRICS.personalListFailed);
      observability.error(message, error, { modelVersion: version });
    };
    let unresolved: readonly HeardArtistQuery[] = [];
    try {
      const found = await findCandidates(deps, { version, model }, { ...request, budget, events });
      ({ unresolved } = found);
      const draftId = draftIdOf(assigned, listenerId, now());
      const foldInModel = options.explain || options.exclude === 'none' ? deps.foldIn.get(version) : null;
      const list = rankList(model, found, { options, assigned, draftId, foldInModel });
      return { ...list, modelVersion: version, unresolved };
    } catch (error) {
      failed('the list could not be made', error);
    }
    try {
      const list = rankList(model, NO_CANDIDATES, { options, assigned, draftId: '', foldInModel: null });
      return { ...list, modelVersion: version, unresolved };
    } catch (error) {
      failed('the popular list could not be made', error);
      return { ...NO_LIST, modelVersion: version, unresolved };
    }
  }

  /** The stored popular list knows no filters: one that was asked to filter would be wrong. */
  async function listWithoutModel({ observability, options: asked }: ListRequest): Promise<UnservedList> {
    const { n, offset, ...options } = asked;
    observability.count(METRICS.modelMissing);
    const stored = await popular.current();
    if (stored?.model === undefined || asksForFilters(options)) return NO_LIST;
    const { modelVersion, recommendations } = stored.model;
    return {
      ...NO_LIST,
      modelVersion,
      policy: 'popular',
      recommendations: recommendations.slice(offset, offset + n),
    };
  }

  return async (request) => {
    const { observability, listenerId, options } = request;
    const budget = startBudget(budgetMs);
    const events = readRecentEvents(deps, { ...request, budget });
    const [loaded, known] = await Promise.all([models.current(), experiments.current()]);
    const assigned = assign(known, listenerId, options.force);
    const { assignment } = assigned;
    const list =
      loaded === null
        ? await listWithoutModel(request)
        : await listWithModel(loaded, request, { assigned, budget, events });
    const { modelVersion, policy, recommendations, unresolved } = list;
    const exposureId = await writeExposure(
      exposureLog,
      {
        exposureId: newExposureId(),
        userId: listenerId ?? '',
        at: now(),
        modelVersion,
        policy,
        experiment: assignment?.experiment ?? null,
        revision: assignment?.revision ?? null,
        variant: assignment?.variant ?? null,
        forced: assigned.forced,
        propensity: assignment?.propensity ?? 1,
        ranker: list.ranker,
        artistIds: recommendations.map(({ artistId }) => artistId),
        firstRank: options.offset + 1,
        teams: list.teams,
        featuresHash: list.featuresHash,
      },
      { budget, observability },
    );
    observability.count(METRICS.listServed);
    observability.count(SERVED_BY[policy]);
    observability.gauge(GAUGES.listLatency, budget.elapsedMs());
    observability.info('list served', {
      user: listenerId === null ? null : observability.pseudonym(listenerId),
      exposureId,
      modelVersion,
      policy,
      variant: assignment?.variant ?? null,
      ranker: list.ranker,
      nArtists: recommendations.length,
    });
    return {
      modelVersion,
      policy,
      experiment: assignment?.experiment ?? null,
      variant: assignment?.variant ?? null,
      exposureId,
      recommendations,
      unresolved,
    };
  };
}

const SERVED_BY = {
  personal: METRICS.personalServed,
  'fold-in': METRICS.foldInServed,
  popular: METRICS.popularServed,
  none: METRICS.noneServed,
} as const satisfies Record<Policy, Metric>;

function asksForFilters(options: Omit<ListOptions, 'n' | 'offset'>): boolean {
  const { tags = [], excludeTags = [], minPopularity, maxPopularity } = options;
  return tags.length + excludeTags.length > 0 || minPopularity > 0 || maxPopularity < 100;
}

/** The coins of a list are tossed once a day: its pages fit together, and they follow from what the exposure says. */
function draftIdOf({ assignment }: Assigned, listenerId: string | null, now: number): string {
  if (assignment === null) return '';
  const { experiment, revision } = assignment;
  return [experiment, revision, listenerId, new Date(now).toISOString().slice(0, 10)].join('\t');
}
