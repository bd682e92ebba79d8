import { within } from './within.ts';

/** The time that one request has, from its start on. */
export interface Budget {
  /**
   * Waits for a call at most until `reserveMs` before the end of the budget, and does not wait where that is past.
   *
   * @throws EncoreError `STORE_UNAVAILABLE` with outcome `unknown` when time is up; what the call throws before.
   */
  within<T>(call: Promise<T>, reserveMs: number, operation: string): Promise<T>;
  /** Milliseconds since its start. */
  elapsedMs(): number;
}

/**
 * Bounds what a request waits for, whatever its calls do: their own deadlines are per call, and a call that ignores them must
 * not be felt.
 *
 * @param totalMs - From now on.
 */
export function startBudget(totalMs: number): Budget {
  const startedAt = performance.now();
  const endsAt = startedAt + totalMs;
  return {
    within: (call, reserveMs, operation) =>
      within(Math.max(0, endsAt - reserveMs - performance.now()), operation, call),
    elapsedMs: () => performance.now() - startedAt,
  };
}
