import { describe, expect, it } from 'vitest';
import {
  buildArtistEmbedding,
  writeUserEmbedding,
} from '../../../layers/core/src/features/artist-embedding.ts';
import { type Csr, csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';

/** Two terms, three artists: [.6 .8], [0 0], [0 1]. */
const tfIdfRows = csrFromCoordinates(
  3,
  2,
  Int32Array.of(0, 0, 2),
  Int32Array.of(0, 1, 1),
  Float64Array.of(0.6, 0.8, 1),
);
const freshness = Float64Array.of(0, 1, 0.5);
const popularity = Float64Array.of(1, 0.25, 0);

function dense(matrix: Csr): number[][] {
  return Array.from({ length: matrix.nRows }, (_, r) => {
    const row = Array.from({ length: matrix.nCols }, () => 0);
    for (let e = matrix.indptr[r]!; e < matrix.indptr[r + 1]!; e++)
      row[matrix.indices[e]!] = matrix.values[e]!;
    return row;
  });
}

describe('buildArtistEmbedding', () => {
  it('appends freshness, its square and popularity to the terms', () => {
    expect(dense(buildArtistEmbedding(tfIdfRows, { freshness, popularity }))).toEqual([
      [0.6, 0.8, 0, 0, 1],
      [0, 0, 1, 1, 0.25],
      [0, 1, 0.5, 0.25, 0],
    ]);
  });

  it('stores no zeros and keeps columns ascending', () => {
    const embedding = buildArtistEmbedding(tfIdfRows, { freshness, popularity });
    expect(Array.from(embedding.indptr)).toEqual([0, 3, 6, 9]);
    expect(Array.from(embedding.indices)).toEqual([0, 1, 4, 2, 3, 4, 1, 2, 3]);
    expect(embedding.values.every((value) => value !== 0)).toBe(true);
  });

  it('is popularity alone where the data set has no tags', () => {
    const noTerms = csrFromCoordinates(3, 0, new Int32Array(0), new Int32Array(0), new Float64Array(0));
    const embedding = buildArtistEmbedding(noTerms, { freshness: null, popularity });
    expect(dense(embedding)).toEqual([[1], [0.25], [0]]);
  });

  it('refuses parts over different artists', () => {
    const refusal = expect.objectContaining({
      code: 'SHAPE_MISMATCH',
      message: expect.stringContaining('2'),
    });
    expect(() =>
      buildArtistEmbedding(tfIdfRows, { freshness: freshness.subarray(1), popularity }),
    ).toThrowError(refusal);
    expect(() =>
      buildArtistEmbedding(tfIdfRows, { freshness, popularity: popularity.subarray(1) }),
    ).toThrowError(refusal);
  });
});

describe('writeUserEmbedding', () => {
  const embedding = buildArtistEmbedding(tfIdfRows, { freshness, popularity });

  it('sums the vectors of the artists heard', () => {
    const out = new Float64Array(5).fill(7);
    writeUserEmbedding(embedding, Int32Array.of(0, 2), { out });
    expect(Array.from(out)).toEqual([0.6, 1.8, 0.5, 0.25, 1]);
  });

  it('weighs each vector', () => {
    const out = new Float64Array(5);
    writeUserEmbedding(embedding, Int32Array.of(1, 2), { out, weights: Float64Array.of(2, 4) });
    expect(Array.from(out)).toEqual([0, 4, 4, 3, 0.5]);
  });

  it('is zero for an empty history', () => {
    const out = new Float64Array(5).fill(7);
    writeUserEmbedding(embedding, new Int32Array(0), { out });
    expect(Array.from(out)).toEqual([0, 0, 0, 0, 0]);
  });

  it('refuses an output or weights of another length', () => {
    const heard = Int32Array.of(0);
    const refusal = expect.objectContaining({ code: 'SHAPE_MISMATCH' });
    expect(() => writeUserEmbedding(embedding, heard, { out: new Float64Array(4) })).toThrowError(refusal);
    expect(() =>
      writeUserEmbedding(embedding, heard, { out: new Float64Array(5), weights: new Float64Array(2) }),
    ).toThrowError(refusal);
  });
});
