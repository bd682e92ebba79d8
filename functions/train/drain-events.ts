import {
  dayOfPartition,
  decodePartition,
  encodePartition,
  eventLine,
  EVENTS_PREFIX,
  firstReceived,
  partitionKey,
  utcDay,
  type EventLog,
  type ListenerEvent,
  type ModelStore,
} from '@encore/core/train';

import { EVENTS_TTL_DAYS } from '../shared/tables.ts';
import { contended, putUnlessChanged, type Erased } from './erasures.ts';

/** Says when the last drain that ended began; written last. */
const DRAINED_KEY = 'events/drained.json';
const DAY_MS = 86_400_000;
/**
 * Days before the last drain whose partitions may still grow: events are accepted for 7 days after they happened, and one more for
 * clocks that differ, answers under way and an index that trails its table.
 */
const DAYS_BACK = 8;
const ATTEMPTS = 5;

/** What a drain works with. */
export interface DrainPorts {
  readonly eventLog: Pick<EventLog, 'ofDay'>;
  readonly modelStore: ModelStore;
  readonly erased: Erased;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** Told of every item that could not be read as an event, by its key, which names the listener. */
  readonly onPoison: (key: string) => void;
}

/** What a drain found. */
export interface Drained {
  /** All events that were ever drained and belong to nobody who was erased since, by day, then in the order of their receipt. */
  readonly events: readonly ListenerEvent[];
  /** Listeners of whom events were dropped because they were erased. */
  readonly erasedListeners: ReadonlySet<string>;
  readonly report: {
    /** Days whose events were asked for. */
    readonly daysRead: number;
    readonly partitionsWritten: number;
    /** Events that no partition had before. */
    readonly newEvents: number;
    /** Events taken out of partitions because their listener was erased after them. */
    readonly erasedEvents: number;
    /** Items that could not be read. */
    readonly poisoned: number;
  };
}

/**
 * Brings the offline store up to what listeners did: `events/dt=<UTC day of at>/events.ndjson.gz`, each partition whole, without
 * duplicates and in the order of receipt.
 *
 * Read are the days to which events may have come since the last drain ({@link DAYS_BACK} days before it, up to tomorrow), all
 * days that the table still has on the first. A partition becomes the union of what it held and of what the log has: the
 * log's index trails its table and forgets what expired, so that what is missing there says nothing. Only an erasure takes events away,
 * from every partition there is, those received up to its time. A partition that would not change is not written.
 *
 * Safe to repeat and to kill: each partition is replaced in one write, conditional on what the union was made of, and the time of the
 * drain is written last. Of the log and the partitions one day at a time is in memory; what is returned is all.
 *
 * @param options.deadlineMs - No day begins after it, epoch milliseconds.
 * @returns `null` when the deadline came first.
 * @throws EncoreError `STORE_UNAVAILABLE`; `ARTIFACT_INCOMPATIBLE` when a partition is damaged.
 */
export async function drainEvents(
  ports: DrainPorts,
  options: { readonly deadlineMs?: number } = {},
): Promise<Drained | null> {
  const { modelStore, erased, clock, eventLog } = ports;
  const { deadlineMs = Infinity } = options;
  const startedAt = clock();
  const read = new Set(await daysToRead(modelStore, startedAt));
  const stored = (await modelStore.list(EVENTS_PREFIX)).flatMap((key) => dayOfPartition(key) ?? []);
  const events: ListenerEvent[] = [];
  const erasedListeners = new Set<string>();
  const report = { daysRead: read.size, partitionsWritten: 0, newEvents: 0, erasedEvents: 0, poisoned: 0 };
  const isErased = ({ userId, receivedAt }: ListenerEvent): boolean => receivedAt <= (erased(userId) ?? -1);

  for (const day of [...new Set([...stored, ...read])].toSorted()) {
    if (clock() >= deadlineMs) return null;
    const fresh: ListenerEvent[] = [];
    if (read.has(day)) {
      const onPoison = (key: string): void => {
        report.poisoned++;
        ports.onPoison(key);
      };
      for await (const page of eventLog.ofDay(day, onPoison)) addAll(fresh, page);
    }
    const partition = await unite(modelStore, day, { fresh, isErased });
    addAll(events, partition.events);
    report.partitionsWritten += partition.written ? 1 : 0;
    report.newEvents += partition.newEvents;
    report.erasedEvents += partition.erasedEvents;
    for (const userId of partition.erasedListeners) erasedListeners.add(userId);
  }
  const body = new TextEncoder().encode(
    `${JSON.stringify({ drainedAt: new Date(startedAt).toISOString() })}\n`,
  );
  await modelStore.put(DRAINED_KEY, body);
  return { events, erasedListeners, report };
}

/**
 * When the last drain began, epoch milliseconds; `null` before the first, or where its record cannot be read: then everything is read.
 */
async function lastDrain(store: ModelStore): Promise<number | null> {
  const found = await store.get(DRAINED_KEY);
  if (found === undefined) return null;
  try {
    const record: unknown = JSON.parse(new TextDecoder().decode(found.body));
    const time = typeof record === 'object' && record !== null ? Reflect.get(record, 'drainedAt') : null;
    const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
    return Number.isNaN(at) ? null : at;
  } catch {
    return null;
  }
}

/** The UTC days to ask the log for. */
async function daysToRead(store: ModelStore, nowMs: number): Promise<readonly string[]> {
  const last = await lastDrain(store);
  // An event stays for its days in the table after receipt, and may have been days old by then.
  const earliest = nowMs - (EVENTS_TTL_DAYS + DAYS_BACK) * DAY_MS;
  const from = Math.max(earliest, Math.min(last ?? earliest, nowMs) - DAYS_BACK * DAY_MS);
  const days: string[] = [];
  for (let at = from; at < nowMs + 2 * DAY_MS; at += DAY_MS) {
    const day = utcDay(at);
    days.push(day);
    if (day === utcDay(nowMs + DAY_MS)) break;
  }
  return days;
}

/**
 * How many events were received since the last drain: they wait for the next training.
 */
export async function countWaitingEvents({
  eventLog,
  modelStore,
  clock,
}: Pick<DrainPorts, 'eventLog' | 'modelStore' | 'clock'>): Promise<number> {
  const last = await lastDrain(modelStore);
  let count = 0;
  for (const day of await daysToRead(modelStore, clock())) {
    for await (const page of eventLog.ofDay(day)) {
      count += page.filter(({ receivedAt }) => receivedAt >= (last ?? 0)).length;
    }
  }
  return count;
}

/** Appends one after the other: as arguments of one call a busy day's events would be more than a stack holds. */
function addAll<Item>(list: Item[], items: readonly Item[]): void {
  for (const item of items) list.push(item);
}

/** Whether two lists of events would be written as the same lines. */
function areSame(a: readonly ListenerEvent[], b: readonly ListenerEvent[]): boolean {
  return a.length === b.length && a.every((event, i) => eventLine(event) === eventLine(b[i]!));
}

/** Replaces one partition by its union with what is fresh, less what was erased. */
async function unite(
  store: ModelStore,
  day: string,
  {
    fresh,
    isErased,
  }: { readonly fresh: readonly ListenerEvent[]; readonly isErased: (event: ListenerEvent) => boolean },
) {
  const key = partitionKey(day);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const found = await store.get(key);
    const before = found === undefined ? [] : await decodePartition(found.body, key);
    const kept = before.filter((event) => !isErased(event));
    // Before duplicates are dropped: what somebody sent again after their erasure is new.
    const events = firstReceived([...kept, ...fresh.filter((event) => !isErased(event))]);
    const outcome = {
      events,
      erasedListeners: [...before, ...fresh].filter(isErased).map(({ userId }) => userId),
      erasedEvents: before.length - kept.length,
      newEvents: events.length - kept.length,
      written: false,
    };
    if (areSame(events, before)) return outcome;
    const body = await encodePartition(events);
    if (await putUnlessChanged(store, key, { body, etag: found?.etag ?? null })) {
      return { ...outcome, written: true };
    }
  }
  throw contended(key);
}
