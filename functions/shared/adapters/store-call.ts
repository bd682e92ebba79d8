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
 * The SDK's own timeouts bound one attempt each; only an abort signal bounds all of them together.
 *
 * @throws {@link EncoreError} `STORE_UNAVAILABLE` with the SDK's error as `cause`. `details.outcome` is `refused`
 *   where the store certainly did nothing, `unknown` where it may have done it and the answer was lost.
 */
export async function callStore<Output>(
  call: StoreCall,
  run: (options: { readonly abortSignal: AbortSignal }) => Promise<Output>,
): Promise<Output> {
  try {
    return await run({ abortSignal: AbortSignal.timeout(call.deadlineMs) });
  } catch (error) {
    throw storeUnavailable(call, error);
  }
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
