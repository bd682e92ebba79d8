import { EncoreError } from '@encore/core/serve';

/**
 * Waits for work, but not forever. The work goes on: it must have a deadline of its own, or do no harm late. Work that is done
 * already is taken however little time there is.
 *
 * @throws EncoreError `STORE_UNAVAILABLE` with outcome `unknown` once `ms` milliseconds have passed.
 */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const rounded = Math.round(ms);
      reject(
        new EncoreError('STORE_UNAVAILABLE', `${what} took more than ${rounded} ms`, {
          what,
          ms: rounded,
          outcome: 'unknown',
        }),
      );
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // Nobody waits for it any longer.
    work.catch(() => undefined);
  }
}
