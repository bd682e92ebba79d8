import * as fc from 'fast-check';
import { expect } from 'vitest';
import { ROUTES } from '../../functions/routes.ts';
import { CONTRACTS } from '../../lib/openapi/encore-api.ts';
import { allFunctions } from './all-functions.ts';
import type { TestRequest } from './http-event.ts';

/** What came of fuzzing. */
export interface FuzzResult {
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Routes that answered with success at least once. */
  readonly succeeded: ReadonlySet<string>;
  readonly longestMs: number;
}

/**
 * Sends requests to every route of all functions over healthy stores: half-right ones, so that what lies behind the checks is reached,
 * and hostile ones. None may answer 5xx; what succeeds must be what the contract says, no field less and none more.
 */
export async function fuzzRequests(options: {
  readonly seed: number;
  readonly numRuns: number;
}): Promise<FuzzResult> {
  const { ask, dataset } = await allFunctions();
  const statuses = new Map<number, number>();
  const succeeded = new Set<string>();
  let longestMs = 0;
  await fc.assert(
    fc.asyncProperty(requests(dataset.users.ids, dataset.artists.ids), async ([route, request]) => {
      const startedAt = performance.now();
      const { statusCode, headers, json } = await ask(route, request);
      longestMs = Math.max(longestMs, performance.now() - startedAt);
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
      if (statusCode >= 500)
        throw new Error(`answered ${statusCode}: ${JSON.stringify([route, request, json])}`);
      if (statusCode >= 400) {
        expect(headers['content-type']).toBe('application/problem+json');
        expect(json).toMatchObject({ status: statusCode, code: expect.any(String), requestId: 'request-1' });
        return;
      }
      if (statusCode === 304) return;
      succeeded.add(route);
      const { schema } = CONTRACTS[route]!.responses[statusCode]!;
      expect({ route, json: schema!.parse(json) }).toEqual({ route, json });
    }),
    options,
  );
  // Nothing that a request holds may have become part of every object.
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
  return { statuses, succeeded, longestMs };
}

const HOSTILE = [
  '__proto__',
  'constructor',
  'toString',
  '\u0000',
  '\ud800',
  "'; DROP TABLE users; --",
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '%2e%2e%2f',
  'NaN',
  '-1',
  '1e309',
  '9'.repeat(400),
  'ü'.repeat(129),
  '\t',
  '#',
  '',
];

type Request = readonly [route: string, request: TestRequest];

function requests(users: readonly string[], artists: readonly string[]): fc.Arbitrary<Request> {
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  );
  const orHostile = <T>(good: fc.Arbitrary<T>): fc.Arbitrary<T | string> =>
    fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: text });
  const userId = orHostile(fc.constantFrom(...users.slice(0, 8), 'nobody'));
  const artistId = orHostile(fc.constantFrom(...artists.slice(0, 20), 'no artist'));
  const values = {
    n: orHostile(fc.integer({ min: 1, max: 100 }).map(String)),
    offset: orHostile(fc.integer({ min: 0, max: 260 }).map(String)),
    tags: orHostile(fc.constantFrom('rock', 'tag-1,tag-2', 'ROCK,,')),
    excludeTags: orHostile(fc.constantFrom('rock', 'pop')),
    exclude: orHostile(fc.constantFrom('heard', 'none')),
    diversity: orHostile(fc.constantFrom('0', '0.3', '1')),
    debias: orHostile(fc.constantFrom('0', '0.5')),
    minPopularity: orHostile(fc.constantFrom('0', '20')),
    maxPopularity: orHostile(fc.constantFrom('60', '100')),
    explain: orHostile(fc.constantFrom('true', 'false')),
    force: orHostile(fc.constantFrom('ranker:control', 'ranker:treatment', 'other:x')),
    query: orHostile(fc.constantFrom('artist', 'aritst 1', 'a')),
    tag: orHostile(fc.constantFrom('rock', 'none of these')),
    until: orHostile(fc.constantFrom('2026-01-01', '2026-01-01T00:00:00Z')),
  };
  const query = fc.oneof(
    fc.constant({}),
    fc.record(values, { requiredKeys: [] }),
    fc.record({ n: values.n, query: values.query }),
    fc.dictionary(text, text, { maxKeys: 3 }),
  );
  const at = fc.oneof(
    fc.integer({ min: -8 * 24, max: 1 }).map((hours) => Date.UTC(2026, 0, 1, 1) + hours * 3_600_000),
    fc.constant('2026-01-01T00:30:00Z'),
    fc.anything(),
  );
  const event = fc.record(
    {
      id: orHostile(fc.uuid()),
      userId,
      artistId,
      type: orHostile(fc.constantFrom('play', 'click', 'like', 'dislike', 'skip')),
      at,
      exposureId: orHostile(fc.constant('exposure-1')),
      plays: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.anything()),
    },
    { requiredKeys: ['userId', 'artistId', 'type', 'at'] },
  );
  const share = fc.oneof(fc.constantFrom(0.5, 1, 0), fc.double());
  const experiment = fc.record(
    {
      kind: orHostile(fc.constantFrom('ab', 'interleaving')),
      seed: text,
      coverage: share,
      status: orHostile(fc.constantFrom('draft', 'running', 'stopped')),
      revision: fc.integer({ min: -1, max: 3 }),
      variants: fc.oneof(
        fc.constant([
          { key: 'a', weight: 0.5, ranker: 'lr' },
          { key: 'b', weight: 0.5, ranker: 'trees' },
        ]),
        fc.array(fc.record({ key: text, weight: share, ranker: orHostile(fc.constant('lr')) }), {
          maxLength: 4,
        }),
      ),
    },
    { requiredKeys: ['coverage', 'variants', 'status'] },
  );
  const bodies: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    'POST /recommendations': fc.record(
      {
        artists: fc.array(
          fc.oneof(
            fc.record({ id: fc.oneof(artistId, fc.integer()) }),
            fc.record({ name: text, plays: fc.oneof(fc.integer({ min: 0, max: 1e9 }), fc.double()) }),
          ),
          { maxLength: 6 },
        ),
        n: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.anything()),
        offset: fc.integer({ min: 0, max: 260 }),
        explain: fc.oneof(fc.boolean(), fc.anything()),
        exclude: values.exclude,
        anonymousId: userId,
      },
      { requiredKeys: ['artists'] },
    ),
    'POST /events': fc.record({
      events: fc.array(fc.oneof({ weight: 4, arbitrary: event }, { weight: 1, arbitrary: fc.anything() }), {
        maxLength: 6,
      }),
    }),
    'PUT /experiments/{key}': experiment,
    'POST /models/{version}/activate': fc.record(
      { pinned: fc.oneof(fc.boolean(), fc.anything()) },
      { requiredKeys: [] },
    ),
  };
  const params = fc.record({
    userId,
    artistId,
    key: orHostile(fc.constantFrom('ranker', 'trees', 'other')),
    version: orHostile(fc.constantFrom('20260101T000000Z-0123456789ab-1', '20260101T000000Z-000000000000-9')),
  });
  const headers = fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.dictionary(fc.constantFrom('content-type', 'if-none-match', 'x-forwarded-for'), text),
    },
  );
  return fc.constantFrom(...ROUTES.map(({ method, path }) => `${method} ${path}`)).chain((route) =>
    fc.tuple(
      fc.constant(route),
      fc.record({
        params: params.map((all) =>
          Object.fromEntries(Object.entries(all).filter(([name]) => route.includes(`{${name}}`))),
        ),
        query,
        headers,
        body: fc.oneof(
          { weight: 6, arbitrary: bodies[route] ?? fc.constant(undefined) },
          { weight: 1, arbitrary: fc.json() },
          {
            weight: 1,
            arbitrary: fc.constantFrom(
              '{"__proto__":{"polluted":1}}',
              '{"constructor":{"prototype":{"polluted":1}}}',
              '[',
              '',
            ),
          },
        ),
      }),
    ),
  );
}
