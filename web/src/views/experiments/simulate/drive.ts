import type * as z from 'zod';
import type { eventField } from '../../../../../functions/events/contract.ts';
import { ApiProblem, mayPass, type Answer, type Request, type RouteKey } from '../../../api/client.ts';
import type { Experiment } from '../experiment-form.ts';
import { makeUpListener, playsBefore, reactTo, type Behaviour, type MadeUpListener } from './behaviour.ts';

/** How many made-up listeners come, how often, and what they do. */
export interface SimulationSettings extends Behaviour {
  readonly listeners: number;
  /** Lists that each asks for. */
  readonly visits: number;
}

/** What a simulation needs of the world; tests give it another one. */
export interface World {
  readonly call: <Route extends RouteKey>(route: Route, request?: Request<Route>) => Promise<Answer<Route>>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** How far a simulation has come. */
export interface Progress {
  /** Listeners who have had all of their lists. */
  readonly listeners: number;
  readonly lists: number;
  readonly events: number;
  /** Lists by `experiment: variant`; those of no experiment under an empty text. */
  readonly shares: Readonly<Record<string, number>>;
  /** Lists that were not logged: what their listeners did with them would count for nobody. */
  readonly unlogged: number;
  /** Events that the API refused. */
  readonly refused: number;
  /** Requests that were sent again. */
  readonly retries: number;
  readonly ms: number;
  /** The last thing that went wrong. */
  readonly problem: string | null;
}

export interface SimulationOptions {
  /** Names its listeners, and decides who they are and what they do. */
  readonly run: string;
  /** As they are now: who is a treatment, and whose lists are drafted. */
  readonly experiments: readonly Pick<Experiment, 'key' | 'kind' | 'variants'>[];
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

type NewEvent = z.input<typeof eventField>;

/** Requests at a time: enough to see it decide, few enough to leave the machine to whoever looks. */
const CONCURRENCY = 5;
const LIST_LENGTH = 10;
/** Events that are sent together: few enough for a read-out to show them soon. */
const BATCH = 20;
const CATALOGUE_PAGE = 100;
const CATALOGUE_PAGES = 3;
const ATTEMPTS = 4;
const RETRY_MS = 1_000;
/** How long before they came they played what they name. */
const BEFORE_MS = 2 * 86_400_000;

/**
 * Sends made-up listeners to the API: each asks for lists and answers with events, like a page would.
 *
 * It ends when all have been there, when `signal` says so, or when the API goes on refusing. What listeners did until then is sent, unless it is refused.
 *
 * @returns How far it came.
 * @throws The last problem, where a request fails again and again.
 */
export async function simulate(
  settings: SimulationSettings,
  world: World,
  { run, experiments, signal, onProgress }: SimulationOptions,
): Promise<Progress> {
  const startedAt = world.now();
  const controls = new Map(experiments.map(({ key, variants }) => [key, variants[0]?.key]));
  const drafted = new Map(
    experiments.flatMap(({ key, kind, variants }) =>
      kind === 'interleaving' && variants[1] !== undefined ? [[key, `${key}:${variants[1].key}`]] : [],
    ),
  );
  let progress: Progress = {
    listeners: 0,
    lists: 0,
    events: 0,
    shares: {},
    unlogged: 0,
    refused: 0,
    retries: 0,
    ms: 0,
    problem: null,
  };
  let waiting: NewEvent[] = [];
  let next = 0;
  const ended = new AbortController();
  const tell = (change: Partial<Progress>): void => {
    progress = { ...progress, ...change, ms: world.now() - startedAt };
    onProgress(progress);
  };

  /** Asks again where it may help, after longer and longer pauses. */
  async function patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask();
      } catch (error) {
        if (
          !(error instanceof ApiProblem) ||
          !mayPass(error) ||
          attempt === ATTEMPTS ||
          ended.signal.aborted ||
          signal.aborted
        )
          throw error;
        tell({ retries: progress.retries + 1, problem: error.message });
        await world.sleep(RETRY_MS * attempt);
      }
    }
  }

  async function send(atLeast: number): Promise<void> {
    while (waiting.length >= Math.max(1, atLeast)) {
      const events = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      const { results } = await patiently(() => world.call('POST /events', { body: { events } }));
      const refused = results.filter(({ status }) => status === 'refused');
      tell({
        events: progress.events + results.length - refused.length,
        refused: progress.refused + refused.length,
        ...(refused[0]?.detail === undefined ? {} : { problem: refused[0].detail }),
      });
    }
  }

  async function visit(listener: MadeUpListener, favoured: Map<string, ReadonlySet<string>>): Promise<void> {
    const artists = listener.artists.map((id) => ({ id }));
    const list = await patiently(() =>
      world.call('POST /recommendations', { body: { artists, anonymousId: listener.id, n: LIST_LENGTH } }),
    );
    const { experiment, variant, exposureId, recommendations } = list;
    // In an interleaving everybody sees both variants, whichever the answer names.
    const force = experiment === null ? undefined : drafted.get(experiment);
    const share =
      experiment === null ? '' : force === undefined ? `${experiment}: ${variant}` : `${experiment}: both`;
    tell({
      lists: progress.lists + 1,
      shares: { ...progress.shares, [share]: (progress.shares[share] ?? 0) + 1 },
      unlogged: progress.unlogged + (exposureId === null ? 1 : 0),
    });
    if (exposureId === null) return;
    if (force !== undefined && !favoured.has(force)) {
      const wanted = await patiently(() =>
        world.call('POST /recommendations', { body: { artists, n: LIST_LENGTH, force } }),
      );
      favoured.set(force, new Set(wanted.recommendations.map(({ artistId }) => artistId)));
    }
    const liked = force === undefined ? undefined : favoured.get(force);
    const control = experiment === null ? undefined : controls.get(experiment);
    const met = {
      artistIds: recommendations.map(({ artistId }) => artistId),
      isTreatment: force === undefined && control !== undefined && variant !== control,
      ...(liked === undefined ? {} : { favoured: liked }),
    };
    const at = world.now();
    waiting.push(
      ...reactTo(met, listener, settings).map((reaction) => ({
        ...reaction,
        userId: listener.id,
        at,
        exposureId,
      })),
    );
  }

  async function work(catalogue: readonly string[]): Promise<void> {
    while (next < settings.listeners && !signal.aborted && !ended.signal.aborted) {
      const listener = makeUpListener(run, next++, catalogue);
      waiting.push({
        type: 'play',
        userId: listener.id,
        artistId: listener.artists[0]!,
        at: startedAt - BEFORE_MS,
        plays: playsBefore(listener),
      });
      const favoured = new Map<string, ReadonlySet<string>>();
      for (let i = 0; i < settings.visits && !signal.aborted && !ended.signal.aborted; i++) {
        await visit(listener, favoured);
        await send(BATCH);
      }
      tell({ listeners: progress.listeners + 1 });
    }
  }

  const catalogue = await popularArtists((request) =>
    patiently(() => world.call('GET /artists/popular', request)),
  );
  if (catalogue.length === 0) throw new Error('The catalogue has no artists yet: train a model first.');
  const failures: unknown[] = [];
  const workers = Array.from({ length: CONCURRENCY }, () =>
    work(catalogue).catch((reason: unknown) => {
      ended.abort();
      failures.push(reason);
    }),
  );
  await Promise.all(workers);
  if (failures.length > 0) throw failures[0];
  // What they did before it ended is told all the same.
  await send(1);
  return progress;
}

async function popularArtists(
  ask: (request: Request<'GET /artists/popular'>) => Promise<Answer<'GET /artists/popular'>>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let page = 0; page < CATALOGUE_PAGES; page++) {
    const offset = page * CATALOGUE_PAGE;
    const { artists, total } = await ask({ query: { n: CATALOGUE_PAGE, offset } });
    found.push(...artists.map(({ artistId }) => artistId));
    if (found.length >= total) break;
  }
  return found;
}
