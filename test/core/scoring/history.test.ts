import { describe, expect, it } from 'vitest';
import { createHistory, rankWeights, rowHistory } from '../../../layers/core/src/scoring/history.ts';
import { interactionWeights } from '../../../layers/core/src/scoring/shared-tables.ts';
import { csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';

describe('createHistory', () => {
  it('sorts artists, adds up the plays of one named twice, and weighs by rank', () => {
    const history = createHistory(10, [
      { artist: 7, plays: 5 },
      { artist: 2, plays: 9 },
      { artist: 7, plays: 10 },
    ]);
    expect([...history.items]).toEqual([2, 7]);
    expect([...history.plays!]).toEqual([9, 15]);
    // ½ + (rank − ½) / 2.
    expect([...history.weights]).toEqual([0.75, 1.25]);
  });

  it('weighs all artists 1 where plays are unknown, of any one of them', () => {
    const history = createHistory(10, [{ artist: 7 }, { artist: 2, plays: 9 }, { artist: 7 }]);
    expect(history.plays).toBeNull();
    expect([...history.items]).toEqual([2, 7]);
    expect([...history.weights]).toEqual([1, 1]);
    expect([...rankWeights(Float64Array.of(3, 3, 3))]).toEqual([1, 1, 1]);
  });

  it('is empty for an empty list', () => {
    const { items, weights } = createHistory(10, []);
    expect([items.length, weights.length]).toEqual([0, 0]);
  });

  it.each([
    [{ artist: 10 }, 'artist index of a history is 10'],
    [{ artist: -1 }, 'artist index of a history is -1'],
    [{ artist: 1.5 }, 'artist index of a history is 1.5'],
    [{ artist: 1, plays: 0 }, 'plays of a history are 0'],
    [{ artist: 1, plays: NaN }, 'plays of a history are NaN'],
    [{ artist: 1, plays: Infinity }, 'plays of a history are Infinity'],
  ])('refuses %j', (heard, why) => {
    expect(() => createHistory(10, [heard])).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(why) }),
    );
  });
});

describe('rowHistory', () => {
  it("is the history that a listener's plays make", () => {
    const plays = csrFromCoordinates(
      2,
      6,
      Int32Array.of(0, 1, 1, 1),
      Int32Array.of(2, 0, 3, 5),
      Float64Array.of(4, 7, 1, 7),
    );
    const row = rowHistory({ plays, weights: interactionWeights(plays) }, 1);
    const named = createHistory(6, [
      { artist: 5, plays: 7 },
      { artist: 0, plays: 7 },
      { artist: 3, plays: 1 },
    ]);
    expect(row).toEqual(named);
  });
});
