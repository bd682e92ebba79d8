import { EncoreError, isEncoreError } from '../errors.ts';
import type { CandidateStore, ModelStore } from '../ports.ts';

/** What publishing needs of the outside. */
export interface PublishPorts {
  readonly modelStore: ModelStore;
  readonly candidateStore: CandidateStore;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Uniform in [0, 1): spreads retries, decides nothing. */
  readonly random: () => number;
}

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/**
 * Waits before an attempt: a random part of 100 ms, doubled with each attempt, at most 5 s.
 *
 * @param attempt - 1 for the first repetition.
 * @see Marc Brooker, "Exponential Backoff And Jitter" (full jitter).
 */
export function pause({ sleep, random }: PublishPorts, attempt: number): Promise<void> {
  return sleep(random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt));
}

/**
 * Repeats what is safe to repeat while the store is unavailable.
 *
 * @param what - What is done, for the message: "write models/…".
 * @throws {@link EncoreError} `PUBLISH_FAILED`, the last error as its cause, after 5 attempts. Any error but
 *   `STORE_UNAVAILABLE` is passed on at once.
 */
export async function retrying<T>(ports: PublishPorts, what: string, run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!isEncoreError(error) || error.code !== 'STORE_UNAVAILABLE') throw error;
      if (attempt === ATTEMPTS) {
        throw new EncoreError(
          'PUBLISH_FAILED',
          `could not ${what} in ${ATTEMPTS} attempts: ${error.message}`,
          { what, attempts: ATTEMPTS },
          { cause: error },
        );
      }
      await pause(ports, attempt);
    }
  }
}
