import { EncoreError, isEncoreError } from '@encore/core/serve';

/** Where a call goes and how long it may take, retries included. */
export interface StoreCall {
  /** The store and its table or bucket, for the message: `dynamodb table encore-candidates`. */
  readonly store: string;
  readonly operation: string;
  readonly deadlineMs: number;
}

/**
 * Makes one SDK call under a total deadline and translates what it throws.
 *
 * The SDK's own timeouts bound one attempt each, and an abort signal ends the attempt that is under way but neither the wait
 * before the next one nor a look-up of a name. So the deadline ends the wait here, whatever the SDK is doing, and aborts what
 * can be aborted. Its timer is taken back where the answer came first: `AbortSignal.timeout` would let each call's run out and make
 * an error of it.
 *
 * @throws {@link EncoreError} `STORE_UNAVAILABLE` with the SDK's error as `cause`. `details.outcome` is `refused`
 *   where the store certainly did nothing, `unknown` where it may have done it and the answer was lost.
 */
export function callStore<Output>(
  call: StoreCall,
  run: (options: { readonly abortSignal: AbortSignal }) => Promise<Output>,
): Promise<Output> {
  const { promise, resolve, reject } = Promise.withResolvers<Output>();
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    const late = new Error(`no answer within ${call.deadlineMs} ms`);
    late.name = 'TimeoutError';
    reject(storeUnavailable(call, late));
    deadline.abort(late);
  }, call.deadlineMs);
  run({ abortSignal: deadline.signal })
    .finally(() => clearTimeout(timer))
    .then(resolve, (error: unknown) => reject(storeUnavailable(call, error)));
  return promise;
}

/** An error of the SDK as Encore's own; one that already is passes through. */
export function storeUnavailable(call: StoreCall, error: unknown): EncoreError {
  if (isEncoreError(error)) return error;
  const { name, status, attempts } = describeSdkError(error);
  const refused = status !== undefined && status >= 400 && status < 500 && attempts === 1;
  return new EncoreError(
    'STORE_UNAVAILABLE',
    `${call.operation} on ${call.store} failed with ${name}${status === undefined ? '' : ` (${status})`} after ${attempts} attempt${attempts === 1 ? '' : 's'}`,
    {
      store: call.store,
      operation: call.operation,
      error: name,
      status,
      attempts,
      outcome: refused ? 'refused' : 'unknown',
    },
    { cause: error },
  );
}

/** What an SDK error says of itself, without trusting its class. */
export function describeSdkError(error: unknown): {
  readonly name: string;
  readonly status: number | undefined;
  readonly attempts: number;
} {
  if (!(error instanceof Error)) return { name: typeof error, status: undefined, attempts: 1 };
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  return {
    name: error.name,
    status: numberField(metadata, 'httpStatusCode'),
    attempts: numberField(metadata, 'attempts') ?? 1,
  };
}

function numberField(value: unknown, field: string): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, field);
  return typeof found === 'number' ? found : undefined;
}
