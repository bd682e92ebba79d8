import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createOutcomeCollector,
  type Outcomes,
} from '../../../layers/core/src/experiment/collect-outcomes.ts';
import type { Exposure, ListenerEvent } from '../../../layers/core/src/ports.ts';
import { DAY, event, exposure, HOUR, START, trees } from './log.ts';

const interleaved = { ...trees, kind: 'interleaving' } as const;

function collect(
  exposures: readonly Exposure[],
  events: readonly ListenerEvent[],
  options: Parameters<typeof createOutcomeCollector>[1] = {},
  experiment: Parameters<typeof createOutcomeCollector>[0] = trees,
): Outcomes {
  const collector = createOutcomeCollector(experiment, options);
  collector.addExposures(exposures);
  collector.addEvents(events);
  return collector.outcomes();
}

/** One listener's figures, in the order of the arrays. */
const rows = ({ variant, exposures, clicked, liked, plays, prePlays }: Outcomes): number[][] =>
  Array.from(variant, (v, i) => [v, exposures[i]!, clicked[i]!, liked[i]!, plays[i]!, prePlays[i]!]);

const played = (at: number, plays: number): ListenerEvent => event('a', 'play', { at, plays });

/** An answer to an artist of a list, by the listener who saw it. */
const on = (shown: Exposure, artistId: string, type: ListenerEvent['type']): ListenerEvent =>
  event(shown.userId, type, { artistId, exposureId: shown.exposureId });

const begun = (userId: string, teams: string | null, firstRank = 1): Exposure =>
  exposure(userId, 'control', { teams, firstRank });

describe('createOutcomeCollector', () => {
  it('sums up each listener, whatever the pages', () => {
    const [a1, a2, b1] = [exposure('a', 'control'), exposure('a', 'control'), exposure('b', 'treatment')];
    const outcomes = collect(
      [a1, b1, a2],
      [
        event('a', 'click', { exposureId: a1.exposureId }),
        event('a', 'click', { exposureId: a1.exposureId, artistId: '2' }),
        event('a', 'like', { exposureId: a2.exposureId }),
        event('a', 'play', { plays: 7 }),
        event('a', 'play', { plays: 2, at: START - HOUR }),
        event('b', 'play', { at: START }),
        event('b', 'skip', { exposureId: b1.exposureId }),
        event('stranger', 'play'),
      ],
    );
    expect(rows(outcomes)).toEqual([
      [0, 2, 1, 1, 7, 2],
      [1, 1, 0, 0, 1, 0],
    ]);
    expect(outcomes.exposuresRead).toBe(3);
  });

  it('leaves out what is no evidence, and says how much', () => {
    const double = exposure('a', 'control');
    const outcomes = collect(
      [
        double,
        double,
        exposure('a', 'treatment', { forced: true }),
        exposure('b', 'treatment', { revision: 1 }),
        exposure('', 'treatment'),
        exposure('c', 'third'),
        exposure('d', 'control', { experiment: 'other' }),
        exposure('e', 'control', { experiment: null, revision: null, variant: null }),
        exposure('f', 'treatment', { revision: 2 }),
      ],
      [event('b', 'play'), event('d', 'play')],
    );
    expect(rows(outcomes)).toEqual([
      [0, 1, 0, 0, 0, 0],
      [1, 1, 0, 0, 0, 0],
    ]);
    expect(outcomes.leftOut).toEqual({
      forced: 1,
      earlierRevision: 1,
      withoutListener: 1,
      unknownVariant: 1,
      duplicateExposures: 1,
      duplicateEvents: 0,
    });
  });

  it('counts an event once by listener and id, and another listener with that id besides', () => {
    const [a, b] = [exposure('a', 'control'), exposure('b', 'control')];
    const same = { id: 'same', plays: 3 };
    const outcomes = collect(
      [a, b],
      [
        event('a', 'play', same),
        event('a', 'play', { ...same, at: START + 5 * HOUR }),
        event('b', 'play', same),
      ],
    );
    expect(Array.from(outcomes.plays)).toEqual([3, 3]);
    expect(outcomes.leftOut.duplicateEvents).toBe(1);
  });

  it('believes a click only of the listener who saw the list', () => {
    const [a, b] = [exposure('a', 'control'), exposure('b', 'treatment')];
    const outcomes = collect([a, b], [event('b', 'click', { exposureId: a.exposureId })]);
    expect(Array.from(outcomes.clicked)).toEqual([0, 0]);
  });

  it('compares nobody who saw two variants', () => {
    const outcomes = collect(
      [
        exposure('a', 'control'),
        exposure('b', 'treatment'),
        exposure('a', 'treatment'),
        exposure('a', 'control'),
      ],
      [event('a', 'play'), event('b', 'play')],
    );
    expect(rows(outcomes)).toEqual([[1, 1, 0, 0, 1, 0]]);
    expect(outcomes.multiplyExposed).toBe(1);
    expect(outcomes.exposuresRead).toBe(4);
  });

  it('caps the plays of a listener and day, before and after the first exposure apart', () => {
    const first = START + 12 * HOUR;
    const outcomes = collect(
      [exposure('a', 'control', { at: first })],
      [
        played(first + HOUR, 8),
        played(first + 2 * HOUR, 8),
        played(first - HOUR, 30),
        played(first + DAY, 4),
        played(first - DAY, 4),
      ],
      { playsPerDay: 10 },
    );
    expect(rows(outcomes)).toEqual([[0, 1, 0, 0, 14, 14]]);
  });

  it('takes the pre-period to be the days before the first exposure, and no more of them', () => {
    const events = [START - 2 * DAY, START - 2 * DAY - 1, START - 1, START].map((at) => played(at, 1));
    const exposures = [exposure('a', 'control', { at: START + DAY }), exposure('a', 'control')];
    expect(rows(collect(exposures, events, { preDays: 2 }))).toEqual([[0, 2, 0, 0, 1, 2]]);
    expect(rows(collect(exposures, events))).toEqual([[0, 2, 0, 0, 1, 3]]);
    expect(rows(collect(exposures, events, { preDays: 0 }))).toEqual([[0, 2, 0, 0, 1, 0]]);
  });

  it('ends the pre-period where an earlier revision exposed the listener already', () => {
    const earlier = exposure('a', 'treatment', { revision: 1, at: START - 2 * DAY });
    const events = [
      event('a', 'play', { at: START - DAY }),
      event('a', 'play', { at: START - 3 * DAY, plays: 5 }),
    ];
    expect(rows(collect([exposure('a', 'control'), earlier], events))).toEqual([[0, 1, 0, 0, 0, 5]]);
  });

  it('passes over what happened from a time on', () => {
    const outcomes = collect(
      [exposure('a', 'control'), exposure('b', 'control', { at: START + DAY })],
      [event('a', 'play', { at: START + DAY - 1 }), event('a', 'play', { at: START + DAY })],
      { until: START + DAY },
    );
    expect(rows(outcomes)).toEqual([[0, 1, 0, 0, 1, 0]]);
  });

  it('refuses exposures after events', () => {
    const collector = createOutcomeCollector(trees);
    collector.addEvents([]);
    expect(() => collector.addExposures([])).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('credits each drafted artist of a list once, to the team that picked it', () => {
    const [a, b, plain] = [
      exposure('a', 'control', { teams: '-011' }),
      exposure('a', 'treatment', { teams: '1001' }),
      exposure('b', 'control'),
    ];
    const outcomes = collect(
      [a, b, plain],
      [
        on(a, '1', 'click'),
        on(a, '2', 'click'),
        on(a, '3', 'play'),
        on(a, '3', 'click'),
        on(a, '4', 'like'),
        on(a, '9', 'click'),
        on(b, '3', 'play'),
        on(plain, '1', 'click'),
        event('a', 'play', { artistId: '4' }),
      ],
      {},
      interleaved,
    );
    expect(outcomes.credits.map((credits) => Array.from(credits))).toEqual([
      [2, 0],
      [1, 0],
    ]);
    expect(outcomes.listeners).toBe(2);
    expect(outcomes.multiplyExposed).toBe(0);
  });

  it('counts for how many listeners either team began more lists, later pages and undrafted lists aside', () => {
    const { firstPicks, leftOut } = collect(
      [
        begun('a', '-01'),
        begun('a', '01'),
        begun('a', '10'),
        begun('b', '--10'),
        begun('b', '01', 5),
        begun('c', '01'),
        begun('c', '10'),
        begun('d', '--'),
        begun('e', null),
        // Of interleaved lists the variant says nothing.
        exposure('f', 'x', { teams: '10', variant: null }),
      ],
      [],
      {},
      interleaved,
    );
    expect(firstPicks).toEqual([1, 2]);
    expect(leftOut.unknownVariant).toBe(0);
  });

  it('agrees with a plain count over maps, however exposures, events and pages are shuffled', () => {
    const user = fc.constantFrom('a', 'b', 'c', 'd');
    const anExposure = fc
      .record({ user, v: fc.constantFrom('control', 'treatment'), id: fc.nat(9), hour: fc.nat(60) })
      .map(({ user, v, id, hour }) =>
        exposure(user, user === 'd' ? v : 'control', { exposureId: `${user}${id}`, at: START + hour * HOUR }),
      );
    const anEvent = fc
      .record({
        user,
        type: fc.constantFrom('play', 'click', 'like'),
        id: fc.nat(30),
        of: fc.nat(9),
        hour: fc.integer({ min: -200, max: 100 }),
      })
      .map(({ user, type, id, of, hour }) =>
        event(user, type, {
          id: `${id}`,
          exposureId: `${user}${of}`,
          at: START + hour * HOUR,
          plays: 1 + (id % 4),
        }),
      );
    fc.assert(
      fc.property(
        fc.uniqueArray(anExposure, { maxLength: 25, selector: ({ exposureId }) => exposureId }),
        fc.uniqueArray(anEvent, { maxLength: 40, selector: ({ userId, id }) => `${userId} ${id}` }),
        fc.nat(25),
        (exposures, events, cut) => {
          const collector = createOutcomeCollector(trees, { playsPerDay: 6 });
          collector.addExposures(exposures.slice(cut).toReversed());
          collector.addExposures(exposures.slice(0, cut));
          collector.addEvents(events.slice(cut));
          collector.addEvents(events.slice(0, cut).toReversed());
          const found = rows(collector.outcomes());
          expect(inOrder(found)).toEqual(inOrder(plainCount(exposures, events)));
        },
      ),
    );
  });

  it('keeps 200,000 listeners apart', () => {
    const collector = createOutcomeCollector(trees);
    for (let page = 0; page < 200; page++) {
      collector.addExposures(
        Array.from({ length: 1000 }, (_, i) =>
          exposure(`u${page * 1000 + i}`, i % 2 === 0 ? 'control' : 'treatment'),
        ),
      );
    }
    collector.addEvents(
      Array.from({ length: 1000 }, (_, i) => event(`u${200 * i}`, 'play', { plays: i + 1 })),
    );
    const { listeners, plays, multiplyExposed } = collector.outcomes();
    expect(listeners).toBe(200_000);
    expect(multiplyExposed).toBe(0);
    expect(Array.from(plays.filter((count) => count > 0))).toEqual(
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
  });
});

const inOrder = (found: readonly number[][]): string[] =>
  found.map(String).toSorted((a, b) => (a < b ? -1 : 1));

/** The rules again, with maps and filters, at 6 plays a day. */
function plainCount(exposures: readonly Exposure[], events: readonly ListenerEvent[]): number[][] {
  return [...Map.groupBy(exposures, ({ userId }) => userId)].flatMap(([userId, shown]) => {
    if (new Set(shown.map(({ variant }) => variant)).size > 1) return [];
    const first = Math.min(...shown.map(({ at }) => at));
    const own = events.filter((event) => event.userId === userId);
    const answered = (type: string): number =>
      shown.filter(({ exposureId }) => own.some((e) => e.type === type && e.exposureId === exposureId))
        .length;
    const played = (from: number, to: number): number => {
      const within = own.filter(({ type, at }) => type === 'play' && at >= from && at < to);
      return [...Map.groupBy(within, ({ at }) => Math.floor(at / DAY)).values()].reduce(
        (sum, day) =>
          sum +
          Math.min(
            6,
            day.reduce((plays, event) => plays + event.plays, 0),
          ),
        0,
      );
    };
    const variant = shown[0]!.variant === 'control' ? 0 : 1;
    return [
      [
        variant,
        shown.length,
        answered('click'),
        answered('like'),
        played(first, Infinity),
        played(first - 7 * DAY, first),
      ],
    ];
  });
}
