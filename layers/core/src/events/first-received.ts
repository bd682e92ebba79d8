import type { ListenerEvent } from '../ports.ts';

/**
 * Keeps, of the events that share listener and id, the one that was received first.
 *
 * The stores key an event by listener, time and id, so the same id sent again with another time makes a second item. Whoever
 * reads events reads them through this; nothing is counted twice.
 *
 * @returns In the order of receipt; ties by listener, id and time.
 */
export function firstReceived(events: Iterable<ListenerEvent>): readonly ListenerEvent[] {
  const first = new Map<string, ListenerEvent>();
  for (const event of events) {
    const key = eventKey(event);
    const known = first.get(key);
    if (known === undefined || compareReceived(event, known) < 0) first.set(key, event);
  }
  return Array.from(first.values()).toSorted(compareReceived);
}

/** What makes an event one event: listener and id. (No id holds a tab, see the requests' fields.) */
export function eventKey({ userId, id }: Pick<ListenerEvent, 'userId' | 'id'>): string {
  return `${userId}\t${id}`;
}

/** The order in which events were received; ties by listener, id and time, so that any order of reading gives one order. */
function compareReceived(a: ListenerEvent, b: ListenerEvent): number {
  return (
    a.receivedAt - b.receivedAt || compareText(a.userId, b.userId) || compareText(a.id, b.id) || a.at - b.at
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
