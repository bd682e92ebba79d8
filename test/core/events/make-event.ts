import type { ListenerEvent } from '../../../layers/core/src/ports.ts';

/** Noon of a day; events are given as milliseconds or more after it. */
export const NOON = Date.UTC(2026, 10, 24, 12);

let made = 0;

/** An event with an id of its own, received a second after it happened. */
export function makeEvent(
  given: Partial<ListenerEvent> & Pick<ListenerEvent, 'userId' | 'artistId'>,
): ListenerEvent {
  const at = given.at ?? NOON + made;
  return {
    // Padded: of two events of one time, the one made first is first.
    id: `event-${String(made++).padStart(6, '0')}`,
    type: 'play',
    at,
    receivedAt: at + 1_000,
    exposureId: null,
    plays: 1,
    ...given,
  };
}
