import { METRICS } from './metrics.ts';
import type { Observability } from './observability.ts';

/** Counts and logs items of a table that could not be read and are left out: by a stand-in, as the key of an exposure names its listener. */
export function poisonedItemLog(observability: Observability): (key: string) => void {
  return (key) => {
    observability.count(METRICS.itemPoisoned);
    observability.warn('an item could not be read', { item: observability.pseudonym(key) });
  };
}
