import { beforeAll, describe, expect, it } from 'vitest';
import { GAUGES, METRICS } from '../../../functions/shared/metrics.ts';
import { RECOMMENDATIONS_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import {
  assignVariant,
  DEFAULT_EXPERIMENT,
  type Experiment,
} from '../../../layers/core/src/experiment/assign-variant.ts';
import { LIST, listWorld, NOW } from './list-world.ts';

type World = Awaited<ReturnType<typeof listWorld>>;
interface Item {
  readonly artistId: string;
  readonly name: string;
  readonly score: number;
  readonly rank: number;
  readonly source: string;
  readonly explanation?: {
    readonly text: string;
    readonly groups: readonly { readonly value: number }[];
  } | null;
}

let world: World;
let userId: string;
beforeAll(async () => {
  world = await listWorld();
  userId = world.dataset.users.ids[3]!;
});

const itemsOf = async (
  { ask }: Pick<World, 'ask'>,
  query: Record<string, string> = {},
  user = userId,
): Promise<readonly Item[]> => {
  const { statusCode, json } = await ask(LIST, { params: { userId: user }, query });
  expect(statusCode).toBe(200);
  return json.recommendations;
};
const ids = (items: readonly Item[]): readonly string[] => items.map(({ artistId }) => artistId);

describe('the list of a listener', () => {
  it('is that of recommendations.csv: the same artists, order and scores', async () => {
    const csv = new TextDecoder().decode(world.contents.files.get(RECOMMENDATIONS_FILE));
    for (const user of world.dataset.users.ids.slice(0, 10)) {
      const rows = csv.split('\n').filter((line) => line.startsWith(`${user},`));
      const items = await itemsOf(world, {}, user);
      expect(items.map(({ artistId, rank, score }) => [user, artistId, rank, score].join())).toEqual(rows);
      expect(items.every(({ source }) => source === 'personal')).toBe(true);
    }
  });

  it('says what made it and logs the exposure before it answers', async () => {
    const { ask, exposureLog, version, counted, measured } = await listWorld();
    const { json, headers } = await ask(LIST, { params: { userId }, query: { n: '2', offset: '3' } });
    const assignment = assignVariant(DEFAULT_EXPERIMENT, userId)!;
    expect(headers['cache-control']).toBe('private, no-store');
    expect(json).toMatchObject({
      userId,
      modelVersion: version,
      policy: 'personal',
      experiment: 'ranker',
      variant: assignment.variant,
      exposureId: 'exposure-1',
    });
    expect(exposureLog.exposures()).toEqual([
      {
        exposureId: 'exposure-1',
        userId,
        at: NOW,
        modelVersion: version,
        policy: 'personal',
        experiment: 'ranker',
        revision: 1,
        variant: assignment.variant,
        forced: false,
        propensity: 0.5,
        ranker: 'lr',
        artistIds: ids(json.recommendations),
        firstRank: 4,
        teams: null,
        featuresHash: expect.stringMatching(/^[0-9a-f]{8}$/),
      },
    ]);
    expect(counted).toEqual([METRICS.listServed, METRICS.personalServed]);
    expect(measured).toEqual([[GAUGES.listLatency.name, expect.any(Number), {}]]);
  });

  it('never logs who listens', async () => {
    const { ask, logged } = await listWorld();
    await ask(LIST, { params: { userId: 'somebody@example.org' } });
    expect(logged).toHaveLength(1);
    expect(JSON.stringify(logged)).not.toContain('somebody');
  });

  it('is popular for whom nobody knows, with shares of listeners as scores', async () => {
    const { json } = await world.ask(LIST, {
      params: { userId: 'nobody' },
      query: { n: '3', explain: 'true' },
    });
    expect(json).toMatchObject({ policy: 'popular' });
    const shares = ids(json.recommendations).map((id) => {
      const artist = world.dataset.artists.indexOf(id)!;
      return (
        world.dataset.plays.indices.filter((heard) => heard === artist).length / world.dataset.users.size
      );
    });
    expect(json.recommendations.map(({ score }: Item) => score)).toEqual(
      shares.map((s) => Number(s.toPrecision(6))),
    );
    expect(shares[0]).toBeGreaterThanOrEqual(shares[2]!);
    expect(json.recommendations[0]).toMatchObject({ source: 'popular', explanation: null });
  });

  it('comes in pages that fit together, also where popular artists fill it up', async () => {
    const whole = await itemsOf(world, { n: '100' });
    const pages = [
      ...(await itemsOf(world, { n: '40' })),
      ...(await itemsOf(world, { n: '60', offset: '40' })),
    ];
    expect(pages).toEqual(whole);
    expect(whole.map(({ rank }) => rank)).toEqual(Array.from({ length: whole.length }, (_, i) => i + 1));
    expect(new Set(ids(whole)).size).toBe(whole.length);
  });

  it('keeps to filters, and goes on with popular artists under the same filters, marked', async () => {
    const { names, starts, tags } = world.model.artistTags;
    let filledUp = 0;
    for (const [t, tag] of names.slice(0, 12).entries()) {
      const carriers = new Set(
        world.dataset.artists.ids.filter((_, artist) =>
          tags.subarray(starts[artist], starts[artist + 1]).includes(t),
        ),
      );
      const heard = new Set(heardBy(userId));
      const items = await itemsOf(world, { tags: tag.toUpperCase(), n: '100' });
      // All there are, but for those heard.
      expect(new Set(ids(items))).toEqual(carriers.difference(heard));
      const sources = items.map(({ source }) => source);
      const personal = sources.filter((source) => source === 'personal').length;
      expect(sources.slice(personal).every((source) => source === 'popular')).toBe(true);
      filledUp += sources.length - personal;
      const others = await itemsOf(world, { excludeTags: tag, n: '100' });
      expect(others.some(({ artistId }) => carriers.has(artistId))).toBe(false);
    }
    expect(filledUp).toBeGreaterThan(10);
  });

  it('has nothing at all where no artist passes the filters', async () => {
    expect(await itemsOf(world, { tags: 'no such tag' })).toEqual([]);
  });

  it('keeps to percentiles of popularity', async () => {
    const [rare, known] = [
      await itemsOf(world, { maxPopularity: '40' }),
      await itemsOf(world, { minPopularity: '90' }),
    ];
    const listeners = ({ artistId }: Item): number =>
      Math.round(Math.expm1(world.model.artists.degrees[world.model.artistIds.indexOf(artistId) * 3]!));
    expect(Math.max(...rare.map(listeners))).toBeLessThan(Math.min(...known.map(listeners)));
  });

  it('with exclude=none has heard artists, too, marked', async () => {
    const heard = new Set(heardBy(userId));
    const items = [
      ...(await itemsOf(world, { exclude: 'none', n: '100' })),
      ...(await itemsOf(world, { exclude: 'none', n: '100', offset: '100' })),
    ];
    const marked = items.filter(({ source }) => source === 'heard');
    expect(new Set(ids(marked))).toEqual(heard);
    expect(
      items.filter(({ artistId }) => heard.has(artistId)).every(({ source }) => source === 'heard'),
    ).toBe(true);
    const scores = items.filter(({ source }) => source !== 'popular').map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  it('explains, in words and in groups that sum to the logit of the score', async () => {
    const items = await itemsOf(world, { explain: 'true', n: '5' });
    for (const { score, explanation } of items) {
      expect(explanation!.text).toMatch(/^(because|though)/);
      const logit = explanation!.groups.reduce((sum, { value }) => sum + value, 0);
      expect(1 / (1 + Math.exp(-logit))).toBeCloseTo(score, 5);
    }
  });

  it.each([
    [{ n: '0' }, 'n'],
    [{ n: '101' }, 'n'],
    [{ n: '100', offset: '151' }, 'offset'],
    [{ exclude: 'all' }, 'exclude'],
    [{ diversity: '1.5' }, 'diversity'],
    [{ minPopularity: '60', maxPopularity: '50' }, 'minPopularity'],
    [{ explain: 'yes' }, 'explain'],
    [{ tags: Array.from({ length: 21 }, (_, i) => `tag ${i}`).join() }, 'tags'],
    [{ force: 'ranker' }, 'force'],
    [{ force: 'ranker:other' }, 'force'],
    [{ force: 'other:control' }, 'force'],
  ])('refuses %j, naming %s', async (query, field) => {
    const { statusCode, json } = await world.ask(LIST, { params: { userId }, query });
    expect(statusCode).toBe(400);
    expect(json).toMatchObject({ code: 'INVALID_REQUEST', field });
  });
});

function heardBy(user: string): readonly string[] {
  const { users, artists, plays } = world.dataset;
  const row = users.indexOf(user)!;
  return Array.from(plays.indices.subarray(plays.indptr[row], plays.indptr[row + 1]), (a) => artists.ids[a]!);
}

function scoreIn(list: { readonly recommendations: readonly Item[] }, id: string): number | undefined {
  return list.recommendations.find(({ artistId }) => artistId === id)?.score;
}

describe('what a listener did lately', () => {
  it('counts on the next request: disliked, played and liked artists are gone', async () => {
    const fresh = await listWorld();
    const before = ids(await itemsOf(fresh));
    await fresh.did(userId, 'dislike', String(before[0]));
    expect(ids(await itemsOf(fresh))).not.toContain(before[0]);
    await fresh.did(userId, 'play', String(before[1]));
    await fresh.did(userId, 'like', String(before[2]));
    const after = ids(await itemsOf(fresh));
    for (const gone of before.slice(0, 3)) expect(after).not.toContain(gone);
    // It is theirs alone.
    expect(ids(await itemsOf(fresh, {}, world.dataset.users.ids[4]))).toEqual(
      ids(await itemsOf(world, {}, world.dataset.users.ids[4])),
    );
  });

  it('shifts the list towards what was played, which says so', async () => {
    const fresh = await listWorld();
    const { json: before } = await fresh.ask(LIST, { params: { userId }, query: { n: '100' } });
    const played = ids(before.recommendations)[before.recommendations.length - 1]!;
    await fresh.did(userId, 'play', played);
    const { json: after } = await fresh.ask(LIST, { params: { userId }, query: { n: '100' } });
    expect(before.policy).toBe('personal');
    expect(after.policy).toBe('fold-in');
    const moved = ids(before.recommendations).filter((id) => scoreIn(after, id) !== scoreIn(before, id));
    expect(moved.length).toBeGreaterThan(10);
  });

  it('leaves order and policy alone where it is a click, a skip or a dislike', async () => {
    const fresh = await listWorld();
    const before = await itemsOf(fresh, { n: '10' });
    await fresh.did(userId, 'click', before[1]!.artistId);
    await fresh.did(userId, 'skip', before[2]!.artistId);
    expect(await itemsOf(fresh, { n: '10' })).toEqual(before);
    await fresh.did(userId, 'dislike', before[0]!.artistId);
    const after = await itemsOf(fresh, { n: '9' });
    expect(ids(after)).toEqual(ids(before).slice(1));
    expect(after.map(({ score }) => score)).toEqual(before.slice(1).map(({ score }) => score));
  });

  it('folds in a listener whom no training has met', async () => {
    const fresh = await listWorld();
    const heard = heardBy(userId).slice(0, 5);
    for (const artistId of heard) await fresh.did('newcomer', 'play', artistId);
    const { json } = await fresh.ask(LIST, { params: { userId: 'newcomer' } });
    expect(json.policy).toBe('fold-in');
    expect(ids(json.recommendations).some((id) => heard.includes(id))).toBe(false);
  });

  it('is left out, and only that, while fold-in tables are not loaded', async () => {
    const fresh = await listWorld({ withFoldIn: false });
    const before = await itemsOf(fresh);
    await fresh.did(userId, 'play', before[0]!.artistId);
    const { json } = await fresh.ask(LIST, { params: { userId }, query: { n: '19' } });
    expect(json.policy).toBe('personal');
    expect(ids(json.recommendations)).toEqual(ids(before).slice(1));
  });

  it('comes back with exclude=none, but for what was disliked', async () => {
    const fresh = await listWorld();
    const [disliked, played] = ids(await itemsOf(fresh));
    await fresh.did(userId, 'dislike', String(disliked));
    await fresh.did(userId, 'play', String(played));
    const items = await itemsOf(fresh, { exclude: 'none', n: '100' });
    expect(items.find(({ artistId }) => artistId === played)).toMatchObject({ source: 'heard' });
    expect(ids(items)).not.toContain(disliked);
  });
});

const scoresOf = ({ recommendations }: { recommendations: readonly { artistId: string; score: number }[] }) =>
  new Map(recommendations.map(({ artistId, score }) => [artistId, score]));

describe('the list of anybody', () => {
  const POST = 'POST /recommendations';
  it('comes with tags and pages where details are asked for', async () => {
    const body = { artists: [{ id: heardBy(userId)[0]! }], n: 5 };
    const { json } = await world.ask(POST, { body: { ...body, details: true } });
    expect(json.recommendations).toHaveLength(5);
    for (const { artistId, tags, url } of json.recommendations) {
      const { json: artist } = await world.ask('GET /artists/{artistId}', { params: { artistId } });
      expect(tags).toEqual(artist.tags.slice(0, 5).map(({ tag }: { tag: string }) => tag));
      expect(url).toBe(artist.url);
    }
    const plain = await world.ask(POST, { body });
    expect(plain.json.recommendations[0]).not.toHaveProperty('tags');
  });

  it('follows from the artists named, whatever their case and accents, and lists what nobody knows', async () => {
    const [first, second] = heardBy(userId);
    const name = world.dataset.artistNames[world.dataset.artists.indexOf(first!)!]!;
    const { statusCode, json } = await world.ask(POST, {
      body: {
        artists: [
          { name: ` ${name.toUpperCase()}`, plays: 12 },
          { id: Number(second), plays: 3 },
          { name: 'Nobody at all', plays: 1 },
        ],
        n: 10,
        explain: true,
      },
    });
    expect(statusCode).toBe(200);
    expect(json).toMatchObject({
      policy: 'fold-in',
      experiment: null,
      variant: null,
      unresolved: [{ name: 'Nobody at all' }],
    });
    expect(json.recommendations).toHaveLength(10);
    expect(ids(json.recommendations)).not.toContain(first);
    expect(ids(json.recommendations)).not.toContain(second);
    expect(json.recommendations[0]).toMatchObject({
      source: 'fold-in',
      explanation: { listened: expect.any(Array) },
    });
  });

  it('is popular without the artists named, where nobody knows any or fold-in tables are not loaded', async () => {
    const unknown = await world.ask(POST, { body: { artists: [{ name: 'Nobody at all' }] } });
    expect(unknown.json).toMatchObject({ policy: 'popular', unresolved: [{ name: 'Nobody at all' }] });
    const cold = await listWorld({ withFoldIn: false });
    const popular = ids(unknown.json.recommendations);
    const { json } = await cold.ask(POST, { body: { artists: [{ id: popular[0] }] } });
    expect(json).toMatchObject({ policy: 'popular', unresolved: [] });
    expect(ids(json.recommendations).slice(0, 19)).toEqual(popular.slice(1));
    expect(cold.counted).toContain(METRICS.foldInMissing);
  });

  it('follows what the visitor did since, under the id that they are given', async () => {
    const { ask, did } = await listWorld();
    const body = {
      artists: heardBy(userId).map((id, i) => ({ id, plays: i + 1 })),
      anonymousId: 'visitor-8',
    };
    const before = (await ask(POST, { body })).json;
    const [liked, disliked] = ids(before.recommendations);
    await did('visitor-8', 'like', liked!);
    await did('visitor-8', 'dislike', disliked!);
    const { json } = await ask(POST, { body });
    expect(json).toMatchObject({ policy: 'fold-in', unresolved: [] });
    expect(ids(json.recommendations)).not.toContain(liked);
    expect(ids(json.recommendations)).not.toContain(disliked);
    expect(scoresOf(json)).not.toEqual(scoresOf(before));
    // Somebody else, and nobody in particular, get what they got before.
    for (const anonymousId of ['visitor-9', undefined]) {
      const other = await ask(POST, { body: { ...body, anonymousId } });
      expect(ids(other.json.recommendations)).toEqual(ids(before.recommendations));
    }
  });

  it('takes part in experiments only under an id, and is exposed either way', async () => {
    const { ask, exposureLog } = await listWorld();
    const body = { artists: [{ id: heardBy(userId)[0]! }] };
    await ask(POST, { body });
    const { json } = await ask(POST, { body: { ...body, anonymousId: 'visitor-7' } });
    const assignment = assignVariant(DEFAULT_EXPERIMENT, 'visitor-7')!;
    expect(json).toMatchObject({ experiment: 'ranker', variant: assignment.variant });
    expect(exposureLog.exposures()).toMatchObject([
      { userId: '', experiment: null, variant: null, propensity: 1, policy: 'fold-in' },
      { userId: 'visitor-7', experiment: 'ranker', variant: assignment.variant, propensity: 0.5 },
    ]);
  });

  it.each([
    [{}, 'artists'],
    [{ artists: [] }, 'artists'],
    [{ artists: [{}] }, 'artists.0'],
    [{ artists: [{ name: '' }] }, 'artists.0.name'],
    [{ artists: [{ name: 'a', plays: 0 }] }, 'artists.0.plays'],
    [{ artists: [{ id: 1.5 }] }, 'artists.0'],
    [{ artists: [{ id: 1 }], n: '5' }, 'n'],
    [{ artists: [{ id: 1 }], more: 1 }, 'more'],
    [[], 'body'],
  ])('refuses %j, naming %s', async (body, field) => {
    const { statusCode, json } = await world.ask(POST, { body });
    expect(statusCode).toBe(400);
    expect(json).toMatchObject({ code: 'INVALID_REQUEST', field });
  });
});

describe('experiments on lists', () => {
  const experiment: Experiment = {
    key: 'trees',
    revision: 3,
    kind: 'ab',
    seed: 'trees',
    coverage: 0.5,
    variants: [
      { key: 'control', weight: 0.5, ranker: 'lr' },
      { key: 'trees', weight: 0.5, ranker: 'trees' },
    ],
    status: 'running',
  };

  it('ask a running experiment before the built-in one, which takes the others', async () => {
    const { ask, exposureLog } = await listWorld({ experiments: [experiment] });
    for (let i = 0; i < 60; i++) await ask(LIST, { params: { userId: `u${i}` }, query: { n: '1' } });
    const taken = exposureLog
      .exposures()
      .map(({ userId: user, experiment: key, variant, propensity, revision }) => {
        const wanted = assignVariant(experiment, user) ?? assignVariant(DEFAULT_EXPERIMENT, user)!;
        expect({ key, variant, propensity, revision }).toEqual({
          key: wanted.experiment,
          variant: wanted.variant,
          propensity: wanted.propensity,
          revision: wanted.revision,
        });
        return key;
      });
    expect(new Set(taken)).toEqual(new Set(['trees', 'ranker']));
  });

  it('say what ranked in the end where the model lacks the variant’s ranker', async () => {
    const { ask, exposureLog } = await listWorld({ experiments: [experiment] });
    await ask(LIST, { params: { userId }, query: { force: 'trees:trees' } });
    expect(exposureLog.exposures()).toMatchObject([
      { experiment: 'trees', variant: 'trees', ranker: 'lr', forced: true, propensity: 1 },
    ]);
  });

  it('force a variant also of an experiment that does not run', async () => {
    const draft = { ...experiment, status: 'draft' as const };
    const { ask } = await listWorld({ experiments: [draft] });
    const { json } = await ask(LIST, { params: { userId }, query: { force: 'trees:control' } });
    expect(json).toMatchObject({ experiment: 'trees', variant: 'control' });
  });

  it('draft interleaved lists from both rankers, the same way for all pages of a day', async () => {
    const interleaved: Experiment = { ...experiment, kind: 'interleaving', coverage: 1 };
    const { ask, exposureLog } = await listWorld({ experiments: [interleaved] });
    const whole = await ask(LIST, { params: { userId }, query: { n: '20' } });
    const second = await ask(LIST, { params: { userId }, query: { n: '10', offset: '10' } });
    expect(ids(second.json.recommendations)).toEqual(ids(whole.json.recommendations).slice(10));
    const [first, page] = exposureLog.exposures();
    // The model lacks the trees: both rankings are one, and nobody gets credit for what both show.
    expect(first!.teams).toBe('-'.repeat(20));
    expect(page!.teams).toBe(first!.teams!.slice(10));
  });

  it('are none where nobody could say which run', async () => {
    const { ask, exposureLog } = await listWorld({ experiments: null });
    const { json } = await ask(LIST, { params: { userId } });
    expect(json).toMatchObject({ policy: 'personal', experiment: null, variant: null });
    expect(exposureLog.exposures()).toMatchObject([{ experiment: null, propensity: 1 }]);
  });
});

describe('health', () => {
  it('is live always, and ready with a model', async () => {
    expect(await world.ask('GET /health/live')).toMatchObject({ statusCode: 200, json: { status: 'live' } });
    expect(await world.ask('GET /health/ready')).toMatchObject({
      statusCode: 200,
      json: { status: 'ready' },
    });
    const empty = await listWorld({ deps: { models: { current: () => Promise.resolve(null) } } });
    expect(await empty.ask('GET /health/ready')).toMatchObject({
      statusCode: 503,
      headers: { 'retry-after': '1' },
      json: { code: 'STORE_UNAVAILABLE' },
    });
  });

  it('has the OpenAPI document, for whoever does not have it yet', async () => {
    const { json, headers } = await world.ask('GET /openapi.json');
    expect(json).toMatchObject({ openapi: '3.1.1', info: { title: 'Encore' } });
    const again = await world.ask('GET /openapi.json', {
      headers: { 'if-none-match': String(headers['etag']) },
    });
    expect(again).toMatchObject({ statusCode: 304, json: null });
  });
});

describe('what the model has learnt already', () => {
  it('does not make a list a fold-in: plays received before the training, of artists that it has as heard', async () => {
    const fresh = await listWorld();
    const heard = heardBy(userId)[0]!;
    const before = await itemsOf(fresh);
    const old = { userId, type: 'play' as const, exposureId: null, plays: 1, at: NOW - 7_200_000 };
    // The tiny model's version was begun an hour before now.
    await fresh.eventLog.append([{ ...old, id: 'old', artistId: heard, receivedAt: NOW - 7_200_000 }]);
    const { json } = await fresh.ask(LIST, { params: { userId } });
    expect(json).toMatchObject({ policy: 'personal', recommendations: before });
    await fresh.eventLog.append([
      { ...old, id: 'new', artistId: heard, receivedAt: NOW - 1_000, at: NOW - 1_000 },
    ]);
    expect((await fresh.ask(LIST, { params: { userId } })).json).toMatchObject({ policy: 'fold-in' });
  });

  it('is not what a training left out, however old the event is', async () => {
    const fresh = await listWorld();
    const [first] = await itemsOf(fresh);
    await fresh.eventLog.append([
      {
        id: 'old',
        userId,
        artistId: first!.artistId,
        type: 'play',
        at: NOW - 7_200_000,
        receivedAt: NOW - 7_200_000,
        exposureId: null,
        plays: 1,
      },
    ]);
    const { json } = await fresh.ask(LIST, { params: { userId } });
    expect(json).toMatchObject({ policy: 'fold-in' });
    expect(ids(json.recommendations)).not.toContain(first!.artistId);
  });
});
