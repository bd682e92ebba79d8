/**
 * Runs a call for each number from 0 to `count` - 1, at most `limit` of them at once, and begins none after one has failed.
 *
 * Settled, not raced: no call is under way any more when the caller hears of a failure.
 *
 * @throws What the first call that failed rejected with.
 */
export async function inParallel(
  count: number,
  limit: number,
  run: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let stopped = false;
  const worker = async (): Promise<void> => {
    while (next < count && !stopped) {
      try {
        await run(next++);
      } catch (error) {
        stopped = true;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(limit, count) }, worker));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
