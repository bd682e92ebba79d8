import { describe, expect, it } from 'vitest';
import { eventField } from '../../functions/events/contract.ts';
import { assignVariant, type Experiment } from '../../layers/core/src/experiment/assign-variant.ts';
import { createOutcomeCollector } from '../../layers/core/src/experiment/collect-outcomes.ts';
import { readOut, type ReadOut } from '../../layers/core/src/experiment/read-out.ts';
import { draftCoin, teamDraft } from '../../layers/core/src/experiment/team-draft.ts';
import type { Exposure, ListenerEvent } from '../../layers/core/src/ports.ts';
import { createRng } from '../../layers/core/src/math/rng.ts';
import { ApiProblem } from '../../web/src/api/client.ts';
import { makeUpListener, reactTo } from '../../web/src/views/experiments/simulate/behaviour.ts';
import { simulate, type Progress, type World } from '../../web/src/views/experiments/simulate/drive.ts';
import { problemsOfSettings, settingsOf } from '../../web/src/views/experiments/simulate/settings.ts';

const CATALOGUE = Array.from({ length: 250 }, (_, i) => `artist-${i}`);
const START_MS = Date.UTC(2026, 10, 24, 12);

const EXPERIMENT: Experiment = {
  key: 'rankers',
  revision: 1,
  kind: 'ab',
  seed: 'rankers',
  coverage: 1,
  variants: [
    { key: 'control', weight: 0.5, ranker: 'lr' },
    { key: 'trees', weight: 0.5, ranker: 'trees' },
  ],
  status: 'running',
};

interface Sent {
  readonly anonymousId?: string;
  readonly force?: string;
  readonly n: number;
  readonly events: readonly unknown[];
}

/** The API as a simulation sees it: lists, and the logs behind a read-out. `fails` may refuse a request. */
function madeUpApi(
  experiment: Experiment,
  fails: (route: string, nth: number) => ApiProblem | null = () => null,
) {
  const exposures: Exposure[] = [];
  const events: ListenerEvent[] = [];
  const calls: string[] = [];
  const refusals: unknown[] = [];
  let nowMs = START_MS;
  // The rankers' orders: the treatment's own begins with what the control has last.
  const control = CATALOGUE.slice(0, 30).map((_, i) => i);
  const treatment = control.toReversed();

  function list({ anonymousId, force, n }: Sent) {
    const exposureId = `e${exposures.length}-${nowMs}`;
    const assignment = anonymousId === undefined ? null : assignVariant(experiment, anonymousId);
    const isDrafted = force === undefined && experiment.kind === 'interleaving';
    const variant = force === undefined ? assignment?.variant : force.split(':')[1];
    const drafted = isDrafted ? teamDraft(control, treatment, n, draftCoin(exposureId)) : null;
    const order = drafted?.order ?? (variant === 'trees' ? treatment : control).slice(0, n);
    const artistIds = Array.from(order, (i) => CATALOGUE[i]!);
    if (assignment !== null) {
      exposures.push({
        exposureId,
        userId: anonymousId!,
        at: nowMs,
        modelVersion: 'v',
        policy: 'fold-in',
        experiment: experiment.key,
        revision: 1,
        variant: assignment.variant,
        ranker: assignment.ranker,
        propensity: assignment.propensity,
        forced: false,
        teams: drafted?.teams ?? null,
        firstRank: 1,
        artistIds,
        featuresHash: '00000000',
      });
    }
    return {
      experiment: experiment.key,
      variant: variant ?? null,
      exposureId,
      recommendations: artistIds.map((artistId) => ({ artistId })),
    };
  }

  function take(sent: readonly unknown[]) {
    return {
      results: sent.map((event) => {
        const read = eventField.safeParse(event);
        if (!read.success) {
          refusals.push(event);
          return { status: 'refused', detail: read.error.message };
        }
        const id = JSON.stringify(event);
        events.push({ exposureId: null, plays: 1, ...read.data, id, receivedAt: nowMs });
        return { status: 'accepted' };
      }),
    };
  }

  const call = async (route: string, request: { body?: Sent; query?: { n: number; offset: number } }) => {
    calls.push(route);
    nowMs += 1_000;
    const problem = fails(route, calls.filter((other) => other === route).length);
    if (problem !== null) throw problem;
    const { n = 0, offset = 0 } = request.query ?? {};
    if (route === 'GET /artists/popular') {
      const artists = CATALOGUE.slice(offset, offset + n).map((artistId) => ({ artistId }));
      return { artists, total: CATALOGUE.length };
    }
    return route === 'POST /events' ? take(request.body!.events) : list(request.body!);
  };
  const world: World = {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- three routes, and of their answers what is looked at
    call: call as unknown as World['call'],
    now: () => nowMs,
    sleep: async () => {},
  };
  return {
    world,
    exposures,
    events,
    calls,
    refusals,
    readOut: (): ReadOut => {
      const collector = createOutcomeCollector({ ...experiment, createdAt: START_MS, readOutFrom: 1 });
      collector.addExposures(exposures);
      collector.addEvents(events);
      return readOut(collector.outcomes());
    },
  };
}

const run = (
  api: ReturnType<typeof madeUpApi>,
  settings: Partial<Parameters<typeof simulate>[0]> = {},
  options: Partial<Parameters<typeof simulate>[2]> = {},
): Promise<Progress> =>
  simulate({ listeners: 300, visits: 2, clickRate: 0.2, uplift: 0.5, ...settings }, api.world, {
    run: 'test',
    experiments: [{ ...EXPERIMENT, variants: [...EXPERIMENT.variants] }],
    signal: new AbortController().signal,
    onProgress: () => {},
    ...options,
  });

const shareOf = (found: readonly string[], id: string): number =>
  found.filter((other) => other === id).length / found.length;

describe('made-up listeners', () => {
  it('are the same of the same run, others of another, and name popular artists more often', () => {
    const listener = makeUpListener('a', 7, CATALOGUE);
    expect(listener.id).toBe('sim-a-7');
    expect(makeUpListener('a', 7, CATALOGUE).artists).toEqual(listener.artists);
    expect(makeUpListener('b', 7, CATALOGUE).artists).not.toEqual(listener.artists);
    const all = Array.from({ length: 500 }, (_, n) => makeUpListener('a', n, CATALOGUE));
    for (const { artists, eagerness } of all) {
      expect(new Set(artists).size).toBe(artists.length);
      expect(artists.length).toBeGreaterThanOrEqual(3);
      expect(artists.length).toBeLessThanOrEqual(8);
      expect(eagerness).toBeGreaterThanOrEqual(0.5);
      expect(eagerness).toBeLessThan(1.5);
    }
    const places = all.flatMap(({ artists }) => artists.map((id) => CATALOGUE.indexOf(id)));
    // The square of a uniform draw is below a quarter half of the time.
    const popular = places.filter((place) => place < CATALOGUE.length / 4).length / places.length;
    expect(popular).toBeGreaterThan(0.45);
    expect(popular).toBeLessThan(0.55);
    expect(makeUpListener('a', 1, ['only']).artists).toEqual(['only']);
  });

  it('click as often as they are told, the treatment more, and what stands first most', () => {
    const artistIds = CATALOGUE.slice(0, 10);
    const rng = createRng(1);
    const clicks = (isTreatment: boolean, favoured?: ReadonlySet<string>): string[] =>
      Array.from({ length: 20_000 }, () =>
        reactTo(
          { artistIds, isTreatment, ...(favoured === undefined ? {} : { favoured }) },
          { eagerness: 1, rng },
          { clickRate: 0.2, uplift: 0.5 },
        ),
      ).flatMap((reactions) => (reactions[0] === undefined ? [] : [reactions[0].artistId]));
    const plain = clicks(false);
    // Three standard errors of 20,000 draws.
    expect(Math.abs(plain.length / 20_000 - 0.2)).toBeLessThan(0.009);
    expect(Math.abs(clicks(true).length / 20_000 - 0.3)).toBeLessThan(0.01);
    // 1 / (1 + 1/2 + … + 1/10)
    expect(shareOf(plain, artistIds[0]!)).toBeCloseTo(0.341, 1);
    const favoured = clicks(false, new Set([artistIds[1]!]));
    expect(shareOf(favoured, artistIds[1]!)).toBeGreaterThan(shareOf(plain, artistIds[1]!) + 0.03);
    expect(
      reactTo({ artistIds: [], isTreatment: true }, { eagerness: 1, rng }, { clickRate: 1, uplift: 0 }),
    ).toEqual([]);
  });
});

describe('a simulation', () => {
  it('is read out as it was set, by events that the API accepts', async () => {
    const api = madeUpApi(EXPERIMENT);
    const progress = await run(api, { listeners: 1_500 });
    expect(progress).toMatchObject({ listeners: 1_500, lists: 3_000, unlogged: 0, refused: 0, retries: 0 });
    expect(progress.events).toBe(api.events.length);
    expect(Object.keys(progress.shares).toSorted()).toEqual(['rankers: control', 'rankers: trees']);
    expect(api.refusals).toEqual([]);
    expect(new Set(api.exposures.map(({ userId }) => userId)).size).toBe(1_500);
    const { variants, checks } = api.readOut();
    const { mean, lift } = variants[1]!.metrics.clickThrough;
    expect(mean!.value).toBeGreaterThan(0.27);
    expect(mean!.value).toBeLessThan(0.33);
    expect(lift!.sequentialPValue).toBeLessThan(0.05);
    expect(checks.sampleRatio.alarm).toBe(false);
    expect(checks.multipleExposure.listeners).toBe(0);
    // Plays of before say who is eager.
    expect(variants[1]!.metrics.playsPerListener.adjusted!.theta).toBeGreaterThan(0);
  });

  it('finds nothing in an A/A test', async () => {
    const api = madeUpApi(EXPERIMENT);
    await run(api, { listeners: 1_000, uplift: 0 });
    expect(api.readOut().variants[1]!.metrics.clickThrough.lift!.sequentialPValue).toBeGreaterThan(0.05);
  });

  it('prefers the treatment’s artists where lists are drafted, without a vote for the lists it looks at', async () => {
    const api = madeUpApi({ ...EXPERIMENT, kind: 'interleaving' });
    const experiments = [
      { ...EXPERIMENT, kind: 'interleaving' as const, variants: [...EXPERIMENT.variants] },
    ];
    const progress = await run(api, { listeners: 600, clickRate: 0.5, uplift: 1 }, { experiments });
    expect(progress.shares).toEqual({ 'rankers: both': 1_200 });
    const { preference, sequentialPValue } = api.readOut().interleaving!;
    expect(preference!.value).toBeGreaterThan(0);
    expect(sequentialPValue).toBeLessThan(0.05);
    // One list of the treatment's own for each listener.
    expect(api.calls.filter((route) => route === 'POST /recommendations')).toHaveLength(1_800);
  });

  it('stops when it is told to, and sends what was done until then', async () => {
    const api = madeUpApi(EXPERIMENT);
    const stop = new AbortController();
    let last: Progress | undefined;
    const progress = await run(
      api,
      {},
      {
        signal: stop.signal,
        onProgress: (progress) => {
          last = progress;
          if (progress.lists >= 50) stop.abort();
        },
      },
    );
    expect(progress.lists).toBeGreaterThanOrEqual(50);
    expect(progress.lists).toBeLessThan(60);
    expect(progress.events).toBe(api.events.length);
    expect(last).toEqual(progress);
  });

  it('asks again where that may help, and ends where it does not', async () => {
    const busy = new ApiProblem(503, 'STORE_UNAVAILABLE', 'it is busy');
    const once = madeUpApi(EXPERIMENT, (route, nth) => (route === 'POST /events' && nth === 1 ? busy : null));
    expect(await run(once)).toMatchObject({ lists: 600, retries: 1, problem: 'it is busy' });
    expect(new Set(once.events.map(({ id }) => id)).size).toBe(once.events.length);

    const never = madeUpApi(EXPERIMENT, (route) => (route === 'POST /recommendations' ? busy : null));
    await expect(run(never)).rejects.toBe(busy);

    const wrong = new ApiProblem(400, 'INVALID_REQUEST', 'it is wrong');
    const refused = madeUpApi(EXPERIMENT, (route) => (route === 'POST /recommendations' ? wrong : null));
    await expect(run(refused)).rejects.toBe(wrong);
    expect(refused.calls.filter((route) => route === 'POST /recommendations').length).toBeLessThanOrEqual(5);
  });
});

describe('settings of a simulation', () => {
  const typed = { listeners: '100', visits: '2', clickRate: '20', uplift: '-30' };

  it('are numbers within what makes sense', () => {
    expect(settingsOf(typed)).toEqual({ listeners: 100, visits: 2, clickRate: 0.2, uplift: -0.3 });
    const wrong = { listeners: '1.5', visits: '', clickRate: '51', uplift: 'much' };
    expect(settingsOf(wrong)).toBeNull();
    expect(problemsOfSettings(wrong)).toEqual({
      listeners: 'Use a whole number from 1 to 20000.',
      visits: 'Use a whole number from 1 to 20.',
      clickRate: 'Use a number from 0 to 50.',
      uplift: 'Use a number from -100 to 100.',
    });
  });
});
