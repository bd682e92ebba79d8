import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventsHandlerFromEnvironment } from '../../../functions/events/handler.ts';
import { createMemoryEventLog } from '../../../functions/shared/adapters/memory-stores.ts';
import { METRICS } from '../../../functions/shared/metrics.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import { eventsClient } from './post-events.ts';

const NOW = Date.UTC(2026, 10, 24, 20, 15);
const DAY_MS = 86_400_000;
const play = { id: 'a1', userId: '51', artistId: '289', type: 'play', at: NOW - 60_000, plays: 3 };

function setUp() {
  const eventLog = createMemoryEventLog();
  return { eventLog, ...eventsClient(eventLog, () => NOW) };
}

/** The list of events in any JSON. */
function eventsOf(body: unknown): readonly unknown[] {
  if (typeof body !== 'object' || body === null || !('events' in body)) return [];
  return Array.isArray(body.events) ? body.events : [];
}

describe('POST /events', () => {
  it('stores an event whole and says that it is accepted', async () => {
    const { post, eventLog, counted } = setUp();
    const answer = await post({ events: [{ ...play, exposureId: 'e-1' }] });
    expect(answer).toMatchObject({ status: 200, body: { results: [{ status: 'accepted', id: 'a1' }] } });
    expect(await eventLog.recent('51', 10)).toEqual([{ ...play, exposureId: 'e-1', receivedAt: NOW }]);
    expect(Object.fromEntries(counted)).toEqual({
      [METRICS.eventsAccepted]: 1,
      [METRICS.eventsDuplicate]: 0,
      [METRICS.eventsRefused]: 0,
    });
  });

  it('reads ids that are integers and times in ISO 8601 with any zone', async () => {
    const { post, eventLog } = setUp();
    const at = '2026-11-24T22:00:00.5+02:00';
    await post({ events: [{ id: 7, userId: 51, artistId: 289, type: 'like', at, exposureId: 12 }] });
    expect(await eventLog.recent('51', 10)).toEqual([
      {
        id: '7',
        userId: '51',
        artistId: '289',
        type: 'like',
        at: Date.UTC(2026, 10, 24, 20, 0, 0, 500),
        receivedAt: NOW,
        exposureId: '12',
        plays: 1,
      },
    ]);
  });

  it('makes a missing id of user, artist, type and time, so that the same is stored once', async () => {
    const { post, eventLog } = setUp();
    const { id: _, ...bare } = play;
    const [first, second, other] = (
      await post({ events: [bare, { ...bare, userId: 51 }, { ...bare, type: 'skip', plays: undefined }] })
    ).body.results;
    const expected = createHash('sha256')
      .update(JSON.stringify(['51', '289', 'play', play.at]))
      .digest('hex')
      .slice(0, 32);
    expect(first).toEqual({ status: 'accepted', id: expected });
    expect(second).toEqual({ status: 'duplicate', id: expected });
    expect(other).toMatchObject({ status: 'accepted' });
    expect(other!.id).not.toBe(expected);
    expect(await eventLog.recent('51', 10)).toHaveLength(2);
  });

  it('answers in the order of the request, each event by itself', async () => {
    const { post, counted } = setUp();
    await post({ events: [play] });
    const { body, status } = await post({
      events: [
        { ...play, id: 'b' },
        { ...play, id: 'c', type: 'buy' },
        play,
        { ...play, id: 'b', at: NOW },
        'no event',
        { ...play, id: 'd', userId: 'somebody else' },
      ],
    });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      { status: 'accepted', id: 'b' },
      { status: 'refused', code: 'INVALID_REQUEST', field: 'type' },
      { status: 'duplicate', id: 'a1' },
      { status: 'duplicate', id: 'b' },
      { status: 'refused', code: 'INVALID_REQUEST', detail: expect.stringContaining('allowed is an object') },
      { status: 'accepted', id: 'd' },
    ]);
    expect(counted.get(METRICS.eventsAccepted)).toBe(3);
    expect(counted.get(METRICS.eventsDuplicate)).toBe(2);
    expect(counted.get(METRICS.eventsRefused)).toBe(2);
  });

  it.each<[string, object, string, string]>([
    ['no listener', { userId: undefined }, 'userId', 'allowed is 1 to 128'],
    ['an empty artist', { artistId: '' }, 'artistId', 'allowed is 1 to 128'],
    ['a listener that is a broken surrogate', { userId: '\ud800' }, 'userId', 'well-formed'],
    ['no plays', { plays: 0 }, 'plays', 'allowed is an integer from 1 to 1000'],
    ['too many plays', { plays: 1001 }, 'plays', 'allowed is an integer from 1 to 1000'],
    ['half a play', { plays: 1.5 }, 'plays', 'allowed is an integer from 1 to 1000'],
    ['plays of a like', { type: 'like' }, 'plays', 'with type "play" alone'],
    ['a time without a zone', { at: '2026-11-24T20:00:00' }, 'at', 'ISO 8601'],
    ['a field that there is not', { rating: 5 }, 'rating', 'there is no field'],
    ['an id too long', { id: 'x'.repeat(129) }, 'id', 'allowed is 1 to 128'],
  ])('refuses %s, naming the field and what is allowed', async (_, change, field, allowed) => {
    const { post, eventLog } = setUp();
    const [result] = (await post({ events: [{ ...play, ...change }] })).body.results;
    expect(result).toEqual({
      status: 'refused',
      code: 'INVALID_REQUEST',
      field,
      detail: expect.stringContaining(allowed),
    });
    expect(await eventLog.recent('51', 10)).toEqual([]);
  });

  it.each([
    [NOW - 7 * DAY_MS, 'accepted'],
    [NOW - 7 * DAY_MS - 1, 'refused'],
    [NOW + 5 * 60_000, 'accepted'],
    [NOW + 5 * 60_000 + 1, 'refused'],
    [0, 'refused'],
    [8.64e15, 'refused'],
  ])('takes times from 7 days ago to 5 minutes ahead: %d is %s', async (at, status) => {
    const [result] = (await setUp().post({ events: [{ ...play, at }] })).body.results;
    expect(result!.status).toBe(status);
    if (status === 'accepted') return;
    expect(result).toMatchObject({ field: 'at' });
    expect(result!.detail).toContain('allowed is from 2026-11-17T20:15:00.000Z to 2026-11-24T20:20:00.000Z');
  });

  it.each<[string, unknown, string]>([
    ['a bare list', [play], 'body'],
    ['no events', { events: [] }, 'events'],
    ['too many events', { events: Array.from({ length: 501 }, () => play) }, 'events'],
    ['something else beside the events', { events: [play], user: 1 }, 'user'],
    ['no JSON', '{', 'body'],
  ])('refuses %s as a whole with 400', async (_, body, field) => {
    const { post, eventLog } = setUp();
    expect(await post(body)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', field } });
    expect(await eventLog.recent('51', 10)).toEqual([]);
  });

  it('takes 500 events at once', async () => {
    const events = Array.from({ length: 500 }, (_, i) => ({ ...play, id: i }));
    const { results } = (await setUp().post({ events })).body;
    expect(results).toHaveLength(500);
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['accepted']));
  });

  it('answers 503 with Retry-After when anything could not be stored, and acknowledges nothing', async () => {
    const failing = {
      append: () => Promise.reject(new EncoreError('STORE_UNAVAILABLE', 'the table of user 51 is gone', {})),
    };
    const { post, counted } = eventsClient(failing, () => NOW);
    const answer = await post({ events: [play, { ...play, id: 'b' }, { ...play, type: 'buy' }] });
    expect(answer).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { code: 'STORE_UNAVAILABLE' },
    });
    expect(answer.body).not.toHaveProperty('results');
    expect(JSON.stringify(answer.body)).not.toContain('51');
    expect(Object.fromEntries(counted)).toEqual({ [METRICS.eventsFailed]: 2 });
  });

  it('does not ask the store where nothing is valid', async () => {
    const failing = { append: () => Promise.reject(new EncoreError('STORE_UNAVAILABLE', '', {})) };
    const answer = await eventsClient(failing, () => NOW).post({ events: [{}, 1] });
    expect(answer).toMatchObject({
      status: 200,
      body: { results: [{ status: 'refused' }, { status: 'refused' }] },
    });
  });

  it('logs no listener', async () => {
    const { post, logged } = setUp();
    await post({
      events: [
        { ...play, userId: 'secret-listener' },
        { ...play, userId: 'secret-listener', at: 1 },
      ],
    });
    expect(logged.length).toBeGreaterThan(0);
    expect(JSON.stringify(logged)).not.toContain('secret-listener');
  });

  it('answers 200 or 400 to any JSON, with a result for each event', async () => {
    const key = fc.constantFrom(
      'id',
      'userId',
      'artistId',
      'type',
      'at',
      'plays',
      'exposureId',
      '__proto__',
      'x',
    );
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('play', 'like', NOW, '2026-11-24T20:00:00Z', '51', 3),
    );
    const item = fc.oneof(
      { weight: 4, arbitrary: fc.array(fc.tuple(key, value)).map((entries) => Object.fromEntries(entries)) },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.jsonValue(), fc.record({ events: fc.array(item, { maxLength: 8 }) })),
        async (body) => {
          const { status, body: answer } = await setUp().post(JSON.stringify(body));
          expect([200, 400]).toContain(status);
          const sent = eventsOf(body);
          expect(answer.results ?? []).toHaveLength(status === 200 ? sent.length : 0);
          expect(({} as Record<string, unknown>)['x']).toBeUndefined();
        },
      ),
      { numRuns: 300 },
    );
  });

  it('names every variable that its environment lacks', () => {
    expect(() => createEventsHandlerFromEnvironment({})).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('EVENTS_TABLE') }),
    );
  });
});
