import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recentListening } from '../../../layers/core/src/listing/recent-listening.ts';
import { EVENT_TYPES, type EventType, type ListenerEvent } from '../../../layers/core/src/ports.ts';

const model = { artistIds: ['10', '11', '12', '13'] };

function event(
  artistId: string,
  type: EventType,
  at: number,
  more: Partial<ListenerEvent> = {},
): ListenerEvent {
  return {
    id: `${artistId} ${type} ${at}`,
    userId: 'u',
    artistId,
    type,
    at,
    receivedAt: at,
    exposureId: null,
    plays: 1,
    ...more,
  };
}

const read = (events: readonly ListenerEvent[]) => {
  const { heard, disliked } = recentListening(model, events);
  return { heard: [...heard], disliked: [...disliked].toSorted((a, b) => a - b) };
};

describe('recentListening', () => {
  it('hears what was played or liked, most recent first, and hides what was disliked', () => {
    expect(read([event('10', 'play', 1), event('12', 'like', 3), event('11', 'dislike', 2)])).toEqual({
      heard: [2, 0],
      disliked: [1],
    });
  });

  it('takes the latest word on an artist', () => {
    expect(read([event('10', 'dislike', 1), event('10', 'like', 2)])).toEqual({ heard: [0], disliked: [] });
    expect(read([event('10', 'dislike', 3), event('10', 'play', 2)])).toEqual({ heard: [], disliked: [0] });
  });

  it('takes of two words of one moment the one that was received later', () => {
    const liked = event('10', 'like', 5, { receivedAt: 7 });
    const disliked = event('10', 'dislike', 5, { receivedAt: 6 });
    expect(read([disliked, liked]).heard).toEqual([0]);
    expect(read([liked, { ...disliked, receivedAt: 8 }]).disliked).toEqual([0]);
  });

  it('leaves clicks, skips and artists that the model does not know aside', () => {
    expect(
      read([
        event('10', 'like', 1),
        event('10', 'skip', 2),
        event('11', 'click', 3),
        event('99', 'play', 4),
        event('98', 'dislike', 4),
      ]),
    ).toEqual({ heard: [0], disliked: [] });
  });

  it('says the same whatever the order of the events, and no artist twice', () => {
    const anEvent = fc
      .tuple(
        fc.constantFrom('10', '11', '12', '13', '99'),
        fc.constantFrom(...EVENT_TYPES),
        fc.nat(5),
        fc.nat(2),
      )
      .map(([artistId, type, at, receivedAt]) => event(artistId, type, at, { receivedAt }));
    fc.assert(
      fc.property(
        fc
          .array(anEvent, { maxLength: 20 })
          .chain((events) =>
            fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })),
          ),
        ([events, shuffled]) => {
          const found = read(events);
          expect(read(shuffled)).toEqual(found);
          const all = [...found.heard, ...found.disliked];
          expect(new Set(all).size).toBe(all.length);
        },
      ),
    );
  });
});
