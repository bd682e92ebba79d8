import { EncoreError } from '@encore/core/serve';

/** The time that one request has, from its start on. */
export interface Budget {
  /**
   * Waits for a call at most until `reserveMs` before the end of the budget, and does not wait where that is past.
   *
   * @throws {@link EncoreError} `STORE_UNAVAILABLE` with outcome `unknown` when time is up; what the call throws before.
   */
  within<T>(call: Promise<T>, reserveMs: number, operation: string): Promise<T>;
}

/**
 * Bounds what a request waits for, whatever its calls do: their own deadlines are per call, and a call that ignores them must
 * not be felt.
 *
 * @param totalMs - From now on.
 */
export function startBudget(totalMs: number): Budget {
  const startedAt = performance.now();
  return {
    within: async (call, reserveMs, operation) => {
      const leftMs = startedAt + totalMs - reserveMs - performance.now();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => {
            reject(
              new EncoreError('STORE_UNAVAILABLE', `${operation} did not end in time`, {
                operation,
                outcome: 'unknown',
              }),
            );
          },
          Math.max(0, leftMs),
        );
      });
      try {
        return await Promise.race([call, late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
