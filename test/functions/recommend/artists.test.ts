import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createArtistRoutes } from '../../../functions/recommend/artists.ts';
import { artistRoutes } from '../../../functions/recommend/artists-contract.ts';
import { createHttpFunction } from '../../../functions/shared/http.ts';
import { CATALOG_FILE, MODEL_FILE } from '../../../layers/core/src/artifact/manifest.ts';
import { loadServingModel, type ServingModel } from '../../../layers/core/src/artifact/serving-model.ts';
import { createArtistCatalogue } from '../../../layers/core/src/catalogue/artist-catalogue.ts';
import { loadFoldIn, type FoldInModel } from '../../../layers/core/src/fold-in/fold-in-model.ts';
import { trainTiny, type Trained } from '../../core/tiny.ts';
import { silentObservability } from '../recording-observability.ts';

type RouteKey = keyof typeof artistRoutes;

let trained: Trained;
let model: ServingModel;
let foldIn: FoldInModel;
beforeAll(async () => {
  trained = await trainTiny('full');
  const { files } = trained.contents;
  const tensors = files.get(MODEL_FILE)!;
  model = await loadServingModel({ tensors, catalog: files.get(CATALOG_FILE)! });
  foldIn = loadFoldIn(tensors);
});

/** The routes over a model; without the listening unless it is given. */
function serve(
  of: ServingModel | null,
  options: { readonly version?: string; readonly listening?: FoldInModel } = {},
) {
  const { version = 'v1', listening = null } = options;
  const errors: unknown[] = [];
  const askedFor: string[] = [];
  const observability = silentObservability({ error: (...line) => errors.push(line) });
  const handle = createHttpFunction(
    artistRoutes,
    createArtistRoutes({
      models: { current: () => Promise.resolve(of === null ? null : { version, model: of }) },
      foldIn: (asked) => {
        askedFor.push(asked);
        return listening;
      },
    }),
    observability,
  );
  return {
    errors,
    askedFor,
    get: async (
      routeKey: RouteKey,
      request: {
        readonly params?: Record<string, string>;
        readonly query?: Record<string, string>;
        readonly headers?: Record<string, string>;
      } = {},
    ) => {
      const response = await handle(eventOf(routeKey, request));
      const text = String(response.body);
      const body: Record<string, unknown> = text === '' ? {} : JSON.parse(text);
      if (response.statusCode === 200) artistRoutes[routeKey].responses[200].schema.parse(body);
      return { status: response.statusCode, headers: response.headers ?? {}, body };
    },
  };
}

function eventOf(
  routeKey: RouteKey,
  {
    params,
    query,
    headers = {},
  }: {
    readonly params?: Record<string, string>;
    readonly query?: Record<string, string>;
    readonly headers?: Record<string, string>;
  },
): APIGatewayProxyEventV2 {
  return {
    version: '2.0',
    routeKey,
    rawPath: '/',
    rawQueryString: '',
    headers,
    isBase64Encoded: false,
    ...(params === undefined ? {} : { pathParameters: params }),
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

/** A list that the body must have. */
function listOf(body: Record<string, unknown>, key: string): Record<string, unknown>[] {
  const list = body[key];
  if (!Array.isArray(list)) throw new Error(`${key} is no list`);
  return list;
}

describe('GET /artists', () => {
  it('finds an artist by a name with a typing error, with what every list says of it', async () => {
    const artist = model.artistNames.findIndex((name) => /^[A-Z][a-z]{7,}$/.test(name));
    const name = model.artistNames[artist]!;
    const { percentiles, listeners } = createArtistCatalogue(model);
    const mistyped = name.slice(0, 3) + name.slice(4);
    const { status, body } = await serve(model).get('GET /artists', { query: { query: ` ${mistyped} ` } });
    expect(status).toBe(200);
    expect(body['modelVersion']).toBe('v1');
    expect(body['query']).toBe(mistyped);
    expect(listOf(body, 'artists')).toContainEqual({
      artistId: model.artistIds[artist],
      name,
      listeners: listeners[artist],
      popularity: percentiles[artist],
      match: 'fuzzy',
    });
  });

  it('gives ten artists where nothing else is asked for, and an empty list where nothing is near', async () => {
    const { get } = serve(model);
    const initials = Map.groupBy(model.artistNames, (name) => name[0]!);
    const query = [...initials.keys()].find((initial) => initials.get(initial)!.length > 10)!;
    const letter = await get('GET /artists', { query: { query } });
    expect(listOf(letter.body, 'artists')).toHaveLength(10);
    const two = await get('GET /artists', { query: { query, n: '2' } });
    expect(listOf(two.body, 'artists')).toEqual(listOf(letter.body, 'artists').slice(0, 2));
    const nothing = await get('GET /artists', { query: { query: '\u2603\u2603\u2603\u2603' } });
    expect(nothing.body).toEqual({ modelVersion: 'v1', query: '☃☃☃☃', artists: [] });
  });

  it.each<[string, Record<string, string>, string]>([
    ['query', {}, 'query is missing: allowed is 1 to 200 characters that are not all blanks'],
    ['query', { query: '  ' }, 'query is "  ": allowed is 1 to 200 characters that are not all blanks'],
    [
      'query',
      { query: 'x'.repeat(201) },
      `query is "${'x'.repeat(40)}": allowed is 1 to 200 characters that are not all blanks`,
    ],
    ['n', { query: 'a', n: '0' }, 'n is "0": allowed is an integer from 1 to 50'],
    ['n', { query: 'a', n: '51' }, 'n is "51": allowed is an integer from 1 to 50'],
  ])('refuses a wrong %s: %j', async (field, query, detail) => {
    const { status, body } = await serve(model).get('GET /artists', { query });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'INVALID_REQUEST', field, detail });
  });
});

describe('GET /artists/{artistId}', () => {
  it('tells what is known: listeners, popularity, page and top tags with counts', async () => {
    const catalogue = createArtistCatalogue(model);
    const artist = catalogue.byPopularity[0]!;
    const { status, body } = await serve(model).get('GET /artists/{artistId}', {
      params: { artistId: model.artistIds[artist]! },
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      modelVersion: 'v1',
      artistId: model.artistIds[artist],
      name: trained.dataset.artistNames[artist],
      listeners: trained.dataset.plays.indices.filter((item) => item === artist).length,
      popularity: expect.any(Number),
      url: trained.dataset.artistUrls[artist],
      tags: catalogue.tagsOf(artist),
    });
    expect(listOf(body, 'tags').length).toBeGreaterThan(2);
  });

  it.each([
    ['https://example.org/a', 'https://example.org/a'],
    ['HTTP://EXAMPLE.ORG/b?c=d', 'http://example.org/b?c=d'],
    ['javascript:alert(1)', null],
    ['data:text/html,x', null],
    ['//example.org', null],
    ['', null],
  ])('gives for the page %j %j', async (url, expected) => {
    const { body } = await serve({ ...model, artistUrls: model.artistUrls.map(() => url) }).get(
      'GET /artists/{artistId}',
      { params: { artistId: model.artistIds[0]! } },
    );
    expect(body['url']).toBe(expected);
  });

  it.each(['no such artist', '__proto__', 'constructor', '-1'])(
    'has no artist %j, and nothing similar to it',
    async (artistId) => {
      for (const route of ['GET /artists/{artistId}', 'GET /artists/{artistId}/similar'] as const) {
        const { status, body } = await serve(model).get(route, { params: { artistId } });
        expect(status).toBe(404);
        expect(body).toMatchObject({
          code: 'NOT_FOUND',
          field: 'artistId',
          detail: `artistId is ${JSON.stringify(artistId)}: allowed is an artist of model version v1`,
        });
      }
    },
  );
});

describe('GET /artists/popular', () => {
  it('pages through all artists by listeners', async () => {
    const { get } = serve(model);
    const { byPopularity, shares } = createArtistCatalogue(model);
    const pages = [];
    for (let offset = 0; offset <= 150; offset += 60) {
      const { body } = await get('GET /artists/popular', { query: { n: '60', offset: String(offset) } });
      expect(body).toMatchObject({ modelVersion: 'v1', tag: null, total: 150, offset });
      pages.push(...listOf(body, 'artists'));
    }
    expect(pages.map(({ artistId }) => artistId)).toEqual(
      Array.from(byPopularity, (artist) => model.artistIds[artist]),
    );
    expect(pages.map(({ rank }) => rank)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
    expect(pages.map(({ share }) => share)).toEqual(
      Array.from(byPopularity, (artist) => Number(shares[artist]!.toPrecision(6))),
    );
  });

  it('lists those that are tagged so, whatever the case of the tag', async () => {
    const catalogue = createArtistCatalogue(model);
    const [tag] = model.artistTags.names;
    const tagged = catalogue.byPopularity.filter((artist) =>
      catalogue.tagsOf(artist).some((own) => own.tag === tag),
    );
    expect(tagged.length).toBeGreaterThan(20);
    expect(tagged.length).toBeLessThan(150);
    const { body } = await serve(model).get('GET /artists/popular', { query: { tag: tag!.toUpperCase() } });
    expect(body).toMatchObject({ tag: tag!.toUpperCase(), total: tagged.length });
    expect(listOf(body, 'artists').map(({ artistId }) => artistId)).toEqual(
      Array.from(tagged.subarray(0, 20), (artist) => model.artistIds[artist]),
    );
  });

  it('is empty for a tag that no artist has, and behind the end', async () => {
    const { get } = serve(model);
    const unknown = await get('GET /artists/popular', { query: { tag: 'no such tag' } });
    expect(unknown.body).toMatchObject({ total: 0, artists: [] });
    const behind = await get('GET /artists/popular', { query: { offset: '999999' } });
    expect(behind.body).toMatchObject({ total: 150, artists: [] });
  });

  it.each<[string, Record<string, string>, string]>([
    ['tag', { tag: ' ' }, 'tag is " ": allowed is a tag of 1 to 100 characters'],
    ['offset', { offset: '-1' }, 'offset is "-1": allowed is an integer from 0 to 999999'],
    ['n', { n: '101' }, 'n is "101": allowed is an integer from 1 to 100'],
  ])('refuses a wrong %s', async (field, query, detail) => {
    const { status, body } = await serve(model).get('GET /artists/popular', { query });
    expect(status).toBe(400);
    expect(body).toMatchObject({ field, detail });
  });
});

describe('GET /artists/{artistId}/similar', () => {
  it('gives neighbours with the reason, by listening and tags where the listening is loaded', async () => {
    const artistId = model.artistIds[createArtistCatalogue(model).byPopularity[0]!]!;
    const { get, askedFor } = serve(model, { version: 'v7', listening: foldIn });
    const { status, body } = await get('GET /artists/{artistId}/similar', { params: { artistId } });
    expect(status).toBe(200);
    expect(askedFor).toEqual(['v7']);
    expect(body).toMatchObject({ modelVersion: 'v7', artistId, basis: 'co-listening and tags' });
    const similar = listOf(body, 'similar');
    expect(similar).toHaveLength(20);
    expect(similar.map(({ rank }) => rank)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(similar[0]!['commonListeners']).toBeGreaterThan(0);
    expect(similar.flatMap(({ sharedTags }) => sharedTags).length).toBeGreaterThan(5);
  });

  it('compares tags alone where it is not, and says so', async () => {
    const params = { artistId: model.artistIds[createArtistCatalogue(model).byPopularity[0]!]! };
    const { body } = await serve(model).get('GET /artists/{artistId}/similar', { params, query: { n: '3' } });
    expect(body['basis']).toBe('tags');
    const similar = listOf(body, 'similar');
    expect(similar.map(({ commonListeners }) => commonListeners)).toEqual([null, null, null]);
  });
});

/** One of every kind, each with another answer. */
function requests(): [RouteKey, Parameters<ReturnType<typeof serve>['get']>[1]][] {
  const params = { artistId: model.artistIds[5]! };
  return [
    ['GET /artists', { query: { query: 'a' } }],
    ['GET /artists', { query: { query: 'a', n: '3' } }],
    ['GET /artists', { query: { query: 'zzzz' } }],
    ['GET /artists', { query: { query: 'zzzzz' } }],
    ['GET /artists/popular', {}],
    ['GET /artists/popular', { query: { offset: '7' } }],
    ['GET /artists/popular', { query: { tag: 'nobody' } }],
    ['GET /artists/popular', { query: { tag: 'nothing' } }],
    ['GET /artists/{artistId}', { params }],
    ['GET /artists/{artistId}', { params: { artistId: model.artistIds[6]! } }],
    ['GET /artists/{artistId}/similar', { params }],
    ['GET /artists/{artistId}/similar', { params, query: { n: '2' } }],
  ];
}

/** The entity tags of {@link requests}' answers. */
async function tagsOf(version: string): Promise<string[]> {
  const tags: string[] = [];
  for (const [route, request] of requests()) {
    const { headers } = await serve(model, { version }).get(route, request);
    tags.push(String(headers['etag']));
  }
  return tags;
}

describe('the routes about artists', () => {
  it('answer 503 and when to ask again while there is no model', async () => {
    const { get, errors } = serve(null);
    for (const [route, request] of requests()) {
      const { status, headers, body } = await get(route, request);
      expect(status).toBe(503);
      expect(headers['retry-after']).toBe('1');
      expect(body['code']).toBe('STORE_UNAVAILABLE');
    }
    expect(errors).toHaveLength(requests().length);
  });

  it('have a strong entity tag of their own each, another one in another version, and the same when asked again', async () => {
    const first = await tagsOf('v1');
    for (const tag of first) expect(tag).toMatch(/^"v1-[0-9a-f]{32}"$/);
    expect(await tagsOf('v1')).toEqual(first);
    expect(new Set([...first, ...(await tagsOf('v2'))]).size).toBe(2 * first.length);
  });

  it('answer 304 to whoever has the answer already, and not where tags alone were compared before', async () => {
    const request = { params: { artistId: model.artistIds[5]! } };
    const route = 'GET /artists/{artistId}/similar';
    const byTags = await serve(model).get(route, request);
    const headers = { 'if-none-match': String(byTags.headers['etag']) };
    const again = await serve(model).get(route, { ...request, headers });
    expect([again.status, again.body]).toEqual([304, {}]);
    const byBoth = await serve(model, { listening: foldIn }).get(route, { ...request, headers });
    expect(byBoth.status).toBe(200);
  });

  it('answer anything that is asked with 200, 400 or 404, and within the contract', async () => {
    const { get, errors } = serve(model, { listening: foldIn });
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('__proto__', '', ' ', '0', '1e9', '\ud800', 'x'.repeat(300)),
    );
    const some = (...names: string[]) =>
      fc.dictionary(fc.constantFrom(...names, '__proto__'), text, { noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<RouteKey>(
          'GET /artists',
          'GET /artists/popular',
          'GET /artists/{artistId}',
          'GET /artists/{artistId}/similar',
        ),
        fc.oneof(text, fc.constantFrom(...model.artistIds.slice(0, 5))),
        some('query', 'n', 'tag', 'offset'),
        async (route, artistId, query) => {
          const { status } = await get(route, { params: { artistId }, query });
          expect([200, 400, 404]).toContain(status);
        },
      ),
      { numRuns: 300 },
    );
    expect(errors).toEqual([]);
  });
});
