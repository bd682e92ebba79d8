import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ROUTES } from '../../functions/routes.ts';
import { poisonedItemLog } from '../../functions/shared/poisoned-item-log.ts';
import { createObservability } from '../../functions/shared/observability.ts';
import { createHttpFunctions } from '../../lib/local/http-functions.ts';
import { allFunctions } from './all-functions.ts';
import { httpEvent, type TestRequest } from './http-event.ts';

/** Nothing but a listener's id has this in it. */
const LISTENER = 'marked-listener-51';

const written: string[] = [];
const lines = () => written.filter((text) => text.startsWith('{'));

beforeEach(() => {
  written.length = 0;
  const keep = (chunk: string | Uint8Array): boolean => {
    written.push(String(chunk));
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** What is sent to each route: as it should be, and wrong with the id wherever there is room for it. */
function requestsOf(route: string, nowMs: number): readonly TestRequest[] {
  const params = { userId: LISTENER, artistId: LISTENER, key: LISTENER, version: LISTENER };
  const event = { userId: LISTENER, artistId: '1', type: 'like', at: nowMs };
  const bodies: Readonly<Record<string, unknown>> = {
    'POST /events': { events: [event, { ...event, at: LISTENER }, { ...event, exposureId: LISTENER }] },
    'POST /recommendations': { artists: [{ id: '1' }, { name: LISTENER }], anonymousId: LISTENER },
    'PUT /experiments/{key}': { coverage: 2, variants: [], status: LISTENER },
    'POST /models/{version}/activate': { pinned: true },
  };
  const body = bodies[route];
  const good: TestRequest = body === undefined ? { params } : { params, body };
  const all = { n: LISTENER, force: LISTENER, query: LISTENER, tags: LISTENER, until: LISTENER };
  const known = route === 'GET /experiments/{key}/results' ? [{ params: { key: 'ranker' } }] : [];
  return [
    good,
    ...known,
    { ...good, query: { ...all, [LISTENER]: LISTENER } },
    { params, query: { query: LISTENER, tag: LISTENER } },
    { params, body: { [LISTENER]: LISTENER } },
    { params, body: `{"${LISTENER}` },
    { params: { ...params, userId: `${LISTENER}\t` }, body: { events: [], [LISTENER]: 1 } },
  ];
}

/** Sends all of them to whatever function has the route; which statuses were answered. */
async function driveAll(
  handlers: Awaited<ReturnType<typeof allFunctions>>['handlers'],
  nowMs: number,
): Promise<ReadonlySet<number>> {
  const statuses = new Set<number>();
  for (const { method, path, handledBy } of ROUTES) {
    const route = `${method} ${path}`;
    for (const request of requestsOf(route, nowMs)) {
      statuses.add((await handlers[handledBy](httpEvent(route, request))).statusCode!);
    }
  }
  return statuses;
}

describe('what all functions write to their logs', () => {
  it('names no listener, whatever is asked', async () => {
    const observability = createObservability('all', { LOG_LEVEL: 'DEBUG', METRICS: 'on', STAGE: 'test' });
    const world = await allFunctions({ observability });
    const statuses = await driveAll(world.handlers, world.nowMs);
    expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 404]));
    const pseudonym = observability.pseudonym(LISTENER);
    expect(lines().some((line) => line.includes(pseudonym))).toBe(true);
    expect(lines().filter((line) => line.includes(LISTENER))).toEqual([]);
    // All of it belongs to some request.
    expect(lines().filter((line) => !line.includes('"requestId":"request-1"'))).toEqual([]);
  });

  it('names no listener where no store can be reached', async () => {
    // Nobody listens on this port; the adapters and the SDK's errors are those of AWS.
    const endpoint = 'http://127.0.0.1:1';
    const tables = ['CANDIDATES', 'EVENTS', 'EXPERIMENTS', 'EXPOSURES', 'LEASES', 'TOMBSTONES'];
    const { handlers } = createHttpFunctions({
      ...Object.fromEntries(tables.map((name) => [`${name}_TABLE`, 'encore-test'])),
      BUCKET_NAME: 'encore-test',
      AUTH_MODE: 'open',
      ADMIN_SCOPE: 'encore/admin',
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_ACCESS_KEY_ID: 'none',
      AWS_SECRET_ACCESS_KEY: 'none',
      LOG_LEVEL: 'DEBUG',
    });
    const statuses = await driveAll(handlers, Date.now());
    expect([...statuses]).toEqual(expect.arrayContaining([200, 503]));
    expect(lines().some((line) => line.includes('"level":"ERROR"'))).toBe(true);
    expect(lines().filter((line) => line.includes(LISTENER))).toEqual([]);
  }, 120_000);

  it('names no listener of an exposure that cannot be read', () => {
    const observability = createObservability('experiments', {
      LOG_LEVEL: 'INFO',
      METRICS: 'on',
      STAGE: 'test',
    });
    poisonedItemLog(observability)(`2026-11-24#3 ${LISTENER}#exposure-1`);
    observability.flush();
    expect(lines()).toHaveLength(2);
    expect(written.join('')).toContain('"ItemPoisoned":1');
    expect(written.join('')).not.toContain(LISTENER);
  });
});
