import { beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../../functions/shared/metrics.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import { LIST, listWorld, tinyServing, type WorldOptions } from './list-world.ts';

const away = (outcome: 'refused' | 'unknown' = 'unknown') =>
  Promise.reject(new EncoreError('STORE_UNAVAILABLE', 'the store is away', { outcome }));
const never = () => new Promise<never>(() => undefined);

let userId: string;
beforeAll(async () => {
  userId = (await tinyServing()).trained.dataset.users.ids[3]!;
});

const ask = async (options: WorldOptions, query: Record<string, string> = {}) => {
  const world = await listWorld(options);
  const answer = await world.ask(LIST, { params: { userId }, query });
  return { ...world, ...answer };
};

describe('a list where something fails behind it', () => {
  it.each([
    ['are away', () => away()],
    ['never answer', never],
  ])('is popular where candidates %s', async (_, read) => {
    const { statusCode, json, counted } = await ask({ deps: { candidateStore: { read } } });
    expect(statusCode).toBe(200);
    expect(json).toMatchObject({ policy: 'popular', exposureId: 'exposure-1' });
    expect(json.recommendations).toHaveLength(20);
    expect(counted).toEqual([METRICS.personalListFailed, METRICS.listServed, METRICS.popularServed]);
  });

  it('is folded in from what the listener did lately where candidates are away', async () => {
    const world = await listWorld({ deps: { candidateStore: { read: () => away() } } });
    await world.did(userId, 'play', world.model.artistIds[5]!);
    const { json } = await world.ask(LIST, { params: { userId } });
    expect(json).toMatchObject({ policy: 'fold-in' });
    expect(world.counted).toContain(METRICS.foldInServed);
  });

  it('is popular where fold-in tables never come, for artists named as for a listener without a record', async () => {
    const foldIn = { get: () => null, wait: never };
    const world = await listWorld({ deps: { foldIn, candidateStore: { read: never } } });
    const named = await world.ask('POST /recommendations', {
      body: { artists: [{ id: world.model.artistIds[5] }] },
    });
    expect(named.json).toMatchObject({ policy: 'popular', exposureId: 'exposure-1' });
    await world.did(userId, 'play', world.model.artistIds[5]!);
    const { json } = await world.ask(LIST, { params: { userId } });
    expect(json).toMatchObject({ policy: 'popular', exposureId: 'exposure-2' });
  });

  it.each([
    ['are away', () => away()],
    ['never answer', never],
  ])('is personal without what the listener did lately where events %s', async (_, recent) => {
    const { json, counted } = await ask({ deps: { eventLog: { recent } } });
    expect(json).toMatchObject({ policy: 'personal', exposureId: 'exposure-1' });
    expect(counted).toEqual([METRICS.recentEventsMissing, METRICS.listServed, METRICS.personalServed]);
  });

  it.each([
    ['refuses it', () => away('refused'), METRICS.exposureUnlogged],
    ['loses its answer', () => away('unknown'), METRICS.exposureUncertain],
    ['never answers', never, METRICS.exposureUncertain],
  ])('has no exposure id where the log %s, and is counted', async (_, append, metric) => {
    const { statusCode, json, counted } = await ask({ deps: { exposureLog: { append } } });
    expect(statusCode).toBe(200);
    expect(json).toMatchObject({ policy: 'personal', exposureId: null });
    expect(counted).toEqual([metric, METRICS.listServed, METRICS.personalServed]);
  });

  it('is popular where the record is not of this model', async () => {
    const { json, counted } = await ask({
      deps: { candidateStore: { read: () => Promise.resolve(Uint8Array.of(1, 2, 3)) } },
    });
    expect(json).toMatchObject({ policy: 'popular' });
    expect(counted).toEqual([METRICS.personalListFailed, METRICS.listServed, METRICS.popularServed]);
  });

  it('is the stored popular list before there is a model, and none before that', async () => {
    const models = { current: () => Promise.resolve(null) };
    const stored = {
      modelVersion: 'v0',
      recommendations: [1, 2, 3].map((rank) => ({
        artistId: `a${rank}`,
        name: `artist ${rank}`,
        score: 1 / rank,
        rank,
        source: 'popular' as const,
      })),
    };
    const popular = { current: () => Promise.resolve({ version: 'v0', model: stored }) };
    const first = await ask({ deps: { models, popular } }, { n: '2', offset: '1' });
    expect(first.json).toMatchObject({
      modelVersion: 'v0',
      policy: 'popular',
      recommendations: stored.recommendations.slice(1),
    });
    expect(first.exposureLog.exposures()).toMatchObject([{ policy: 'popular', artistIds: ['a2', 'a3'] }]);
    const filtered = await ask({ deps: { models, popular } }, { tags: 'rock' });
    expect(filtered.json).toMatchObject({ policy: 'none', recommendations: [] });
    const none = await ask({ deps: { models } });
    expect(none.json).toMatchObject({ modelVersion: null, policy: 'none', recommendations: [] });
    expect(none.exposureLog.exposures()).toMatchObject([
      { policy: 'none', modelVersion: null, artistIds: [] },
    ]);
    expect(none.counted).toEqual([METRICS.modelMissing, METRICS.listServed, METRICS.noneServed]);
  });

  it('is there where every store hangs', async () => {
    const { statusCode, json } = await ask({
      deps: {
        candidateStore: { read: never },
        eventLog: { recent: never },
        exposureLog: { append: never },
      },
    });
    expect(statusCode).toBe(200);
    expect(json).toMatchObject({ policy: 'popular', exposureId: null });
  });
});
