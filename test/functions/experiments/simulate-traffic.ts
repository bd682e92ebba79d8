import { expect } from 'vitest';
import { createExperimentSource } from '../../../functions/shared/experiment-source.ts';
import { assignmentOfExposure } from '../../../layers/core/src/experiment/assignment-of-exposure.ts';
import { chooseExperiment } from '../../../layers/core/src/experiment/choose-experiment.ts';
import type { Exposure, ListenerEvent } from '../../../layers/core/src/ports.ts';
import { hashString } from '../../../layers/core/src/math/rng.ts';
import { recordingObservability } from '../recording-observability.ts';
import { DAY_MS, eventOf, experimentsWorld, exposureOf, trees } from './ask-experiments.ts';

const unlimited = { exposuresMs: Infinity, totalMs: Infinity, exposures: Infinity, events: Infinity };

const layer = (start: number, end: number) => ({ layer: { namespace: 'lists', start, end } });
const weights = (...parts: readonly number[]) =>
  trees.variants.map((variant, i) => ({ ...variant, weight: parts[i] }));

/** Of which experiment each list was, and what was worked out beside the read-out. */
export interface SimulatedTraffic {
  readonly exposures: number;
  readonly reproduced: number;
  readonly byExperiment: Readonly<Record<string, number>>;
}

/**
 * Listeners who ask for lists over twelve days while two experiments are configured over HTTP, paused, widened and changed;
 * what the log says then is compared with an independent calculation.
 */
export async function simulateTraffic(nListeners: number): Promise<SimulatedTraffic> {
  const world = experimentsWorld({ limits: unlimited });
  const { clock, put, results, experiments } = world;
  const source = createExperimentSource(experiments, recordingObservability().observability, {
    now: () => clock.nowMs,
    sleep: () => new Promise(() => undefined),
  });
  const begin = clock.nowMs;
  const first = { ...trees, ...layer(0, 0.6) };
  const second = { ...trees, ...layer(0.6, 1), variants: weights(0.3, 0.7) };
  const changes: Readonly<Record<number, () => Promise<unknown>[]>> = {
    1: () => [put('first', { ...first, coverage: 0.4 }), put('second', second)],
    4: () => [
      put('first', { ...first, coverage: 0.9 }),
      put('second', { ...second, variants: weights(0.5, 0.5) }),
    ],
    7: () => [put('first', { ...first, coverage: 0.9, status: 'stopped' })],
    8: () => [put('first', { ...first, coverage: 0.9 })],
    10: () => [put('second', { ...second, variants: weights(0.5, 0.5), status: 'stopped' })],
  };

  const logged: Exposure[] = [];
  const happened: ListenerEvent[] = [];
  for (let day = 0; day < 12; day++) {
    clock.nowMs = begin + day * DAY_MS;
    for (const done of changes[day]?.() ?? []) await done;
    // A process that slept for so long waits for what is true now.
    for (let u = 0; u < nListeners; u++) {
      const userId = `listener ${u}`;
      const draw = (what: string): number => hashString(7, `${what} ${day} ${u}`) / 2 ** 32;
      clock.nowMs = begin + day * DAY_MS + 60_000 + u;
      if (draw('silent') < 0.6) continue;
      const known = await source.current();
      const assignment = known === null ? null : chooseExperiment(known, userId);
      const exposure = exposureOf({
        exposureId: `${day}-${u}`,
        userId,
        at: clock.nowMs,
        experiment: assignment?.experiment ?? null,
        revision: assignment?.revision ?? null,
        variant: assignment?.variant ?? null,
        propensity: assignment?.propensity ?? 1,
        ranker: assignment?.ranker ?? 'lr',
      });
      await world.exposures.append(exposure);
      logged.push(exposure);
      const events: ListenerEvent[] = [];
      const better = assignment?.variant === 'treatment' ? 1.3 : 1;
      const click = { userId, at: clock.nowMs + 1, exposureId: exposure.exposureId };
      if (draw('click') < 0.2 * better) events.push(eventOf({ ...click, id: `c${day}-${u}`, type: 'click' }));
      if (draw('like') < 0.05 * better) events.push(eventOf({ ...click, id: `l${day}-${u}`, type: 'like' }));
      const plays = Math.floor(draw('plays') * 10 * better);
      if (plays > 0) events.push(eventOf({ userId, id: `p${day}-${u}`, at: clock.nowMs + 2, plays }));
      await world.events.append(events);
      happened.push(...events);
    }
  }
  clock.nowMs = begin + 12 * DAY_MS;

  const revisions = (await Promise.all(['first', 'second'].map((key) => experiments.revisions(key)))).flat();
  const reproduced = logged.filter(
    (exposure) => assignmentOfExposure(exposure, revisions) === 'reproduced',
  ).length;

  for (const key of ['first', 'second', 'ranker']) {
    const { body } = await results(key);
    expect(body.complete).toBe(true);
    expect(body.checks.multipleExposure.listeners).toBe(0);
    const direct = readDirectly(body, logged, happened);
    expect(direct['control']!.listeners).toBeGreaterThan(0);
    for (const { variant, listeners, exposures, metrics } of body.variants) {
      const mine = direct[variant]!;
      expect([variant, listeners, exposures]).toEqual([variant, mine.listeners, mine.exposures]);
      expect(metrics.clickThrough.mean.value).toBeCloseTo(mine.clicked / mine.exposures, 12);
      expect(metrics.likeRate.mean.value).toBeCloseTo(mine.liked / mine.exposures, 12);
      expect(metrics.playsPerListener.mean.value).toBeCloseTo(mine.plays / mine.listeners, 9);
    }
    const perListener = (variant: string): number => direct[variant]!.plays / direct[variant]!.listeners;
    const { absolute, relative } = body.variants[1].metrics.playsPerListener.lift;
    expect(absolute.value).toBeCloseTo(perListener('treatment') - perListener('control'), 9);
    expect(relative.value).toBeCloseTo(perListener('treatment') / perListener('control') - 1, 9);
  }
  const byExperiment: Record<string, number> = {};
  for (const { experiment } of logged) {
    byExperiment[experiment ?? 'none'] = (byExperiment[experiment ?? 'none'] ?? 0) + 1;
  }
  return { exposures: logged.length, reproduced, byExperiment };
}

interface Direct {
  listeners: number;
  exposures: number;
  clicked: number;
  liked: number;
  plays: number;
}

/** The same sums by way of filters, listener by listener. */
function readDirectly(
  {
    experiment,
    readOutFrom,
    from,
    to,
  }: Record<'experiment' | 'from' | 'to', string> & { readOutFrom: number },
  logged: readonly Exposure[],
  happened: readonly ListenerEvent[],
): Readonly<Record<string, Direct>> {
  const isWithin = (at: number): boolean => at >= Date.parse(from) && at < Date.parse(to);
  const counted = logged.filter(
    (list) => list.experiment === experiment && list.revision! >= readOutFrom && isWithin(list.at),
  );
  const eventsOf = Map.groupBy(happened, ({ userId }) => userId);
  const sums: Record<string, Direct> = {};
  for (const [userId, lists] of Map.groupBy(counted, (list) => list.userId)) {
    const first = Math.min(...lists.map(({ at }) => at));
    const own = (eventsOf.get(userId) ?? []).filter(({ at }) => isWithin(at));
    const answered = (type: string): number =>
      lists.filter(({ exposureId }) =>
        own.some((event) => event.type === type && event.exposureId === exposureId),
      ).length;
    const sum = (sums[lists[0]!.variant!] ??= { listeners: 0, exposures: 0, clicked: 0, liked: 0, plays: 0 });
    sum.listeners++;
    sum.exposures += lists.length;
    sum.clicked += answered('click');
    sum.liked += answered('like');
    for (const { type, at, plays } of own) if (type === 'play' && at >= first) sum.plays += plays;
  }
  return sums;
}
