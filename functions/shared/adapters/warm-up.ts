import type { CandidateStore } from '@encore/core/serve';

/**
 * Opens the connection to a store before the first request needs it, by a read that finds nothing: the name is looked up, TLS
 * agreed on, the first signature made and the SDK's code compiled, in the time that Lambda gives a process to start.
 *
 * Never rejects: a store that cannot be reached now will be asked again. It ends at the store's own deadline.
 */
export async function warmUp(store: Pick<CandidateStore, 'read'>): Promise<void> {
  await store.read('warm-up', 'none').catch(() => undefined);
}
