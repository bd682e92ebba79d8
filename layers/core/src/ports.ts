/**
 * What core needs of the outside, as small interfaces. Adapters in `functions/shared/adapters` implement them over AWS,
 * over folders and in memory; one contract suite per port runs against every implementation.
 *
 * Every method may reject with an `EncoreError` of code `STORE_UNAVAILABLE` (cause kept) when the store cannot be
 * reached or refuses for a reason that is not part of the contract. No SDK type crosses a port.
 */

/** Bytes under keys: model versions and the pointer to the current one (S3, or a folder). */
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
  /** Probability, in (0, 1], with which the listener got this variant; 1 without an experiment. */
  readonly propensity: number;
  /** Artist ids in the order shown; the position of the first is 1. */
  readonly artistIds: readonly string[];
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
