import { gunzip, gzip } from '../artifact/gzip.ts';
import { EncoreError } from '../errors.ts';
import { EVENT_TYPES, type EventType, type ListenerEvent } from '../ports.ts';

/** Below it lie the events drained so far, a file for each UTC day of `at`. */
export const EVENTS_PREFIX = 'events/dt=';

/** The key of a UTC day's events: `events/dt=2026-11-24/events.ndjson.gz`. */
export function partitionKey(day: string): string {
  return `${EVENTS_PREFIX}${day}/events.ndjson.gz`;
}

/** The day of a partition's key; `undefined` for any other key. */
export function dayOfPartition(key: string): string | undefined {
  const day = key.slice(EVENTS_PREFIX.length, EVENTS_PREFIX.length + 10);
  return /^\d{4}-\d{2}-\d{2}$/.test(day) && key === partitionKey(day) ? day : undefined;
}

/** The UTC day that holds a time: `2026-11-24`. */
export function utcDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** An event as a line of JSON, with its end; what is null, and plays of 1, are left out. */
export function eventLine(event: ListenerEvent): string {
  return `${JSON.stringify(lineOf(event))}\n`;
}

function lineOf({ id, userId, artistId, type, at, receivedAt, exposureId, plays }: ListenerEvent) {
  return {
    id,
    userId,
    artistId,
    type,
    at,
    receivedAt,
    ...(exposureId === null ? {} : { exposureId }),
    ...(plays === 1 ? {} : { plays }),
  };
}

/** Writes a partition: gzip over an {@link eventLine} for each, in the order given. */
export function encodePartition(events: readonly ListenerEvent[]): Promise<Uint8Array> {
  return gzip(new TextEncoder().encode(events.map(eventLine).join('')));
}

/**
 * Reads a partition.
 *
 * @param where - Its key, for the message.
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when it is not gzip, or a line is no event: nothing but a drain writes
 *   these files, and one that was rewritten without what could not be read would have lost it.
 */
export async function decodePartition(bytes: Uint8Array, where: string): Promise<readonly ListenerEvent[]> {
  const lines = new TextDecoder().decode(await gunzip(bytes)).split('\n');
  return lines.slice(0, -1).map((line, i) => {
    const event = parseLine(line);
    if (event !== undefined) return event;
    throw new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `${where} line ${i + 1} is no event: expected what a drain has written; restore the file, or remove it if its events may be lost`,
      { key: where, line: i + 1 },
    );
  });
}

function parseLine(line: string): ListenerEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? eventOf({ ...value }) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * An event out of what a store gave back; `undefined` where that is none.
 *
 * @param fields - `exposureId` may be missing for null, `plays` for 1.
 */
export function eventOf(fields: Readonly<Record<string, unknown>>): ListenerEvent | undefined {
  const { id, userId, artistId, type, at, receivedAt, exposureId = null, plays = 1 } = fields;
  if (!isId(id) || !isId(userId) || !isId(artistId) || !(exposureId === null || isId(exposureId))) {
    return undefined;
  }
  if (!isEventType(type) || !isTime(at) || !isTime(receivedAt)) return undefined;
  if (typeof plays !== 'number' || !Number.isSafeInteger(plays) || plays < 1) return undefined;
  return { id, userId, artistId, type, at, receivedAt, exposureId, plays };
}

const isId = (value: unknown): value is string => typeof value === 'string' && value !== '';

function isEventType(value: unknown): value is EventType {
  return EVENT_TYPES.some((type) => type === value);
}

/** The last millisecond that `Date` knows. */
const LATEST_MS = 8.64e15;

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LATEST_MS;
}
