import { createHash } from 'node:crypto';
import {
  firstReceived,
  utcDay,
  type CandidateEraser,
  type CandidateStore,
  type EventLog,
  type ExperimentRevision,
  type ExperimentStore,
  type Exposure,
  type ExposureArchive,
  type ExposureLog,
  type FenceIssuer,
  type LeaseStore,
  type ListenerEvent,
  type ModelStore,
  type TombstoneStore,
} from '@encore/core/serve';

/** A model store that lives and dies with the process: for tests, and for runs that keep nothing. */
export function createMemoryModelStore(): ModelStore {
  const objects = new Map<string, { readonly body: Uint8Array; readonly etag: string }>();
  const write = (key: string, body: Uint8Array): void => {
    const copy = body.slice();
    objects.set(key, { body: copy, etag: createHash('sha256').update(copy).digest('hex') });
  };
  return {
    get: async (key, range) => {
      const object = objects.get(key);
      if (object === undefined) return undefined;
      const { body, etag } = object;
      return { body: range === undefined ? body.slice() : body.slice(range.start, range.end), etag };
    },
    put: async (key, body) => write(key, body),
    putIf: async (key, body, etag) => {
      if ((objects.get(key)?.etag ?? null) !== etag) return false;
      write(key, body);
      return true;
    },
    list: async (prefix) =>
      Array.from(objects.keys())
        .filter((key) => key.startsWith(prefix))
        .toSorted(),
    delete: async (keys) => {
      for (const key of keys) objects.delete(key);
    },
  };
}

/**
 * A candidate store that lives and dies with the process. Expiry times are not acted on.
 *
 * @param options - `clock`: epoch milliseconds, for deadlines.
 */
export function createMemoryCandidateStore(
  options: { readonly clock?: () => number } = {},
): CandidateStore & CandidateEraser {
  const { clock = Date.now } = options;
  const versions = new Map<string, Map<string, Uint8Array>>();
  return {
    write: async (modelVersion, records, { deadlineMs, onWritten }) => {
      const version = versions.get(modelVersion) ?? new Map<string, Uint8Array>();
      versions.set(modelVersion, version);
      let count = 0;
      for (const { userId, record } of records) {
        if (deadlineMs !== undefined && clock() >= deadlineMs) break;
        version.set(userId, record.slice());
        count++;
      }
      onWritten?.(count);
      return count;
    },
    read: async (userId, modelVersion) => versions.get(modelVersion)?.get(userId)?.slice(),
    erase: async (userId) => Array.from(versions.values()).filter((version) => version.delete(userId)).length,
  };
}

/** An exposure log that lives and dies with the process. */
export interface MemoryExposureLog extends ExposureLog, ExposureArchive {
  /** What was appended, oldest first; an exposure that was appended again keeps its place. */
  readonly exposures: () => readonly Exposure[];
}

/** Keeps exposures in memory, one per listener and exposure id. */
export function createMemoryExposureLog(): MemoryExposureLog {
  const exposures = new Map<string, Exposure>();
  return {
    append: async (exposure) => {
      exposures.set(JSON.stringify([exposure.userId, exposure.exposureId]), structuredClone(exposure));
    },
    exposures: () => Array.from(exposures.values()),
    ofDay: async function* (day) {
      const page = Array.from(exposures.values()).filter(({ at }) => utcDay(at) === day);
      if (page.length > 0) yield page;
    },
    erase: async (userId, days) => {
      const own = Array.from(exposures).filter(
        ([, exposure]) => exposure.userId === userId && days.includes(utcDay(exposure.at)),
      );
      for (const [key] of own) exposures.delete(key);
      return own.length;
    },
  };
}

/**
 * Experiments that live and die with the process.
 *
 * @param initial - Revisions that are there from the start.
 */
export function createMemoryExperimentStore(initial: readonly ExperimentRevision[] = []): ExperimentStore {
  const experiments = new Map<string, Map<number, ExperimentRevision>>();
  const add = (revision: ExperimentRevision): boolean => {
    const own = experiments.get(revision.key) ?? new Map<number, ExperimentRevision>();
    if (own.has(revision.revision)) return false;
    experiments.set(revision.key, own.set(revision.revision, structuredClone(revision)));
    return true;
  };
  for (const revision of initial) add(revision);
  return {
    list: async () =>
      Array.from(experiments.values())
        .flatMap((own) => oldestFirst(own).slice(-1))
        .toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    revisions: async (key) => oldestFirst(experiments.get(key)),
    add: async (revision) => add(revision),
  };
}

function oldestFirst(
  own: ReadonlyMap<number, ExperimentRevision> | undefined,
): readonly ExperimentRevision[] {
  return Array.from(own?.values() ?? [])
    .toSorted((a, b) => a.revision - b.revision)
    .map((revision) => structuredClone(revision));
}

/** What listeners did, as long as the process lives; no event expires. */
export function createMemoryEventLog(): EventLog {
  const listeners = new Map<string, Map<string, ListenerEvent>>();
  return {
    append: async (events) =>
      events.map((event) => {
        const own = listeners.get(event.userId) ?? new Map<string, ListenerEvent>();
        listeners.set(event.userId, own);
        const key = `${event.at}#${event.id}`;
        if (own.has(key)) return 'duplicate';
        own.set(key, { ...event });
        return 'stored';
      }),
    recent: async (userId, limit) => {
      const newest = Array.from(listeners.get(userId)?.values() ?? []).toSorted(newestFirst);
      return firstReceived(newest.slice(0, limit)).toSorted(newestFirst);
    },
    ofDay: async function* (day) {
      for (const own of listeners.values()) {
        const events = Array.from(own.values()).filter(({ at }) => utcDay(at) === day);
        if (events.length > 0) yield events;
      }
    },
    erase: async (userId) => {
      const count = listeners.get(userId)?.size ?? 0;
      listeners.delete(userId);
      return count;
    },
  };
}

function newestFirst(a: ListenerEvent, b: ListenerEvent): number {
  return b.at - a.at || (a.id < b.id ? 1 : -1);
}

/** A lease that one process hands out to itself. */
export function createMemoryLeaseStore(): LeaseStore & FenceIssuer {
  let fence = 0;
  let held: { readonly holder: string; readonly expiresAtMs: number } | null = null;
  return {
    acquire: async (holder, nowMs, ttlMs) => {
      if (held !== null && held.holder !== holder && nowMs < held.expiresAtMs) return undefined;
      held = { holder, expiresAtMs: nowMs + ttlMs };
      return { fence: ++fence };
    },
    release: async (holder) => {
      if (held?.holder === holder) held = null;
    },
    issueFence: async () => ++fence,
  };
}

/** Tombstones that live and die with the process. */
export function createMemoryTombstoneStore(): TombstoneStore {
  const tombstones = new Map<string, number>();
  return {
    add: async (listenerHash, erasedAt) => {
      tombstones.set(listenerHash, Math.max(erasedAt, tombstones.get(listenerHash) ?? -Infinity));
    },
    list: async () => new Map(tombstones),
  };
}
