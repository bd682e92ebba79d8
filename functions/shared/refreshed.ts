/** A value that is kept in memory and read anew behind the requests' backs. Times in milliseconds. */
export interface RefreshedOptions<Value> {
  /** Reads the value; `last` is the one in memory, to be given back where nothing has changed. */
  readonly read: (last: Value | null) => Promise<Value | null>;
  /** How old the value may be before it is read again, behind the request's back. */
  readonly freshMs: number;
  /** How soon a read that failed is tried again. */
  readonly retryMs: number;
  /**
   * How old it may be before a request waits for the read. Lambda freezes a process between requests, and a read with it: where
   * requests are rare, one that is only ever waited for in the background never ends.
   */
  readonly staleMs: number;
  /** How long a request waits for a read when there is a value to fall back on, and when there is none. */
  readonly warmPatienceMs: number;
  readonly coldPatienceMs: number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Told of every read that failed. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Keeps one value: stale while it revalidates.
 *
 * @returns Gives the newest value known, at once wherever there is one; `null` where none was ever read. Never rejects.
 */
export function createRefreshed<Value>(options: RefreshedOptions<Value>): () => Promise<Value | null> {
  const { read, freshMs, retryMs, staleMs, warmPatienceMs, coldPatienceMs, now, sleep, onFailure } = options;
  let value: Value | null = null;
  let refreshing: Promise<void> | null = null;
  let confirmedAt = -Infinity;
  let dueAt = -Infinity;

  async function refresh(): Promise<void> {
    try {
      value = await read(value);
      confirmedAt = now();
      dueAt = confirmedAt + freshMs;
    } catch (error) {
      dueAt = now() + retryMs;
      onFailure(error);
    } finally {
      refreshing = null;
    }
  }

  return async () => {
    if (refreshing === null && now() >= dueAt) refreshing = refresh();
    if (refreshing !== null && now() - confirmedAt >= staleMs) {
      await Promise.race([refreshing, sleep(value === null ? coldPatienceMs : warmPatienceMs)]);
    }
    return value;
  };
}
