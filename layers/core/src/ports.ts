import type { ExperimentRevision } from './experiment/assign-variant.ts';

/**
 * What core needs of the outside, as small interfaces. Adapters in `functions/shared/adapters` implement them over AWS,
 * over folders and in memory; one contract suite per port runs against every implementation.
 *
 * Every method may reject with an `EncoreError` of code `STORE_UNAVAILABLE` (cause kept) when the store cannot be
 * reached or refuses for a reason that is not part of the contract. No SDK type crosses a port.
 */

/** Bytes under keys: model versions, the pointer to the current one, events drained for training (S3, or a folder). */
export interface ModelStore {
  /**
   * Reads an object, whole or the bytes [start, end).
   *
   * @returns The bytes and the entity tag to condition a later write on; `undefined` where there is no such object.
   */
  get(
    key: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<StoredObject | undefined>;
  /** Writes an object, replacing what was there. */
  put(key: string, body: Uint8Array): Promise<void>;
  /**
   * Writes an object only if its entity tag is still `etag`, or only if there is none (`etag` null).
   *
   * @returns Whether it was written. A rejection means that the outcome is unknown: read back.
   */
  putIf(key: string, body: Uint8Array, etag: string | null): Promise<boolean>;
  /** The keys that start with `prefix`, ascending. */
  list(prefix: string): Promise<readonly string[]>;
  /** Deletes objects, in any order; keys without one are passed over. Safe to repeat. */
  delete(keys: readonly string[]): Promise<void>;
}

export interface StoredObject {
  readonly body: Uint8Array;
  readonly etag: string;
}

/** Each listener's packed candidates of one model version (DynamoDB). */
export interface CandidateStore {
  /**
   * Writes the records given; safe to repeat. Stops early, having lost nothing, once `deadlineMs` (epoch) has passed.
   *
   * @returns How many of the records, from the first on, are certainly stored.
   */
  write(
    modelVersion: string,
    records: readonly CandidateEntry[],
    options: {
      readonly expiresAtMs: number;
      readonly deadlineMs?: number;
      /** Told of every batch that is stored: how many records more. */
      readonly onWritten?: (count: number) => void;
    },
  ): Promise<number>;
  /** The packed record, or `undefined` where this version has none for the listener. */
  read(userId: string, modelVersion: string): Promise<Uint8Array | undefined>;
}

export interface CandidateEntry {
  readonly userId: string;
  readonly record: Uint8Array;
}

/** One list that was served, with the assignment that chose how it was made. */
export interface Exposure {
  readonly exposureId: string;
  readonly userId: string;
  /** Epoch milliseconds at which the list was made. */
  readonly at: number;
  readonly modelVersion: string | null;
  readonly policy: Policy;
  /** `null` where the listener is in no experiment. */
  readonly experiment: string | null;
  readonly revision: number | null;
  readonly variant: string | null;
  /** Whether somebody asked for this variant (QA): such an exposure is no evidence of the experiment. */
  readonly forced: boolean;
  /** Probability, in (0, 1], with which the listener got this variant; 1 without an experiment, and where it was forced. */
  readonly propensity: number;
  /** What ranked, which is `lr` where the model lacks the variant's ranker; `null` where nothing did. */
  readonly ranker: string | null;
  /** Artist ids in the order shown. */
  readonly artistIds: readonly string[];
  /** Position of the first artist: 1, or more on a later page. */
  readonly firstRank: number;
  /**
   * Of an interleaved list, one digit for each artist: the number of the variant whose ranker contributed it, or `-` for an
   * artist that counts for none; `null` for any other list.
   */
  readonly teams: string | null;
  /** Hash of the features that the ranker saw, hexadecimal. */
  readonly featuresHash: string;
}

/** What made a list. A variant names a ranker, never a policy. */
export type Policy = 'personal' | 'fold-in' | 'popular' | 'none';

/** The log of what was served (DynamoDB). */
export interface ExposureLog {
  /** Resolves once the exposure is stored. */
  append(exposure: Exposure): Promise<void>;
}

/** Exposures as a read-out or an erasure needs them. */
export interface ExposureArchive {
  /** The exposures of a UTC day (`2026-11-24`), in pages and in any order. */
  ofDay(day: string): AsyncIterable<readonly Exposure[]>;
  /**
   * Forgets a listener's exposures of these UTC days; safe to repeat.
   *
   * @returns How many there were.
   */
  erase(userId: string, days: readonly string[]): Promise<number>;
}

export const EVENT_TYPES = ['play', 'click', 'like', 'dislike', 'skip'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Something a listener did with an artist. */
export interface ListenerEvent {
  /** Idempotency key, given by the caller or made of user, artist, type and time. */
  readonly id: string;
  readonly userId: string;
  readonly artistId: string;
  readonly type: EventType;
  /** Epoch milliseconds at which it happened, by the caller's clock. */
  readonly at: number;
  /** Epoch milliseconds at which it was first accepted, by ours. */
  readonly receivedAt: number;
  /** The list that it answers to; `null` where the caller named none. */
  readonly exposureId: string | null;
  /** How many plays it stands for, an integer >= 1; 1 for anything but a play. */
  readonly plays: number;
}

/** What listeners did since (DynamoDB). */
export interface EventLog {
  /**
   * Stores each event, unless one of the same listener, time and id is there: that one stays as it is. Safe to repeat.
   *
   * @param events - Distinct in (userId, at, id).
   * @returns For each event, in order, whether it was new. Resolves only once all of them are stored.
   */
  append(events: readonly ListenerEvent[]): Promise<readonly ('stored' | 'duplicate')[]>;
  /** A listener's newest events by `at`, newest first, at most `limit`; strongly consistent with `append`. */
  recent(userId: string, limit: number): Promise<readonly ListenerEvent[]>;
  /**
   * The events whose `at` lies in a UTC day, in pages and in any order. What cannot be read as an event is left out and
   * given to `onPoison`, if there is one, by its key.
   */
  ofDay(day: string, onPoison?: (key: string) => void): AsyncIterable<readonly ListenerEvent[]>;
  /**
   * Forgets everything of a listener; safe to repeat.
   *
   * @returns How many events there were.
   */
  erase(userId: string): Promise<number>;
}

/** Forgets a listener's candidates of all versions (DynamoDB). */
export interface CandidateEraser {
  /** @returns How many records there were. */
  erase(userId: string): Promise<number>;
}

/** Experiments, every revision of them (DynamoDB). */
export interface ExperimentStore {
  /** The newest revision of each experiment, by key. */
  list(): Promise<readonly ExperimentRevision[]>;
  /** All revisions of an experiment, oldest first; none where there is no such experiment. */
  revisions(key: string): Promise<readonly ExperimentRevision[]>;
  /** Adds a revision; `false` where the experiment has one of this number already. */
  add(revision: ExperimentRevision): Promise<boolean>;
}

/** Who asked to be forgotten: keyed hashes of listeners' ids, see `listenerHash` (DynamoDB). */
export interface TombstoneStore {
  /** Remembers that a listener was erased at a time (epoch milliseconds); a later time replaces an earlier one. */
  add(listenerHash: string, erasedAt: number): Promise<void>;
  /** All of them: hash → time of erasure, epoch milliseconds. */
  list(): Promise<ReadonlyMap<string, number>>;
}

/** Issues fences to whoever moves the pointer without training. */
export interface FenceIssuer {
  /** A number greater than every fence issued before, by this or by `LeaseStore.acquire`; the lease stays with its holder. */
  issueFence(): Promise<number>;
}

/** Hands out the right to train, one holder at a time, with a number that only ever grows. */
export interface LeaseStore {
  /**
   * Takes the lease if it is free, expired, or already this holder's.
   *
   * @returns The fence: greater than every fence issued before. `undefined` while somebody else holds the lease.
   */
  acquire(holder: string, nowMs: number, ttlMs: number): Promise<{ readonly fence: number } | undefined>;
  /** Gives the lease back; does nothing where the holder no longer has it. */
  release(holder: string): Promise<void>;
}

/**
 * A pure function that may run on another thread. Input and output survive structured cloning: plain data and
 * typed arrays. A thread finds it by name among `tasks` of `@encore/core/train`.
 */
export interface Task<Input, Output> {
  readonly name: string;
  readonly run: (input: Input, advance: (units: number) => void) => Output;
}

/**
 * Runs a task over inputs, on as many threads as there are to spare.
 *
 * Results come back in the order of the inputs and may not depend on the number of threads.
 */
export type ParallelMap = <Input, Output>(
  task: Task<Input, Output>,
  inputs: readonly Input[],
  onAdvance: (units: number) => void,
) => Promise<Output[]>;

/** Where training says how far it is. */
export interface Progress {
  /** Begins a step of `total` units, ending the one before it. */
  step(name: string, total: number): ProgressStep;
}

export interface ProgressStep {
  advance(units: number): void;
  end(): void;
}
