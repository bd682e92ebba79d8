import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecommendHandler } from '../../../functions/recommend/handler.ts';
import { METRICS } from '../../../functions/shared/metrics.ts';
import { createPseudonym, type Observability } from '../../../functions/shared/observability.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import {
  assignVariant,
  DEFAULT_EXPERIMENT,
  type Experiment,
} from '../../../layers/core/src/experiment/assign-variant.ts';
import type { Exposure } from '../../../layers/core/src/ports.ts';

/** A model that recommends `<first byte of the record> + i`, or popular artists from 900 on. */
function recommendFake(
  model: string,
  record: Uint8Array | undefined,
  { n }: { readonly n: number },
): {
  policy: 'personal' | 'popular';
  ranker: 'lr' | null;
  recommendations: { artistId: string; name: string; score: number; rank: number; source: 'personal' }[];
  teams: null;
  featuresHash: string;
} {
  if (record?.[0] === 255) throw new EncoreError('ARTIFACT_INCOMPATIBLE', 'the record is of another model');
  const first = record?.[0] ?? 900;
  return {
    policy: record === undefined ? 'popular' : 'personal',
    ranker: record === undefined ? null : 'lr',
    featuresHash: record === undefined ? '00000000' : 'deadbeef',
    recommendations: Array.from({ length: n }, (_, i) => ({
      artistId: String(first + i),
      name: `artist ${first + i} of ${model}`,
      score: 1 / (i + 2),
      rank: i + 1,
      source: 'personal' as const,
    })),
    teams: null,
  };
}

const unavailable = (outcome: 'refused' | 'unknown') =>
  new EncoreError('STORE_UNAVAILABLE', 'the store is away', { outcome });

function setUp(world: {
  readonly version?: string | null;
  /** Artists of the stored popular list; without it there is none. */
  readonly popular?: readonly string[];
  readonly records?: Readonly<Record<string, Uint8Array>>;
  readonly readFails?: boolean;
  readonly appendFails?: 'refused' | 'unknown';
  readonly rankFails?: boolean;
  readonly experiment?: Experiment;
}) {
  const exposures: Exposure[] = [];
  const counted: string[] = [];
  const logged: unknown[] = [];
  const rankers: string[] = [];
  let flushed = 0;
  const observability: Observability = {
    info: (...line) => logged.push(line),
    warn: (...line) => logged.push(line),
    error: (text, error, fields) => logged.push([text, String(error), fields]),
    count: (metric) => counted.push(metric),
    flush: () => {
      flushed++;
    },
    pseudonym: createPseudonym('a key of some length'),
  };
  const { version = 'v7', records = {} } = world;
  const handler = createRecommendHandler<string>({
    models: {
      current: () => Promise.resolve(version === null ? null : { version, model: `model ${version}` }),
    },
    popular: {
      current: () =>
        Promise.resolve(
          world.popular === undefined
            ? null
            : {
                version: 'v6',
                model: {
                  modelVersion: 'v6',
                  recommendations: world.popular.map((artistId, i) => ({
                    artistId,
                    name: `artist ${artistId}`,
                    score: 0.5,
                    rank: i + 1,
                    source: 'popular',
                  })),
                },
              },
        ),
    },
    candidateStore: {
      read: (userId, modelVersion) =>
        world.readFails === true
          ? Promise.reject(unavailable('unknown'))
          : Promise.resolve(records[`${userId} ${modelVersion}`]),
    },
    exposureLog: {
      append: (exposure) => {
        if (world.appendFails !== undefined) return Promise.reject(unavailable(world.appendFails));
        exposures.push(exposure);
        return Promise.resolve();
      },
    },
    experiment: world.experiment ?? DEFAULT_EXPERIMENT,
    recommend: (model, record, options) => {
      rankers.push(options.ranker);
      if (world.rankFails === true) throw new Error('ranking is broken');
      return recommendFake(model, record, options);
    },
    observability,
    now: () => 1_795_438_564_123,
    newExposureId: () => 'exposure-1',
  });
  return {
    exposures,
    counted,
    logged,
    rankers,
    nFlushed: () => flushed,
    get: async (userId: string | undefined, query?: Record<string, string>) => {
      const response = await handler(event(userId, query));
      const body: Record<string, unknown> = JSON.parse(response.body!);
      return { response, body };
    },
  };
}

function event(userId: string | undefined, query?: Record<string, string>): APIGatewayProxyEventV2 {
  const routeKey = 'GET /users/{userId}/recommendations';
  return {
    version: '2.0',
    routeKey,
    rawPath: `/users/${userId}/recommendations`,
    rawQueryString: '',
    headers: {},
    isBase64Encoded: false,
    ...(userId === undefined ? {} : { pathParameters: { userId } }),
    ...(query === undefined ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId: '0',
      apiId: 'api',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: { method: 'GET', path: '/', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId: 'request-1',
      routeKey,
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
  };
}

describe('GET /users/{userId}/recommendations', () => {
  it('answers with the listener’s own list, its model, variant and exposure', async () => {
    const { get, exposures, counted } = setUp({ records: { '51 v7': Uint8Array.of(10) } });
    const { response, body } = await get('51', { n: '2' });
    const { variant, propensity } = assignVariant(DEFAULT_EXPERIMENT, '51')!;
    expect(response.statusCode).toBe(200);
    expect(response.headers).toEqual({
      'content-type': 'application/json',
      'cache-control': 'private, no-store',
    });
    expect(body).toEqual({
      userId: '51',
      modelVersion: 'v7',
      policy: 'personal',
      experiment: 'ranker',
      variant,
      exposureId: 'exposure-1',
      recommendations: [
        { artistId: '10', name: 'artist 10 of model v7', score: 0.5, rank: 1, source: 'personal' },
        { artistId: '11', name: 'artist 11 of model v7', score: 1 / 3, rank: 2, source: 'personal' },
      ],
    });
    expect(exposures).toEqual([
      {
        exposureId: 'exposure-1',
        userId: '51',
        at: 1_795_438_564_123,
        modelVersion: 'v7',
        policy: 'personal',
        experiment: 'ranker',
        revision: 1,
        variant,
        forced: false,
        propensity,
        ranker: 'lr',
        artistIds: ['10', '11'],
        firstRank: 1,
        teams: null,
        featuresHash: 'deadbeef',
      },
    ]);
    expect(counted).toEqual([METRICS.listServed]);
  });

  it('lists 20 artists unless told otherwise', async () => {
    const { body } = await setUp({ records: { '51 v7': Uint8Array.of(10) } }).get('51');
    expect(body['recommendations']).toHaveLength(20);
  });

  it('gives a listener it does not know the popular list', async () => {
    const { get, counted } = setUp({});
    const { response, body } = await get('nobody', { n: '1' });
    expect(response.statusCode).toBe(200);
    expect(body).toMatchObject({
      policy: 'popular',
      modelVersion: 'v7',
      recommendations: [{ artistId: '900' }],
    });
    expect(counted).toEqual([METRICS.listServed]);
  });

  it('answers with an empty list and policy none before any model exists, and logs that too', async () => {
    const { get, exposures, counted } = setUp({ version: null });
    const { response, body } = await get('51');
    expect(response.statusCode).toBe(200);
    expect(body).toMatchObject({
      modelVersion: null,
      policy: 'none',
      exposureId: 'exposure-1',
      recommendations: [],
    });
    expect(exposures).toMatchObject([{ modelVersion: null, policy: 'none', artistIds: [] }]);
    expect(counted).toEqual([METRICS.modelMissing, METRICS.listServed]);
  });

  it('serves the stored popular list, cut to n, while no model could be loaded', async () => {
    const { get, exposures, counted } = setUp({ version: null, popular: ['5', '6', '7'] });
    const { response, body } = await get('51', { n: '2' });
    expect(response.statusCode).toBe(200);
    expect(body).toMatchObject({
      modelVersion: 'v6',
      policy: 'popular',
      exposureId: 'exposure-1',
      recommendations: [
        { artistId: '5', rank: 1 },
        { artistId: '6', rank: 2 },
      ],
    });
    expect(body['recommendations']).toHaveLength(2);
    expect(exposures).toMatchObject([{ modelVersion: 'v6', policy: 'popular', artistIds: ['5', '6'] }]);
    expect(counted).toEqual([METRICS.modelMissing, METRICS.listServed]);
  });

  it('serves the popular list when the candidates cannot be read, and counts that', async () => {
    const { get, counted, exposures } = setUp({ readFails: true });
    const { response, body } = await get('51', { n: '1' });
    expect(response.statusCode).toBe(200);
    expect(body).toMatchObject({ policy: 'popular', recommendations: [{ artistId: '900' }] });
    expect(exposures).toMatchObject([{ policy: 'popular' }]);
    expect(counted).toEqual([METRICS.personalListFailed, METRICS.listServed]);
  });

  it('serves the popular list when the record does not belong to the model', async () => {
    const { get, counted } = setUp({ records: { '51 v7': Uint8Array.of(255) } });
    expect((await get('51')).body).toMatchObject({ policy: 'popular' });
    expect(counted).toEqual([METRICS.personalListFailed, METRICS.listServed]);
  });

  it('answers 200 with no list when even the popular one cannot be made', async () => {
    const { response, body } = await setUp({ rankFails: true }).get('51');
    expect(response.statusCode).toBe(200);
    expect(body).toMatchObject({ policy: 'none', modelVersion: 'v7', recommendations: [] });
  });

  it.each([
    ['refused', METRICS.exposureUnlogged],
    ['unknown', METRICS.exposureUncertain],
  ] as const)(
    'serves the list with exposureId null when the exposure write is %s',
    async (outcome, metric) => {
      const { get, counted } = setUp({ records: { '51 v7': Uint8Array.of(10) }, appendFails: outcome });
      const { response, body } = await get('51');
      expect(response.statusCode).toBe(200);
      expect(body).toMatchObject({ policy: 'personal', exposureId: null });
      expect(body['recommendations']).toHaveLength(20);
      expect(counted).toEqual([metric, METRICS.listServed]);
    },
  );

  it('ranks by what the listener’s variant says, and by lr outside of the experiment', async () => {
    const experiment: Experiment = {
      ...DEFAULT_EXPERIMENT,
      coverage: 0.5,
      variants: [
        { key: 'control', weight: 0.5, ranker: 'lr' },
        { key: 'treatment', weight: 0.5, ranker: 'trees' },
      ],
    };
    const seen = new Set<string | null>();
    for (let user = 0; user < 40; user++) {
      const { get, rankers, exposures } = setUp({ experiment });
      await get(String(user));
      const assignment = assignVariant(experiment, String(user));
      seen.add(assignment?.variant ?? null);
      expect(exposures[0]!.variant).toBe(assignment?.variant ?? null);
      expect(rankers).toEqual([assignment?.variant === 'treatment' ? 'trees' : 'lr']);
    }
    expect(seen).toEqual(new Set(['control', 'treatment', null]));
  });

  it('ranks by lr for everybody while the experiment does not run', async () => {
    const { get, rankers } = setUp({ experiment: { ...DEFAULT_EXPERIMENT, status: 'stopped' } });
    await get('51');
    expect(rankers).toEqual(['lr']);
  });

  it('waits for the exposure before it answers', async () => {
    const stored = Promise.withResolvers<void>();
    let answered = false;
    const handler = createRecommendHandler<string>({
      models: { current: () => Promise.resolve({ version: 'v7', model: 'm' }) },
      popular: { current: () => Promise.resolve(null) },
      candidateStore: { read: () => Promise.resolve(undefined) },
      exposureLog: { append: () => stored.promise },
      experiment: DEFAULT_EXPERIMENT,
      recommend: recommendFake,
      observability: {
        info: () => undefined,
        warn: () => undefined,
        error: () => undefined,
        count: () => undefined,
        flush: () => undefined,
        pseudonym: String,
      },
      now: () => 0,
      newExposureId: () => 'exposure-1',
    });
    const answer = handler(event('51')).then((response) => {
      answered = true;
      return response;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    stored.resolve();
    expect((await answer).statusCode).toBe(200);
  });

  it('refuses a malformed request with problem details naming the field, and logs no exposure', async () => {
    const { get, exposures } = setUp({});
    const { response, body } = await get('51', { n: 'abc' });
    expect(response.statusCode).toBe(400);
    expect(response.headers?.['content-type']).toBe('application/problem+json');
    expect(body).toEqual({
      type: 'urn:encore:problem:invalid-request',
      title: 'The request is not valid',
      status: 400,
      detail: 'n is "abc": allowed is an integer from 1 to 100',
      code: 'INVALID_REQUEST',
      field: 'n',
      requestId: 'request-1',
    });
    expect(exposures).toEqual([]);
  });

  it('gives one listener the same variant every time, and both variants to many', async () => {
    const { get } = setUp({});
    const variantOf = async (userId: string) => (await get(userId)).body['variant'];
    const first = await Promise.all(Array.from({ length: 40 }, (_, i) => variantOf(`user-${i}`)));
    const second = await Promise.all(Array.from({ length: 40 }, (_, i) => variantOf(`user-${i}`)));
    expect(second).toEqual(first);
    expect(new Set(first)).toEqual(new Set(['control', 'treatment']));
  });

  it('writes the listener into no log line, whatever goes wrong', async () => {
    const userId = 'listener-4711';
    const worlds = [
      {},
      { readFails: true },
      { appendFails: 'unknown' },
      { rankFails: true },
      { version: null },
    ] as const;
    for (const world of worlds) {
      const { get, logged } = setUp(world);
      await get(userId);
      await get(userId, { n: 'x' });
      expect(logged.length).toBeGreaterThan(0);
      expect(JSON.stringify(logged)).not.toContain(userId);
    }
  });

  it('sends its metrics once per answer', async () => {
    const { get, nFlushed } = setUp({});
    await get('51');
    await get('52');
    expect(nFlushed()).toBe(2);
  });

  it('answers 200 or 400 to anything a request can contain', async () => {
    const { get } = setUp({});
    const text = fc.string({ unit: 'binary', maxLength: 150 });
    await fc.assert(
      fc.asyncProperty(
        fc.option(text, { nil: undefined }),
        fc.option(text, { nil: undefined }),
        async (userId, n) => {
          const { response } = await get(userId, n === undefined ? undefined : { n });
          expect([200, 400]).toContain(response.statusCode);
        },
      ),
      { numRuns: 100 },
    );
  });
});
