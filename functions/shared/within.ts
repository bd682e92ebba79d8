import { setTimeout as sleep } from 'node:timers/promises';
import { EncoreError } from '@encore/core/serve';

/**
 * Waits for work, but not forever. The work goes on: it must have a deadline of its own, or do no harm late.
 *
 * @throws EncoreError `STORE_UNAVAILABLE` once `ms` milliseconds have passed.
 */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).then(() => {
    throw new EncoreError('STORE_UNAVAILABLE', `${what} took more than ${ms} ms`, { what, ms });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
    work.catch(() => undefined);
  }
}
