import { describe, expect, it } from 'vitest';
import type { ReadLimits } from '../../../functions/experiments/read-results.ts';
import type { VariantReadOut } from '../../../layers/core/src/experiment/read-out.ts';
import type { EventLog, Exposure, ExposureArchive } from '../../../layers/core/src/ports.ts';
import { DAY_MS, eventOf, experimentsWorld, exposureOf, HOUR_MS, NOW_MS, trees } from './ask-experiments.ts';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const iso = (atMs: number): string => new Date(atMs).toISOString();
const noLimits: ReadLimits = {
  exposuresMs: Infinity,
  totalMs: Infinity,
  exposures: Infinity,
  events: Infinity,
};

/** The means of a variant, as the answer has them. */
function figuresOf({ variant, ranker, listeners, exposures, metrics }: VariantReadOut) {
  return {
    variant,
    ranker,
    listeners,
    exposures,
    clickThrough: metrics.clickThrough.mean?.value,
    plays: metrics.playsPerListener.mean?.value,
    likeRate: metrics.likeRate.mean?.value,
  };
}

/** A world in which `trees` has run for some days. */
async function running(days = 2, deps: Parameters<typeof experimentsWorld>[0] = {}) {
  const world = experimentsWorld({ limits: noLimits, ...deps });
  await world.put('trees', trees);
  world.clock.nowMs += days * DAY_MS;
  return world;
}

describe('GET /experiments/{key}/results', () => {
  it('answers 404 for an experiment that is not there', async () => {
    const { results } = experimentsWorld();
    expect(await results('nothing')).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND', field: 'key' },
    });
  });

  it('reads the built-in experiment out, from 28 days ago', async () => {
    const { results, exposures } = experimentsWorld();
    const own = { experiment: 'ranker', at: NOW_MS - 27 * DAY_MS };
    await exposures.append(exposureOf({ ...own, exposureId: 'a' }));
    await exposures.append(exposureOf({ ...own, exposureId: 'b', userId: '52', variant: 'treatment' }));
    const { status, body } = await results('ranker');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      experiment: 'ranker',
      revision: 1,
      status: 'running',
      builtIn: true,
      readOutFrom: 1,
      from: iso(NOW_MS - 28 * DAY_MS),
      to: iso(NOW_MS),
      complete: true,
      missing: [],
      listeners: 2,
      exposures: 2,
    });
  });

  it('says nothing of an experiment that nobody has taken part in', async () => {
    const { results } = await running();
    const { body } = await results('trees');
    expect(body).toMatchObject({ listeners: 0, exposures: 0, complete: true, comparisons: 3 });
    expect(body.checks.sampleRatio).toEqual({
      observed: [0, 0],
      expected: [0.5, 0.5],
      pValue: null,
      alarm: false,
    });
    expect(body.variants[1].metrics.clickThrough).toEqual({ mean: null, lift: null, adjusted: null });
  });

  it('has what each variant’s listeners did, as worked out by hand', async () => {
    const { results, exposures, events } = await running();
    const at = NOW_MS + HOUR_MS;
    const lists: readonly Partial<Exposure>[] = [
      { exposureId: 'a1', userId: 'a', at },
      { exposureId: 'a2', userId: 'a', at: at + DAY_MS },
      { exposureId: 'b1', userId: 'b', at },
      { exposureId: 'c1', userId: 'c', at, variant: 'treatment' },
      { exposureId: 'd1', userId: 'd', at, variant: 'treatment' },
      { exposureId: 'd2', userId: 'd', at, variant: 'treatment' },
      // No evidence: asked for, of another experiment, of both variants.
      { exposureId: 'e1', userId: 'e', at, forced: true, propensity: 1 },
      { exposureId: 'f1', userId: 'f', at, experiment: 'ranker' },
      { exposureId: 'g1', userId: 'g', at },
      { exposureId: 'g2', userId: 'g', at, variant: 'treatment' },
    ];
    for (const list of lists) await exposures.append(exposureOf(list));
    await events.append([
      eventOf({ id: '1', userId: 'a', type: 'click', at: at + 1, exposureId: 'a1' }),
      eventOf({ id: '2', userId: 'a', type: 'click', at: at + 2, exposureId: 'a1', artistId: '7' }),
      eventOf({ id: '3', userId: 'a', at: at + 3, plays: 4 }),
      eventOf({ id: '4', userId: 'a', at: at - DAY_MS, plays: 100 }),
      eventOf({ id: '5', userId: 'c', type: 'like', at: at + 1, exposureId: 'c1' }),
      eventOf({ id: '6', userId: 'c', type: 'click', at: at + 1, exposureId: 'c1' }),
      eventOf({ id: '7', userId: 'd', at: at + DAY_MS, plays: 6 }),
      eventOf({ id: '8', userId: 'd', type: 'click', at: at + 1, exposureId: 'd2' }),
      eventOf({ id: '9', userId: 'd', type: 'click', at: at + 1, exposureId: 'a2' }),
      eventOf({ id: '10', userId: 'g', at: at + 1, plays: 50 }),
    ]);
    const { body } = await results('trees');
    const figures = body.variants.map(figuresOf);
    expect(figures).toEqual([
      {
        variant: 'control',
        ranker: 'lr',
        listeners: 2,
        exposures: 3,
        clickThrough: 1 / 3,
        plays: 2,
        likeRate: 0,
      },
      {
        variant: 'treatment',
        ranker: 'trees',
        listeners: 2,
        exposures: 3,
        clickThrough: 2 / 3,
        plays: 3,
        likeRate: 1 / 3,
      },
    ]);
    expect(body.variants[1].metrics.playsPerListener.lift).toMatchObject({
      absolute: { value: 1 },
      relative: { value: 0.5 },
    });
    expect(body).toMatchObject({ listeners: 4, exposures: 8, leftOut: { forced: 1 } });
    expect(body.checks.multipleExposure).toEqual({ listeners: 1, share: 0.2, alarm: true });
  });

  it('reads an interleaving out as a preference', async () => {
    const { put, results, exposures, events, clock } = experimentsWorld({ limits: noLimits });
    await put('draft', { ...trees, kind: 'interleaving' });
    for (const userId of ['a', 'b', 'c']) {
      const list = { experiment: 'draft', exposureId: `${userId}1`, userId, teams: '-01', at: NOW_MS + 1 };
      await exposures.append(exposureOf(list));
    }
    const click = { type: 'click' as const, at: NOW_MS + 2 };
    await events.append([
      eventOf({ ...click, id: '1', userId: 'a', exposureId: 'a1', artistId: '51' }),
      eventOf({ ...click, id: '2', userId: 'b', exposureId: 'b1', artistId: '51' }),
      eventOf({ ...click, id: '3', userId: 'c', exposureId: 'c1', artistId: '7' }),
      eventOf({ ...click, id: '4', userId: 'c', exposureId: 'c1', artistId: '289' }),
    ]);
    clock.nowMs += HOUR_MS;
    const { body } = await results('draft');
    expect(body.variants).toEqual([]);
    expect(body.interleaving).toMatchObject({
      variants: ['control', 'treatment'],
      credits: [1, 2],
      wins: 2,
      losses: 1,
      ties: 0,
      preference: { value: 1 / 3 },
    });
  });

  it('begins when the experiment first ran as it is, and ends when it was stopped', async () => {
    const { clock, put, results, exposures, events } = experimentsWorld({ limits: noLimits });
    await put('trees', { ...trees, status: 'draft' });
    clock.nowMs += DAY_MS;
    const began = clock.nowMs;
    await put('trees', { ...trees, coverage: 1 });
    await exposures.append(exposureOf({ at: began + 1, revision: 2 }));
    await events.append([eventOf({ at: began + 2, plays: 3 })]);
    clock.nowMs += DAY_MS;
    const ended = clock.nowMs;
    await put('trees', { ...trees, status: 'stopped' });
    // What listeners do after the end they do with other lists.
    await events.append([eventOf({ id: 'after', at: ended + 1, plays: 100 })]);
    clock.nowMs += 30 * DAY_MS;
    const { body } = await results('trees');
    expect(body).toMatchObject({
      revision: 3,
      readOutFrom: 1,
      from: iso(began),
      to: iso(ended),
      complete: true,
    });
    expect(body.variants[0].metrics.playsPerListener.mean.value).toBe(3);
  });

  it('has nothing to read while the experiment never ran as it is', async () => {
    const { clock, put, results, exposures } = await running();
    await exposures.append(exposureOf({ at: NOW_MS + 1 }));
    const changed = clock.nowMs;
    await put('trees', { ...trees, seed: 'other', status: 'draft' });
    clock.nowMs += DAY_MS;
    const { body } = await results('trees');
    expect(body).toMatchObject({ from: iso(changed), to: iso(changed), exposures: 0, complete: true });
  });

  it('pools the listeners whom more coverage adds, and begins anew where weights change', async () => {
    const { clock, put, results, exposures } = experimentsWorld({ limits: noLimits });
    await put('trees', { ...trees, coverage: 0.5 });
    await exposures.append(exposureOf({ exposureId: 'a', userId: 'a', at: NOW_MS + 1 }));
    clock.nowMs += DAY_MS;
    await put('trees', trees);
    await exposures.append(exposureOf({ exposureId: 'b', userId: 'b', revision: 2, at: clock.nowMs + 1 }));
    clock.nowMs += DAY_MS;
    expect((await results('trees')).body).toMatchObject({ revision: 2, from: iso(NOW_MS), listeners: 2 });

    const changed = clock.nowMs;
    const variants = trees.variants.map((variant, i) => ({ ...variant, weight: [0.9, 0.1][i] }));
    await put('trees', { ...trees, variants });
    await exposures.append(exposureOf({ exposureId: 'c', userId: 'c', revision: 3, at: clock.nowMs + 1 }));
    clock.nowMs += DAY_MS;
    const { body } = await results('trees');
    expect(body).toMatchObject({ revision: 3, readOutFrom: 3, from: iso(changed), listeners: 1 });
    expect(body.leftOut.earlierRevision).toBe(2);
  });

  it('adjusts for plays before the first exposure, and for none that an earlier revision may have caused', async () => {
    const { clock, put, results, exposures, events } = experimentsWorld({ limits: noLimits });
    await put('trees', trees);
    clock.nowMs += 3 * DAY_MS;
    await put('trees', { ...trees, seed: 'other' });
    const began = clock.nowMs;
    const users = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const [i, userId] of users.entries()) {
      const variant = i % 2 === 0 ? 'control' : 'treatment';
      // Whoever the first revision served before had no time without it.
      if (userId === 'a' || userId === 'b') {
        await exposures.append(exposureOf({ exposureId: `${userId}0`, userId, variant, at: began - DAY_MS }));
      }
      await exposures.append(
        exposureOf({ exposureId: `${userId}1`, userId, variant, revision: 2, at: began + HOUR_MS }),
      );
      await events.append([
        eventOf({ id: 'before', userId, at: began - HOUR_MS, plays: i + 1 }),
        eventOf({ id: 'after', userId, at: began + 2 * HOUR_MS, plays: 2 * (i + 1) }),
      ]);
    }
    clock.nowMs += DAY_MS;
    const { adjusted } = (await results('trees')).body.variants[1].metrics.playsPerListener;
    // Plays before, with means of 3 and 7; a and b have none that count.
    const x = [0, 0, 3, 4, 5, 6];
    const y = [2, 4, 6, 8, 10, 12];
    const slope =
      sum(x.map((value, i) => (value - 3) * (y[i]! - 7))) / sum(x.map((value) => (value - 3) ** 2));
    expect(adjusted.theta).toBeCloseTo(slope, 12);
  });

  it('counts what happened before a day that is asked for', async () => {
    const { results, exposures } = await running(5);
    const days = [0, 1, 2, 3, 4];
    for (const day of days) {
      await exposures.append(
        exposureOf({ exposureId: `${day}`, userId: `${day}`, at: NOW_MS + day * DAY_MS }),
      );
    }
    const { body } = await results('trees', { until: '2026-11-26' });
    expect(body).toMatchObject({ to: '2026-11-26T00:00:00.000Z', listeners: 2, complete: true });
    expect((await results('trees', { until: '2026-11-01' })).body).toMatchObject({
      from: iso(NOW_MS),
      to: iso(NOW_MS),
      listeners: 0,
    });
    expect((await results('trees', { until: '2030-01-01' })).body).toMatchObject({ listeners: 5 });
    expect(await results('trees', { until: 'yesterday' })).toMatchObject({
      status: 400,
      body: { field: 'until' },
    });
    expect(await results('trees', { until: '2026-02-30' })).toMatchObject({
      status: 400,
      body: { field: 'until' },
    });
  });

  it('says that the beginning is lost of an experiment that ran for longer than exposures are kept', async () => {
    const { results } = await running(100);
    const { body } = await results('trees');
    expect(body).toMatchObject({
      from: iso(NOW_MS + 10 * DAY_MS),
      complete: false,
      missing: [{ what: 'exposures', from: '2026-11-24', to: '2026-12-04', reason: 'expired' }],
    });
  });

  it('counts events that cannot be read', async () => {
    const poisoned: Pick<EventLog, 'ofDay'> = {
      ofDay: async function* (day, onPoison) {
        if (day === '2026-11-25') onPoison?.('51#nonsense');
        yield [];
      },
    };
    const { results } = await running(2, { events: poisoned });
    expect((await results('trees')).body.leftOut.unreadableEvents).toBe(1);
  });
});

/** Logs whose every page of two takes a second. */
async function slowly(limits: Partial<ReadLimits>) {
  const world: Awaited<ReturnType<typeof running>> = await running(2, {
    limits: { ...noLimits, ...limits },
    exposures: {
      ofDay: async function* (day) {
        for (let page = 0; page < 3; page++) {
          world.clock.nowMs += 1_000;
          yield [0, 1].map((i) => {
            const id = `${day} ${page} ${i}`;
            return exposureOf({ exposureId: id, userId: id, at: Date.parse(day) + 13 * HOUR_MS });
          });
        }
      },
    } satisfies Pick<ExposureArchive, 'ofDay'>,
    events: {
      ofDay: async function* (day) {
        world.clock.nowMs += 1_000;
        const userId = `${day} 0 0`;
        yield [eventOf({ id: 'x', userId, at: Date.parse(day) + 14 * HOUR_MS })];
        yield [eventOf({ id: 'y', userId, at: Date.parse(day) + 15 * HOUR_MS })];
      },
    } satisfies Pick<EventLog, 'ofDay'>,
  });
  return world;
}

describe('a read-out that reaches a limit', () => {
  it('is complete where there is none', async () => {
    const { results, counted } = await slowly({});
    // The third day's exposures come after now.
    expect((await results('trees')).body).toMatchObject({ complete: true, exposures: 12 });
    expect(counted).toEqual([]);
  });

  it('leaves out the exposures after the time is up, and reads the events of those it has', async () => {
    const { results, counted } = await slowly({ exposuresMs: 4_000 });
    const { body } = await results('trees');
    expect(body).toMatchObject({
      complete: false,
      exposures: 8,
      missing: [{ what: 'exposures', from: '2026-11-25', to: '2026-11-26', reason: 'time' }],
    });
    expect(body.variants[0].metrics.playsPerListener.mean.value).toBe(4 / 8);
    expect(counted).toEqual(['ReadOutIncomplete']);
  });

  it('leaves out the events after the time is up', async () => {
    // Nine seconds for exposures, then one for each day of events from 17 November on.
    const { results } = await slowly({ totalMs: 17_500 });
    const { body } = await results('trees');
    expect(body.missing).toEqual([{ what: 'events', from: '2026-11-25', to: '2026-11-26', reason: 'time' }]);
    expect(body.exposures).toBe(12);
  });

  it('leaves out what would not fit', async () => {
    const { results } = await slowly({ exposures: 6, events: 17 });
    const { body } = await results('trees');
    expect(body).toMatchObject({
      exposures: 6,
      missing: [
        { what: 'exposures', from: '2026-11-25', to: '2026-11-26', reason: 'size' },
        { what: 'events', from: '2026-11-25', to: '2026-11-26', reason: 'size' },
      ],
    });
  });
});
