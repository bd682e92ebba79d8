import { describe, expect, it } from 'vitest';
import type { EventLog, ListenerEvent } from '../../../layers/core/src/ports.ts';

const AT = Date.UTC(2026, 10, 24, 20, 15, 0, 123);
const DAY_MS = 86_400_000;

const event: ListenerEvent = {
  id: 'b0a9',
  userId: '51',
  artistId: '289',
  type: 'play',
  at: AT,
  receivedAt: AT + 2_000,
  exposureId: 'e-1',
  plays: 3,
};

async function ofDay(log: EventLog, day: string): Promise<readonly ListenerEvent[]> {
  const events: ListenerEvent[] = [];
  for await (const page of log.ofDay(day)) events.push(...page);
  return events.toSorted((a, b) => a.at - b.at || (a.userId + a.id < b.userId + b.id ? -1 : 1));
}

/**
 * What every {@link EventLog} keeps.
 *
 * @param make - A log without events, a new one for each test.
 */
export function eventLogContract(name: string, make: () => Promise<EventLog>): void {
  describe(`${name} keeps the EventLog contract`, () => {
    it('gives back every field, of each type, with and without what is optional', async () => {
      const log = await make();
      const events: readonly ListenerEvent[] = [
        event,
        { ...event, id: 'like', type: 'like', at: AT + 1, plays: 1 },
        { ...event, id: 'bare', type: 'skip', at: AT + 2, exposureId: null, plays: 1 },
        { ...event, id: 'a#b%c/ü', type: 'dislike', at: AT + 3, artistId: 'é#1', plays: 1 },
        { ...event, id: 'click', type: 'click', at: AT + 4, plays: 1 },
      ];
      expect(await log.append(events)).toEqual(events.map(() => 'stored'));
      expect(await log.recent('51', 10)).toEqual(events.toReversed());
      expect(await ofDay(log, '2026-11-24')).toEqual(events);
    });

    it('keeps the event that is there when the same listener, time and id come again', async () => {
      const log = await make();
      await log.append([event]);
      const again = { ...event, receivedAt: AT + 9_000, plays: 7 };
      expect(await log.append([again, { ...event, id: 'other' }])).toEqual(['duplicate', 'stored']);
      expect(await log.append([again])).toEqual(['duplicate']);
      expect(await log.recent('51', 10)).toEqual([{ ...event, id: 'other' }, event]);
    });

    it('answers nothing for nothing', async () => {
      const log = await make();
      expect(await log.append([])).toEqual([]);
      expect(await log.recent('51', 10)).toEqual([]);
      expect(await ofDay(log, '2026-11-24')).toEqual([]);
      expect(await log.erase('51')).toBe(0);
    });

    it('reads the newest by the time at which they happened, whenever they were received', async () => {
      const log = await make();
      const late = { ...event, id: 'late', at: AT - 5_000, receivedAt: AT + 60_000 };
      const newest = { ...event, id: 'newest', at: AT + 5_000 };
      await log.append([event, late, newest]);
      expect((await log.recent('51', 2)).map(({ id }) => id)).toEqual(['newest', 'b0a9']);
    });

    it('reads an id that came again with another time once: as it was received first', async () => {
      const log = await make();
      const restamped = { ...event, at: AT + 4_000, receivedAt: AT + 8_000 };
      expect(await log.append([event])).toEqual(['stored']);
      expect(await log.append([restamped])).toEqual(['stored']);
      expect(await log.recent('51', 10)).toEqual([event]);
    });

    it('keeps listeners apart, whatever their ids look like', async () => {
      const log = await make();
      const users = ['51', '5', '51#', '51#b0a9', '__proto__', 'ü'];
      await log.append(users.map((userId) => ({ ...event, userId })));
      for (const userId of users) expect(await log.recent(userId, 10)).toEqual([{ ...event, userId }]);
    });

    it('finds the events of a day, to its first and last millisecond, and of no other', async () => {
      const log = await make();
      const midnight = Date.UTC(2026, 10, 24);
      const times = [midnight - 1, midnight, midnight + DAY_MS - 1, midnight + DAY_MS];
      await log.append(times.map((at, i) => ({ ...event, id: String(i), at })));
      const idsOf = async (day: string) => (await ofDay(log, day)).map(({ id }) => id);
      expect(await idsOf('2026-11-23')).toEqual(['0']);
      expect(await idsOf('2026-11-24')).toEqual(['1', '2']);
      expect(await idsOf('2026-11-25')).toEqual(['3']);
    });

    it('stores a full request of 500 events of many listeners, and finds each of them in its day', async () => {
      const log = await make();
      const many = Array.from({ length: 500 }, (_, i) => ({
        ...event,
        id: String(i),
        userId: `user-${i % 90}`,
        at: AT + i,
      }));
      expect(await log.append(many)).toEqual(many.map(() => 'stored'));
      expect(await ofDay(log, '2026-11-24')).toEqual(many);
    });

    it('forgets a listener, all of it and nobody else', async () => {
      const log = await make();
      const own = Array.from({ length: 60 }, (_, i) => ({ ...event, id: String(i), at: AT - i * 3_600_000 }));
      const other = { ...event, userId: '5' };
      await log.append([...own, other]);
      expect(await log.erase('51')).toBe(60);
      expect(await log.recent('51', 100)).toEqual([]);
      expect(await ofDay(log, '2026-11-24')).toEqual([other]);
      expect(await log.erase('51')).toBe(0);
    });

    it('takes an event again after it was forgotten', async () => {
      const log = await make();
      await log.append([event]);
      await log.erase('51');
      expect(await log.append([event])).toEqual(['stored']);
    });
  });
}
