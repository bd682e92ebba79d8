import { beforeEach, describe, expect, it } from 'vitest';
import {
  createMemoryCandidateStore,
  createMemoryEventLog,
  createMemoryExposureLog,
  createMemoryModelStore,
  createMemoryTombstoneStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { ensureErasureKey, listenerHash, loadErasures } from '../../../functions/shared/listener-hash.ts';
import { createUsersHandler, retainedDays, type UsersDeps } from '../../../functions/users/handler.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import type { Exposure, ListenerEvent } from '../../../layers/core/src/ports.ts';
import { callRoute, type Called } from '../call-route.ts';
import { recordingObservability } from '../recording-observability.ts';

const NOW_MS = Date.UTC(2026, 10, 24, 20, 15);
const DAY_MS = 86_400_000;

const exposure = (userId: string, exposureId: string, at: number): Exposure => ({
  exposureId,
  userId,
  at,
  modelVersion: 'v1',
  policy: 'personal',
  experiment: null,
  revision: null,
  variant: null,
  forced: false,
  propensity: 1,
  ranker: 'lr',
  artistIds: ['289'],
  firstRank: 1,
  teams: null,
  featuresHash: '',
});
const event = (userId: string, id: string): ListenerEvent => ({
  id,
  userId,
  artistId: '289',
  type: 'play',
  at: NOW_MS - DAY_MS,
  receivedAt: NOW_MS,
  exposureId: null,
  plays: 1,
});

function setUp() {
  const { logged, observability } = recordingObservability();
  const candidates = createMemoryCandidateStore();
  const eventLog = createMemoryEventLog();
  const exposures = createMemoryExposureLog();
  const tombstones = createMemoryTombstoneStore();
  const modelStore = createMemoryModelStore();
  const deps: UsersDeps = {
    modelStore,
    tombstones,
    candidates,
    eventLog,
    exposures,
    observability,
    now: () => NOW_MS,
  };
  return { deps, logged, candidates, eventLog, exposures, tombstones, modelStore };
}

let world: ReturnType<typeof setUp>;
beforeEach(async () => {
  world = setUp();
  const { candidates, eventLog, exposures } = world;
  for (const userId of ['51', '52']) {
    for (const version of ['v1', 'v2']) {
      await candidates.write(version, [{ userId, record: Uint8Array.of(1) }], { expiresAtMs: 0 });
    }
    await eventLog.append([event(userId, 'a'), event(userId, 'b'), event(userId, 'c')]);
    await exposures.append(exposure(userId, 'today', NOW_MS));
    await exposures.append(exposure(userId, 'oldest', NOW_MS - 90 * DAY_MS));
  }
});

const erase = (userId: string, change: Partial<UsersDeps> = {}): Promise<Called> =>
  callRoute(createUsersHandler({ ...world.deps, ...change }), 'DELETE /users/{userId}', {
    params: { userId },
  });
const unavailable = (): Promise<never> => Promise.reject(new EncoreError('STORE_UNAVAILABLE', 'no answer'));

describe('DELETE /users/{userId}', () => {
  it('forgets candidates of all versions, events and exposures, says how many, and leaves others alone', async () => {
    expect(await erase('51')).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'private, no-store' },
      body: { userId: '51', erased: { candidates: 2, events: 3, exposures: 2 } },
    });
    const { candidates, eventLog, exposures } = world;
    expect(await candidates.read('51', 'v1')).toBeUndefined();
    expect(await eventLog.recent('51', 10)).toEqual([]);
    expect(exposures.exposures().map(({ userId }) => userId)).toEqual(['52', '52']);
    expect(await candidates.read('52', 'v2')).toBeDefined();
    expect(await eventLog.recent('52', 10)).toHaveLength(3);
  });

  it('leaves a tombstone with the time, by a keyed hash, that trainings find', async () => {
    await erase('51');
    const { tombstones, modelStore } = world;
    const key = await ensureErasureKey(modelStore);
    expect(await tombstones.list()).toEqual(new Map([[listenerHash('51', key), NOW_MS]]));
    const erasedAt = await loadErasures(tombstones, modelStore);
    expect([erasedAt('51'), erasedAt('52')]).toEqual([NOW_MS, undefined]);
  });

  it('is safe to repeat, and answers zeros and a tombstone for somebody unknown', async () => {
    await erase('51');
    const nothing = { candidates: 0, events: 0, exposures: 0 };
    expect(await erase('51')).toMatchObject({ status: 200, body: { userId: '51', erased: nothing } });
    expect(await erase('nobody/ü')).toMatchObject({
      status: 200,
      body: { userId: 'nobody/ü', erased: nothing },
    });
    expect((await world.tombstones.list()).size).toBe(2);
  });

  it('writes the tombstone before anything is deleted, and deletes nothing without it', async () => {
    const order: string[] = [];
    const { candidates, eventLog, exposures, tombstones } = world;
    await erase('51', {
      tombstones: {
        add: async (hash, at) => {
          await tombstones.add(hash, at);
          order.push('tombstone');
        },
      },
      candidates: {
        erase: (userId) => {
          order.push('candidates');
          return candidates.erase(userId);
        },
      },
    });
    expect(order).toEqual(['tombstone', 'candidates']);
    expect((await erase('52', { tombstones: { add: unavailable } })).status).toBe(503);
    expect(await candidates.read('52', 'v1')).toBeDefined();
    expect(await eventLog.recent('52', 10)).toHaveLength(3);
    expect(exposures.exposures()).toHaveLength(2);
  });

  it.each(['candidates', 'eventLog', 'exposures'] as const)(
    'answers 503 where %s cannot be reached, and a repetition does the rest',
    async (store) => {
      expect(await erase('51', { [store]: { erase: unavailable } })).toMatchObject({
        status: 503,
        headers: { 'retry-after': '1' },
        body: { code: 'STORE_UNAVAILABLE' },
      });
      expect((await world.tombstones.list()).size).toBe(1);
      const { status, body } = await erase('51');
      expect(status).toBe(200);
      const left = { candidates: 0, events: 0, exposures: 0 };
      const whole = { candidates: 2, eventLog: 3, exposures: 2 }[store];
      expect(body.erased).toEqual({ ...left, [store === 'eventLog' ? 'events' : store]: whole });
    },
  );

  it('refuses an id that no listener can have', async () => {
    expect(await erase('x'.repeat(129))).toMatchObject({ status: 400, body: { field: 'userId' } });
    expect((await world.tombstones.list()).size).toBe(0);
  });

  it('says nothing of who it was in its log', async () => {
    await erase('listener-51');
    await erase('listener-51', { exposures: { erase: unavailable } });
    expect(JSON.stringify(world.logged)).not.toContain('listener-51');
    expect(world.logged).toHaveLength(2);
  });
});

describe('retainedDays', () => {
  it('reaches from tomorrow to beyond the expiry of exposures, day by day', () => {
    const days = retainedDays(NOW_MS);
    expect(days.slice(0, 3)).toEqual(['2026-11-25', '2026-11-24', '2026-11-23']);
    expect(days).toContain(new Date(NOW_MS - 92 * DAY_MS).toISOString().slice(0, 10));
    expect(new Set(days).size).toBe(days.length);
  });
});
