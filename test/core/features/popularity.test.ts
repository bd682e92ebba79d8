import { describe, expect, it } from 'vitest';
import { artistPopularity } from '../../../layers/core/src/features/popularity.ts';
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
