import { describe, expect, it } from 'vitest';
import { artistPopularity, weightedPopularity } from '../../../layers/core/src/features/popularity.ts';
import { csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';

function plays(nArtists: number, rows: readonly (readonly [number, number, number])[]) {
  return csrFromCoordinates(
    3,
    nArtists,
    Int32Array.from(rows, (row) => row[0]),
    Int32Array.from(rows, (row) => row[1]),
    Float64Array.from(rows, (row) => row[2]),
  );
}

describe('weightedPopularity', () => {
  const weights = plays(5, [
    [0, 0, 1.25],
    [1, 0, 0.75],
    [2, 0, 1],
    [0, 1, 0.75],
    [1, 2, 1.25],
    [2, 2, 0.75],
    [1, 3, 1],
  ]);

  it('adds up the weights and caps the sum at a quantile over the artists heard', () => {
    // 3, 0.75, 2, 1 and nothing: three of the four heard are at most 2.
    expect(Array.from(weightedPopularity(weights, 0.75))).toEqual([1, 0.375, 1, 0.5, 0]);
  });

  it('caps nothing at the quantile 1', () => {
    expect(Array.from(weightedPopularity(weights, 1))).toEqual([1, 0.25, 2 / 3, 1 / 3, 0]);
  });

  it('is 0 where nobody heard anything', () => {
    expect(Array.from(weightedPopularity(plays(2, []), 0.9))).toEqual([0, 0]);
  });
});

describe('artistPopularity', () => {
  it('adds up the plays of each artist and caps the sum before scaling', () => {
    const scaled = artistPopularity(
      plays(4, [
        [0, 0, 2900],
        [1, 0, 2900],
        [0, 1, 1500],
        [2, 1, 750],
        [1, 2, 3000],
      ]),
    );
    expect(Array.from(scaled)).toEqual([1, 0.75, 1, 0]);
  });

  it('scales from the least played artist of the catalogue', () => {
    const scaled = artistPopularity(
      plays(3, [
        [0, 0, 100],
        [0, 1, 150],
        [1, 2, 300],
      ]),
    );
    expect(Array.from(scaled)).toEqual([0, 0.25, 1]);
  });

  it('is 0 everywhere where no artist is more popular than another', () => {
    const above = plays(2, [
      [0, 0, 4000],
      [1, 1, 9000],
    ]);
    expect(Array.from(artistPopularity(above))).toEqual([0, 0]);
    expect(Array.from(artistPopularity(plays(2, [])))).toEqual([0, 0]);
  });
});
