import { describe, expect, it } from 'vitest';

import { createHistory } from '../../../layers/core/src/scoring/history.ts';
import {
  createNominationBuffers,
  MAX_CANDIDATES,
  nominate,
  type ListenerSource,
} from '../../../layers/core/src/scoring/nominate.ts';

function fixed(k: number, scores: readonly number[]): ListenerSource {
  return { k, score: (out) => out.set(scores) };
}

function run(
  sources: readonly ListenerSource[],
  nArtists: number,
  heard: readonly number[] = [],
): ReturnType<typeof nominate> {
  const history = createHistory(
    nArtists,
    heard.map((artist) => ({ artist })),
  );
  return nominate(history, sources, [], createNominationBuffers(sources.length, nArtists));
}

describe('nominate', () => {
  it('unites the best of every source and remembers who nominated what', () => {
    const found = run([fixed(2, [9, 8, 1, 0, 0]), fixed(2, [0, 7, 0, 9, 1])], 5);
    expect([...found.items]).toEqual([0, 1, 3]);
    expect([...found.nominatedBy]).toEqual([0b01, 0b11, 0b10]);
  });

  it('leaves heard artists out and nominates the next best', () => {
    const found = run([fixed(1, [9, 8, 1, 0])], 4, [0]);
    expect([...found.items]).toEqual([1]);
  });

  it("leaves hidden artists out, and changes nobody else's score by it", () => {
    const sources = [fixed(3, [9, 8, 7, 1, 0, 0]), fixed(1, [0, 9, 8, 1, 0, 0])];
    const buffers = createNominationBuffers(sources.length, 6);
    const history = createHistory(6, [{ artist: 0 }]);
    const all = nominate(history, sources, [], buffers);
    const found = nominate(history, sources, [], buffers, { hidden: Int32Array.of(1) });
    expect([...all.items]).toEqual([1, 2]);
    expect([...found.items]).toEqual([2]);
    expect([...found.scores]).toEqual(Array.from(all.scores.subarray(2)));
    // The next best of the source takes the free place.
    expect([...found.nominatedBy]).toEqual([0b11]);
  });

  it('nominates nothing on a row that tells nothing', () => {
    expect(run([fixed(3, [2, 2, 2, 2])], 4).items).toHaveLength(0);
  });

  it('does not fill up with artists below the mean', () => {
    const found = run([fixed(4, [5, 0, 0, 0, 0, 0])], 6);
    expect([...found.items]).toEqual([0]);
  });

  it('standardises each score over the artists not heard, for all sources of each candidate', () => {
    const scores = [4, 100, 2, 0];
    const found = run([fixed(1, scores), fixed(0, [1, 0, 1, 1])], 4, [1]);
    const unheard = [4, 2, 0];
    const deviation = Math.sqrt(unheard.reduce((sum, x) => sum + (x - 2) ** 2, 0) / 3);
    expect(found.scores[0]).toBeCloseTo((4 - 2) / deviation, 12);
    // Constant over the unheard: no deviation, so no opinion.
    expect(found.scores[1]).toBe(0);
  });

  it('keeps the best ranks of every source where the union is too large', () => {
    const nArtists = 400;
    const up = Array.from({ length: nArtists }, (_, i) => nArtists - i);
    const down = up.toReversed();
    const found = run([fixed(199, up), fixed(199, down)], nArtists);
    expect(found.items).toHaveLength(MAX_CANDIDATES);
    const half = MAX_CANDIDATES / 2;
    expect([...found.items]).toEqual([
      ...Array.from({ length: half }, (_, i) => i),
      ...Array.from({ length: half }, (_, i) => nArtists - half + i),
    ]);
  });
});
