import { beforeEach, describe, expect, it } from 'vitest';
import {
  createMemoryEventLog,
  createMemoryModelStore,
} from '../../../functions/shared/adapters/memory-stores.ts';
import { countWaitingEvents, drainEvents, type Drained } from '../../../functions/train/drain-events.ts';
import type { Erased } from '../../../functions/train/erasures.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import {
  decodePartition,
  encodePartition,
  partitionKey,
} from '../../../layers/core/src/events/event-partition.ts';
import type { EventLog, ListenerEvent, ModelStore } from '../../../layers/core/src/ports.ts';
import { makeEvent, NOON } from '../../core/events/make-event.ts';

const DAY_MS = 86_400_000;
const TODAY = '2026-11-24';

let eventLog: EventLog;
let modelStore: ModelStore;
let nowMs: number;

beforeEach(() => {
  eventLog = createMemoryEventLog();
  modelStore = createMemoryModelStore();
  nowMs = NOON + 60_000;
});

const nobody: Erased = () => undefined;

async function drain(
  change: {
    readonly erased?: Erased;
    readonly store?: ModelStore;
    readonly log?: Pick<EventLog, 'ofDay'>;
  } = {},
): Promise<Drained> {
  const ports = {
    eventLog: change.log ?? eventLog,
    modelStore: change.store ?? modelStore,
    erased: change.erased ?? nobody,
    clock: () => nowMs,
    onPoison: () => undefined,
  };
  return (await drainEvents(ports))!;
}

async function partition(day: string): Promise<readonly ListenerEvent[] | undefined> {
  const found = await modelStore.get(partitionKey(day));
  return found === undefined ? undefined : decodePartition(found.body, day);
}

const event = (more: Partial<ListenerEvent> = {}) =>
  makeEvent({ userId: '51', artistId: '289', at: NOON, ...more });

describe('draining events', () => {
  it('writes a partition for each day, in the order of receipt, and gives all of them', async () => {
    const late = event({ at: NOON - DAY_MS, receivedAt: NOON + 10 });
    const second = event({ receivedAt: NOON + 9 });
    const first = event({ receivedAt: NOON + 5, at: NOON + 1 });
    await eventLog.append([second, late, first]);
    const { events, report } = await drain();
    expect(await partition(TODAY)).toEqual([first, second]);
    expect(await partition('2026-11-23')).toEqual([late]);
    expect(events).toEqual([late, first, second]);
    expect(report).toMatchObject({ partitionsWritten: 2, newEvents: 3, erasedEvents: 0, poisoned: 0 });
    expect((await modelStore.list('events/')).toSorted()).toEqual([
      'events/drained.json',
      partitionKey('2026-11-23'),
      partitionKey(TODAY),
    ]);
  });

  it('takes more events of one day than fit on a stack', async () => {
    const log: Pick<EventLog, 'ofDay'> = {
      ofDay: async function* (day) {
        if (day !== TODAY) return;
        for (let page = 0; page < 2; page++) {
          yield Array.from({ length: 70_000 }, (_, i) => event({ id: `${page}-${i}`, receivedAt: NOON + i }));
        }
      },
    };
    expect((await drain({ log })).events).toHaveLength(140_000);
    expect((await drain({ log })).report).toMatchObject({ newEvents: 0, partitionsWritten: 0 });
  });

  it('takes the events of a caller whose clock is ahead, over midnight', async () => {
    nowMs = Date.UTC(2026, 10, 24, 23, 59);
    await eventLog.append([event({ at: nowMs + 4 * 60_000 })]);
    await drain();
    expect(await partition('2026-11-25')).toHaveLength(1);
  });

  it('changes nothing when it is repeated, and writes no partition again', async () => {
    await eventLog.append([event(), event({ at: NOON - DAY_MS })]);
    const first = await drain();
    const before = await modelStore.get(partitionKey(TODAY));
    const again = await drain();
    expect(again.events).toEqual(first.events);
    expect(again.report).toMatchObject({ partitionsWritten: 0, newEvents: 0 });
    expect(await modelStore.get(partitionKey(TODAY))).toEqual(before);
  });

  it('keeps an id of a day once, as it was received first, also when that one is found later', async () => {
    const first = event({ id: 'x', at: NOON + 5, receivedAt: NOON + 10 });
    const second = event({ id: 'x', at: NOON, receivedAt: NOON + 20 });
    await eventLog.append([second]);
    await drain();
    // An index may show what came first last.
    await eventLog.append([first]);
    const { events } = await drain();
    expect(await partition(TODAY)).toEqual([first]);
    expect(events).toEqual([first]);
  });

  it('keeps what the log no longer has: expired, or not yet in its index', async () => {
    const gone = event();
    await eventLog.append([gone]);
    await drain();
    eventLog = createMemoryEventLog();
    const fresh = event();
    await eventLog.append([fresh]);
    const { events } = await drain();
    expect(await partition(TODAY)).toEqual([gone, fresh]);
    expect(events).toEqual([gone, fresh]);
  });

  it('goes on reading old partitions, though the log is no longer asked for their days', async () => {
    const old = event({ at: NOON - 5 * DAY_MS, receivedAt: NOON });
    await eventLog.append([old]);
    await drain();
    nowMs += 200 * DAY_MS;
    await drain();
    nowMs += DAY_MS;
    expect((await drain()).events).toEqual([old]);
  });

  it('asks for all days that the table keeps on the first drain, then for those that may have changed', async () => {
    const asked: string[] = [];
    const log: Pick<EventLog, 'ofDay'> = {
      ofDay: (day, onPoison) => {
        asked.push(day);
        return eventLog.ofDay(day, onPoison);
      },
    };
    await drain({ log });
    expect(asked).toHaveLength(100);
    expect(asked.slice(-2)).toEqual([TODAY, '2026-11-25']);
    asked.length = 0;
    await drain({ log });
    expect(asked).toEqual(
      ['16', '17', '18', '19', '20', '21', '22', '23', '24', '25'].map((day) => `2026-11-${day}`),
    );
    asked.length = 0;
    nowMs += 30 * DAY_MS;
    await drain({ log });
    // From eight days before the last drain to tomorrow: nothing of a month without trainings is left out.
    expect([asked[0], asked.at(-1), asked.length]).toEqual(['2026-11-16', '2026-12-25', 40]);
  });

  it('reads everything again where its record is damaged or of the future', async () => {
    await modelStore.put('events/drained.json', new TextEncoder().encode('{"drainedAt":"soon"}'));
    expect((await drain()).report.daysRead).toBe(100);
    const ahead = new Date(nowMs + 900 * DAY_MS).toISOString();
    await modelStore.put(
      'events/drained.json',
      new TextEncoder().encode(JSON.stringify({ drainedAt: ahead })),
    );
    expect((await drain()).report.daysRead).toBe(10);
  });

  it('counts what it cannot read and goes on', async () => {
    const keys: string[] = [];
    const log: Pick<EventLog, 'ofDay'> = {
      ofDay: async function* (day, onPoison) {
        if (day === TODAY) onPoison?.('51#broken');
        yield* eventLog.ofDay(day);
      },
    };
    await eventLog.append([event()]);
    const drained = await drainEvents({
      eventLog: log,
      modelStore,
      erased: nobody,
      clock: () => nowMs,
      onPoison: (key) => keys.push(key),
    });
    expect(drained).toMatchObject({ report: { poisoned: 1, newEvents: 1 } });
    expect(keys).toEqual(['51#broken']);
  });

  it('refuses to go on over a damaged partition instead of replacing it', async () => {
    await eventLog.append([event()]);
    const body = new TextEncoder().encode('not gzip');
    await modelStore.put(partitionKey(TODAY), body);
    await expect(drain()).rejects.toThrow(expect.objectContaining({ code: 'ARTIFACT_INCOMPATIBLE' }));
    expect((await modelStore.get(partitionKey(TODAY)))!.body).toEqual(body);
  });

  it('stops before its deadline and has not said that it drained', async () => {
    await eventLog.append([event()]);
    const ports = { eventLog, modelStore, erased: nobody, clock: () => nowMs, onPoison: () => undefined };
    expect(await drainEvents(ports, { deadlineMs: nowMs })).toBeNull();
    expect(await modelStore.get('events/drained.json')).toBeUndefined();
  });
});

describe('a drain that does not run alone, or is killed', () => {
  it('unites with what another has written between its reading and its writing', async () => {
    const [own, other] = [event({ receivedAt: NOON + 1 }), event({ receivedAt: NOON + 2 })];
    await eventLog.append([own]);
    let raced = false;
    const store: ModelStore = {
      ...modelStore,
      putIf: async (key, body, etag) => {
        if (!raced) {
          raced = true;
          await modelStore.put(key, await encodePartition([other]));
        }
        return modelStore.putIf(key, body, etag);
      },
    };
    await drain({ store });
    expect(await partition(TODAY)).toEqual([own, other]);
  });

  it('finds its own write where the answer to it was lost', async () => {
    await eventLog.append([event()]);
    let lost = 0;
    const store: ModelStore = {
      ...modelStore,
      putIf: async (key, body, etag) => {
        await modelStore.putIf(key, body, etag);
        lost++;
        throw new EncoreError('STORE_UNAVAILABLE', 'lost', {});
      },
    };
    expect((await drain({ store })).events).toHaveLength(1);
    expect(lost).toBe(1);
    expect(await partition(TODAY)).toHaveLength(1);
  });

  it('gives up after five attempts, and the next drain does it', async () => {
    await eventLog.append([event()]);
    const store: ModelStore = { ...modelStore, putIf: async () => false };
    await expect(drain({ store })).rejects.toThrow(expect.objectContaining({ code: 'STORE_UNAVAILABLE' }));
    expect(await modelStore.get('events/drained.json')).toBeUndefined();
    await drain();
    expect(await partition(TODAY)).toHaveLength(1);
  });

  it('leaves whole partitions wherever it is killed, and the next one ends the work', async () => {
    const events = Array.from({ length: 6 }, (_, i) =>
      event({ at: NOON - i * DAY_MS, receivedAt: NOON + i }),
    );
    await eventLog.append(events);
    for (let writes = 0; writes < 7; writes++) {
      modelStore = createMemoryModelStore();
      let left = writes;
      const dying: ModelStore = {
        ...modelStore,
        putIf: async (...args) => {
          if (left-- === 0) throw new Error('killed');
          return modelStore.putIf(...args);
        },
        put: async (...args) => {
          if (left-- === 0) throw new Error('killed');
          return modelStore.put(...args);
        },
      };
      await expect(drain({ store: dying })).rejects.toThrow('killed');
      expect(await modelStore.get('events/drained.json')).toBeUndefined();
      expect((await modelStore.list('events/dt=')).length).toBe(writes);
      expect((await drain()).events.toSorted((a, b) => a.receivedAt - b.receivedAt)).toEqual(events);
    }
  });
});

describe('a drain after an erasure', () => {
  it('takes what came before it out of every partition, old ones too, and keeps what came later', async () => {
    const old = event({ userId: 'gone', at: NOON - 6 * DAY_MS, receivedAt: NOON - 6 * DAY_MS });
    const before = event({ userId: 'gone', receivedAt: NOON + 10 });
    const other = event({ userId: 'stays', receivedAt: NOON + 10 });
    await eventLog.append([old, before, other]);
    await drain();
    nowMs += 50 * DAY_MS;
    await drain();
    const erasedAt = NOON + 20;
    const back = event({ userId: 'gone', at: nowMs - 5, receivedAt: nowMs - 4 });
    await eventLog.erase('gone');
    await eventLog.append([back]);
    const erased: Erased = (userId) => (userId === 'gone' ? erasedAt : undefined);
    const { events, erasedListeners, report } = await drain({ erased });
    expect(events).toEqual([other, back]);
    expect(report).toMatchObject({ erasedEvents: 2, partitionsWritten: 3, newEvents: 1 });
    expect([...erasedListeners]).toEqual(['gone']);
    for (const key of await modelStore.list('events/dt=')) {
      const stored = await decodePartition((await modelStore.get(key))!.body, key);
      expect(stored.filter(({ userId, receivedAt }) => userId === 'gone' && receivedAt <= erasedAt)).toEqual(
        [],
      );
    }
  });

  it('leaves out what the log still shows of before it', async () => {
    await eventLog.append([event({ userId: 'gone', receivedAt: NOON + 10 })]);
    const { events } = await drain({ erased: () => NOON + 10 });
    expect(events).toEqual([]);
    expect(await partition(TODAY)).toBeUndefined();
  });

  it('keeps the same event sent again after it', async () => {
    const sent = event({ id: 'x', receivedAt: NOON + 10 });
    await eventLog.append([sent]);
    await drain();
    await eventLog.erase('51');
    const again = { ...sent, receivedAt: NOON + 30 };
    await eventLog.append([again]);
    const { events } = await drain({ erased: () => NOON + 20 });
    expect(events).toEqual([again]);
    expect(await partition(TODAY)).toEqual([again]);
  });
});

describe('counting the events that wait', () => {
  it('counts those received since the last drain, all of them before the first', async () => {
    const count = () => countWaitingEvents({ eventLog, modelStore, clock: () => nowMs });
    expect(await count()).toBe(0);
    await eventLog.append([event(), event({ at: NOON - DAY_MS })]);
    expect(await count()).toBe(2);
    await drain();
    expect(await count()).toBe(0);
    nowMs += 3_600_000;
    await eventLog.append([event({ at: NOON - 7 * DAY_MS, receivedAt: nowMs })]);
    expect(await count()).toBe(1);
  });
});
