import { gunzipSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventId } from '../../../layers/core/src/events/event-id.ts';
import {
  dayOfPartition,
  decodePartition,
  encodePartition,
  eventOf,
  partitionKey,
} from '../../../layers/core/src/events/event-partition.ts';
import { firstReceived } from '../../../layers/core/src/events/first-received.ts';
import { EVENT_TYPES, type ListenerEvent } from '../../../layers/core/src/ports.ts';
import { makeEvent, NOON } from './make-event.ts';

const someId = fc.string({ minLength: 1, maxLength: 8, unit: 'binary' });
const anyEvent: fc.Arbitrary<ListenerEvent> = fc.record({
  id: someId,
  userId: someId,
  artistId: someId,
  type: fc.constantFrom(...EVENT_TYPES),
  at: fc.integer({ min: 0, max: 8.64e15 }),
  receivedAt: fc.integer({ min: 0, max: 8.64e15 }),
  exposureId: fc.option(someId),
  plays: fc.integer({ min: 1, max: 1_000 }),
});

describe('a partition of events', () => {
  it('gives back any events as they were', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent), async (events) => {
        expect(await decodePartition(await encodePartition(events), 'key')).toEqual(events);
      }),
      { numRuns: 50 },
    );
  });

  it('is gzip over a line of JSON for each event, which other tools read', async () => {
    const event = makeEvent({ id: 'a', userId: '51', artistId: '289', at: NOON });
    const text = gunzipSync(
      await encodePartition([event, { ...event, plays: 2, exposureId: 'e' }]),
    ).toString();
    expect(text).toBe(
      `{"id":"a","userId":"51","artistId":"289","type":"play","at":${NOON},"receivedAt":${NOON + 1000}}\n` +
        `{"id":"a","userId":"51","artistId":"289","type":"play","at":${NOON},"receivedAt":${NOON + 1000},"exposureId":"e","plays":2}\n`,
    );
  });

  it.each(['', 'null', '[]', '{', '{"id":"a"}'])('is refused with the line %j in it, named', async (line) => {
    const good = gunzipSync(await encodePartition([makeEvent({ userId: '1', artistId: '2' })])).toString();
    await expect(decodePartition(gzipSync(`${good}${line}\n`), 'events/x')).rejects.toThrow(
      expect.objectContaining({
        code: 'ARTIFACT_INCOMPATIBLE',
        message: expect.stringContaining('events/x line 2'),
      }),
    );
  });

  it('is refused when it is cut short', async () => {
    const whole = await encodePartition([makeEvent({ userId: '1', artistId: '2' })]);
    await expect(decodePartition(whole.subarray(0, whole.length - 9), 'events/x')).rejects.toThrow(
      expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }),
    );
  });

  it('has a key by its day, and no other key has a day', () => {
    expect(partitionKey('2026-11-24')).toBe('events/dt=2026-11-24/events.ndjson.gz');
    expect(dayOfPartition('events/dt=2026-11-24/events.ndjson.gz')).toBe('2026-11-24');
    for (const key of [
      'events/dt=2026-11-24/other',
      'events/dt=x',
      'events/drained.json',
      'events/dt=2026-11-2/events.ndjson.gz',
    ]) {
      expect(dayOfPartition(key)).toBeUndefined();
    }
  });
});

describe('eventOf', () => {
  const event = makeEvent({ userId: '1', artistId: '2' });
  it.each<[string, object]>([
    ['an id that is no text', { id: 1 }],
    ['no listener', { userId: undefined }],
    ['an empty artist', { artistId: '' }],
    ['a type that there is not', { type: 'buy' }],
    ['a time that is no time', { at: 1.5 }],
    ['a time after the last', { receivedAt: 8.64e15 + 1 }],
    ['plays of 0', { plays: 0 }],
    ['an empty exposure', { exposureId: '' }],
  ])('takes nothing with %s for an event', (_, change) => {
    expect(eventOf({ ...event, ...change })).toBeUndefined();
    expect(eventOf({ ...event })).toEqual(event);
  });
});

/** An event of an id. */
function make(userId: string, id: string, receivedAt: number, at = NOON): ListenerEvent {
  return makeEvent({ userId, artistId: '1', id, receivedAt, at });
}

describe('firstReceived', () => {
  it('keeps the first of each listener and id, in the order of receipt', () => {
    const a2 = make('1', 'a', 2);
    const a1 = make('1', 'a', 1, NOON + 5);
    const other = make('2', 'a', 0);
    const b = make('1', 'b', 1);
    expect(firstReceived([a2, b, a1, other])).toEqual([other, a1, b]);
  });
});

describe('eventId', () => {
  it('is 32 hexadecimal digits that any of user, artist, type and time changes', async () => {
    const event = { userId: '51', artistId: '289', type: 'play', at: NOON } as const;
    const changed = [{}, { userId: '5' }, { artistId: '1289' }, { type: 'like' as const }, { at: NOON + 1 }];
    const ids = await Promise.all(changed.map((change) => eventId({ ...event, ...change })));
    for (const one of ids) expect(one).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is what sha256sum says of the JSON list', async () => {
    // printf '["51","289","play",1795521600000]' | sha256sum
    expect(await eventId({ userId: '51', artistId: '289', type: 'play', at: 1795521600000 })).toBe(
      '509281b27acbdb95d224cbff2535cf11',
    );
  });
});
