import { useState } from 'preact/hooks';

/** By whose list it is, for as long as the page is open: views come and go. */
const kept = new Map<string, ReadonlySet<string>>();

/**
 * Artists that a listener has put away where nothing is stored from them, so that the page itself has to remember.
 *
 * @param listenerId - Another one needs another component: give it a key.
 */
export function useHidden(listenerId: string): readonly [ReadonlySet<string>, (artistId: string) => void] {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(() => kept.get(listenerId) ?? new Set());
  const hide = (artistId: string): void => {
    const next = new Set([...(kept.get(listenerId) ?? []), artistId]);
    kept.set(listenerId, next);
    setHidden(next);
  };
  return [hidden, hide];
}
