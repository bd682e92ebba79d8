import type { EventLog, ListenerEvent, ModelStore } from '../../../layers/core/src/ports.ts';
import { createMemoryModelStore } from '../../../functions/shared/adapters/memory-stores.ts';
import { drainEvents } from '../../../functions/train/drain-events.ts';
import { EncoreError } from '../../../layers/core/src/errors.ts';
import { decodePartition, EVENTS_PREFIX } from '../../../layers/core/src/events/event-partition.ts';
import { eventKey } from '../../../layers/core/src/events/first-received.ts';
import { createRng, type Rng } from '../../../layers/core/src/math/rng.ts';
import { eventsClient } from './post-events.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 10, 10);

export interface LoadOptions {
  readonly seed: number;
  /** Events in all requests, duplicates and poison included. */
  readonly nEvents: number;
  /** Where the events go; faults of its own are part of the world. */
  readonly eventLog: EventLog;
  /** Share of requests at whose writing a crash is injected in front of the log. */
  readonly crashes: number;
  /** Requests under way at once. */
  readonly concurrency: number;
  /** Drains while events come in; another follows them. */
  readonly drains: number;
}

/** What was found, and how much of what it is about there was. */
export interface LoadResult {
  /** Empty where every promise was kept. */
  readonly violations: readonly string[];
  readonly posted: number;
  readonly requests: number;
  readonly answered503: number;
  readonly acknowledged: number;
  readonly duplicates: number;
  readonly refused: number;
  /** Events of callers who never heard an answer: they may be stored or not. */
  readonly unheard: number;
  readonly drains: number;
  readonly drainsKilled: number;
  readonly drained: number;
  readonly poisonedItems: number;
}

type Sent = Readonly<Record<string, unknown>>;

/**
 * Listeners' callers post events, a fifth of them twice and one in twenty of them broken, over ten days; whatever can crash between two
 * writes does: the log before it stores, in the midst of a request and after it has stored, the offline store while it is
 * drained. Callers repeat a request that was answered 503 until it is not; a few die and never hear the answer. At the end the offline
 * store is compared with what the callers know.
 */
export async function runEventLoad(options: LoadOptions): Promise<LoadResult> {
  const { seed, nEvents, concurrency } = options;
  const rng = createRng(seed);
  let nowMs = START;
  const log = crashingLog(options.eventLog, rng, options.crashes);
  const client = eventsClient(log, () => nowMs);
  const offline = createMemoryModelStore();
  const truth = createTruth();
  const world = { rng, now: () => nowMs, seen: [] as Sent[] };
  const result = {
    posted: 0,
    requests: 0,
    answered503: 0,
    duplicates: 0,
    refused: 0,
    drains: 0,
    drainsKilled: 0,
  };
  const violations: string[] = [];
  const poisoned = new Set<string>();

  const call = async (events: readonly Sent[], dies: boolean): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      result.requests++;
      const answer = await client.post({ events });
      if (dies) return;
      if (answer.status === 503) {
        result.answered503++;
        if (attempt > 200) throw new Error('the log never takes this request');
        continue;
      }
      if (answer.status !== 200) violations.push(`answered ${answer.status}`);
      const { results } = answer.body;
      if (results.length !== events.length) violations.push(`${results.length} results for ${events.length}`);
      results.forEach((one, i) => {
        if (one.status === 'refused') result.refused++;
        else truth.acknowledge(events[i]!, one.id!);
        if (one.status === 'duplicate') result.duplicates++;
        if ((one.status === 'refused') !== isBroken(events[i]!))
          violations.push(`${JSON.stringify(events[i])} was ${one.status}`);
      });
      return;
    }
  };
  const drain = async (store: ModelStore): Promise<void> => {
    result.drains++;
    await drainEvents({
      eventLog: options.eventLog,
      modelStore: store,
      erased: () => undefined,
      clock: () => nowMs,
      onPoison: (key) => poisoned.add(key),
    });
  };

  const drainEvery = Math.ceil(nEvents / options.drains);
  let nextDrain = drainEvery;
  while (result.posted < nEvents) {
    const calls: Promise<void>[] = [];
    for (let c = 0; c < concurrency && result.posted < nEvents; c++) {
      const size = Math.min(nEvents - result.posted, 1 + rng.integer(rng.next() < 0.2 ? 500 : 60));
      const events = Array.from({ length: size }, () => drawEvent(world));
      result.posted += size;
      const dies = rng.next() < 0.02;
      if (dies) for (const event of events) truth.sendUnheard(event);
      calls.push(call(events, dies));
    }
    await Promise.all(calls);
    nowMs = START + Math.floor((10 * DAY_MS * result.posted) / nEvents);
    if (result.posted < nextDrain) continue;
    nextDrain += drainEvery;
    try {
      await drain(dyingStore(offline, rng));
    } catch (error) {
      if (!(error instanceof Error && error.message === 'killed')) throw error;
      result.drainsKilled++;
    }
  }
  // What was killed is ended by the next.
  await drain(offline);
  const drained = await readAll(offline, violations);
  violations.push(...truth.compare(drained));
  return {
    ...result,
    violations,
    acknowledged: truth.acknowledged(),
    unheard: truth.unheard(),
    drained: drained.length,
    poisonedItems: poisoned.size,
  };
}

/** One event of a request: new, one that was sent before, or broken. */
function drawEvent({
  rng,
  now,
  seen,
}: {
  readonly rng: Rng;
  readonly now: () => number;
  readonly seen: Sent[];
}): Sent {
  const draw = rng.next();
  if (draw < 0.05) return BROKEN[rng.integer(BROKEN.length)]!(now());
  if (draw < 0.25 && seen.length > 0) {
    // The latest as a rule, as after a lost answer; some of long ago, while they are not too old to be taken.
    for (let tries = 0; tries < 20; tries++) {
      const back = rng.next() < 0.7 ? rng.integer(Math.min(seen.length, 200)) : rng.integer(seen.length);
      const event = seen[seen.length - 1 - back]!;
      if (Number(event['at']) > now() - 6 * DAY_MS) return event;
    }
  }
  const number = seen.length;
  const type = ['play', 'play', 'play', 'like', 'dislike', 'click', 'skip'][rng.integer(7)]!;
  const event: Sent = {
    // One in four without an id: the listener, artist and millisecond are its own.
    ...(rng.next() < 0.75 ? { id: rng.next() < 0.5 ? number : `e-${number}` } : {}),
    userId: rng.next() < 0.5 ? rng.integer(400) : `listener #${rng.integer(400)}`,
    artistId: 1_000 + rng.integer(300),
    type,
    at: now() - rng.integer(5 * DAY_MS) * (rng.next() < 0.2 ? 1 : 0) - (number % 60_000),
    ...(type === 'play' && rng.next() < 0.5 ? { plays: 1 + rng.integer(20) } : {}),
  };
  seen.push(event);
  return event;
}

const valid = (now: number) => ({
  id: 'broken',
  userId: 'broken',
  artistId: 'broken',
  type: 'play',
  at: now,
});
/** Each names itself broken, wherever it could slip through. */
const BROKEN: readonly ((now: number) => Sent)[] = [
  (now) => ({ ...valid(now), type: 'broken' }),
  (now) => ({ ...valid(now), at: now - 8 * DAY_MS }),
  (now) => ({ ...valid(now), at: now + DAY_MS }),
  (now) => ({ ...valid(now), at: 'broken' }),
  (now) => ({ ...valid(now), plays: -1 }),
  (now) => ({ ...valid(now), type: 'like', plays: 2 }),
  (now) => ({ ...valid(now), userId: '' }),
  (now) => ({ ...valid(now), artistId: { $gt: '' } }),
  (now) => ({ ...valid(now), id: 'broken'.repeat(50) }),
  (now) => ({ ...valid(now), broken: true }),
  () => ({ broken: true }),
];

function isBroken(event: Sent): boolean {
  return JSON.stringify(event).includes('broken');
}

/** The log, which now and then crashes before it stores, in the midst of it, or after it. */
function crashingLog(inner: EventLog, rng: Rng, share: number): Pick<EventLog, 'append'> {
  return {
    append: async (events) => {
      if (rng.next() >= share) return inner.append(events);
      const stored = [0, 1, rng.next()][rng.integer(3)]!;
      await inner.append(events.slice(0, Math.floor(stored * events.length)));
      throw new EncoreError('STORE_UNAVAILABLE', 'crashed between two writes', {});
    },
  };
}

/** The offline store of a drain that is killed before or after one of its writes, or once in four not at all. */
function dyingStore(inner: ModelStore, rng: Rng): ModelStore {
  let left = rng.integer(16);
  const before = rng.next() < 0.5;
  const dieOr = async <T>(write: () => Promise<T>): Promise<T> => {
    if (left-- !== 0) return write();
    if (!before) await write();
    throw new Error('killed');
  };
  return {
    ...inner,
    put: (key, body) => dieOr(() => inner.put(key, body)),
    putIf: (key, body, etag) => dieOr(() => inner.putIf(key, body, etag)),
  };
}

async function readAll(store: ModelStore, violations: string[]): Promise<readonly ListenerEvent[]> {
  const events: ListenerEvent[] = [];
  for (const key of await store.list(EVENTS_PREFIX)) {
    const partition = await decodePartition((await store.get(key))!.body, key);
    for (const event of partition) {
      const day = new Date(event.at).toISOString().slice(0, 10);
      if (!key.includes(day)) violations.push(`${eventKey(event)} of ${day} is in ${key}`);
      events.push(event);
    }
  }
  return events;
}

function contentOf({ userId, artistId, type, at, plays }: ListenerEvent): string {
  return [userId, artistId, type, at, plays].join('\t');
}

/** What the callers know, kept apart from all that is tested. */
function createTruth() {
  const acknowledged = new Map<string, Sent>();
  const unheard = new Set<string>();
  // Sent events are told apart by what they say, their times being their own; the id made for one comes with its answer.
  const content = (event: Sent): string =>
    [event['userId'], event['artistId'], event['type'], event['at'], event['plays'] ?? 1].join('\t');
  return {
    acknowledge: (event: Sent, id: string) => acknowledged.set(`${String(event['userId'])}\t${id}`, event),
    sendUnheard: (event: Sent) => unheard.add(content(event)),
    acknowledged: () => acknowledged.size,
    unheard: () => unheard.size,
    compare: (drained: readonly ListenerEvent[]): readonly string[] => {
      const found: string[] = [];
      const seen = new Set<string>();
      const plays = new Map<string, number>();
      for (const event of drained) {
        const key = `${event.userId}\t${event.id}`;
        if (seen.has(key)) found.push(`${key} is there twice`);
        seen.add(key);
        const sent = acknowledged.get(key);
        if (JSON.stringify(event).includes('broken')) found.push(`${key} was refused and is there`);
        if (sent === undefined) {
          if (!unheard.has(contentOf(event))) found.push(`${key} was never sent`);
          continue;
        }
        if (content(sent) !== contentOf(event)) found.push(`${key} says ${contentOf(event)}`);
        const pair = `${event.userId}\t${event.artistId}`;
        if (event.type === 'play') plays.set(pair, (plays.get(pair) ?? 0) + event.plays);
      }
      for (const key of acknowledged.keys())
        if (!seen.has(key)) found.push(`${key} was acknowledged and is lost`);
      const expected = new Map<string, number>();
      for (const event of acknowledged.values()) {
        if (event['type'] !== 'play') continue;
        const pair = `${String(event['userId'])}\t${String(event['artistId'])}`;
        expected.set(pair, (expected.get(pair) ?? 0) + Number(event['plays'] ?? 1));
      }
      for (const [pair, count] of expected) {
        if (plays.get(pair) !== count) found.push(`${pair} has ${plays.get(pair)} plays, not ${count}`);
      }
      if (plays.size !== expected.size) found.push(`${plays.size} pairs with plays, not ${expected.size}`);
      return found.slice(0, 20);
    },
  };
}
