import { describe, expect, it } from 'vitest';

import { fitPureSvd } from '../../../layers/core/src/factors/pure-svd.ts';
import { truncatedSvd } from '../../../layers/core/src/math/truncated-svd.ts';
import expected from '../../fixtures/pure-svd/expected.json' with { type: 'json' };
import { maxDifference } from '../max-difference.ts';
import { randomMatrix, sparse } from './sparse.ts';

/** The entries of a row that are not zero. */
function historyOf(row: readonly number[]): { items: Int32Array; weights: Float64Array } {
  const heard = Array.from(row.keys()).filter((i) => row[i] !== 0);
  return { items: Int32Array.from(heard), weights: Float64Array.from(heard, (i) => row[i]!) };
}

/** Each listener misses one of every ten rows of three artists. */
function misses(user: number, artist: number): boolean {
  return Math.floor(artist / 3) === user % 10;
}

/** Listener and artist get on when they are congruent modulo 3. */
function plays(user: number, artist: number): number {
  return user % 3 === artist % 3 && !misses(user, artist) ? 1 : 0;
}

function inner(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

describe('fitPureSvd', () => {
  for (const reference of expected.cases) {
    const { nRows, nCols, factors } = reference;
    it(`equals numpy's dense decomposition: ${nRows} × ${nCols}, ${factors} factors`, () => {
      const model = fitPureSvd(sparse(reference.matrix, nRows, nCols), { factors });
      expect(maxDifference(model.values, reference.values)).toBeLessThan(1e-12);
      const row = new Float64Array(nCols).fill(NaN);
      for (let user = 0; user < 4; user++) {
        model.scoreUser(user, row);
        expect(maxDifference(row, reference.scores.slice(user * nCols, (user + 1) * nCols))).toBeLessThan(
          1e-12,
        );
      }
      model.scoreHistory(historyOf(reference.history), row);
      expect(maxDifference(row, reference.historyScores)).toBeLessThan(1e-12);
    });
  }

  it('scores a history as it scores the listener who has it, and an empty one 0', () => {
    const x = randomMatrix(30, 40, 5);
    const model = fitPureSvd(x, { factors: 7 });
    const [byUser, byHistory] = [new Float64Array(40), new Float64Array(40).fill(NaN)];
    for (let user = 0; user < 30; user++) {
      const [from, to] = [x.indptr[user], x.indptr[user + 1]];
      model.scoreUser(user, byUser);
      model.scoreHistory(
        { items: x.indices.subarray(from, to), weights: x.values.subarray(from, to) },
        byHistory,
      );
      expect(maxDifference(byUser, byHistory)).toBeLessThan(1e-13);
    }
    model.scoreHistory({ items: new Int32Array(0), weights: new Float64Array(0) }, byHistory);
    expect(byHistory).toEqual(new Float64Array(40));
  });

  it('fills the gaps of planted groups and stays silent between them', () => {
    const x = sparse(
      Float64Array.from({ length: 60 * 30 }, (_, c) => plays(Math.floor(c / 30), c % 30)),
      60,
      30,
    );
    const model = fitPureSvd(x, { factors: 3 });
    const row = new Float64Array(30);
    const within: number[] = [];
    const between: number[] = [];
    for (let u = 0; u < 60; u++) {
      model.scoreUser(u, row);
      for (let i = 0; i < 30; i++) {
        if (u % 3 !== i % 3) between.push(Math.abs(row[i]!));
        else if (misses(u, i)) within.push(row[i]!);
      }
    }
    expect(within).toHaveLength(60);
    expect(Math.min(...within)).toBeGreaterThan(0.7);
    expect(Math.max(...between)).toBeLessThan(1e-12);
  });

  it('keeps as many factors as the matrix has rank', () => {
    const x = sparse([1, 2, 0, 2, 4, 0, 0, 0, 3, 0, 0, 3], 4, 3);
    const { values } = fitPureSvd(x, { factors: 8 });
    expect(maxDifference(values, [5, Math.sqrt(18)])).toBeLessThan(1e-14);
  });
});

describe('truncatedSvd', () => {
  it('gives orthonormal vectors with the singular values as the lengths of their images', () => {
    const x = randomMatrix(120, 160, 9);
    const { rank, values, right } = truncatedSvd(x, 10);
    expect(rank).toBe(10);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    const column = (f: number): Float64Array =>
      Float64Array.from({ length: 160 }, (_, i) => right[i * rank + f]!);
    const image = (v: Float64Array): Float64Array =>
      Float64Array.from({ length: 120 }, (_, r) => {
        let sum = 0;
        for (let e = x.indptr[r]!; e < x.indptr[r + 1]!; e++) sum += x.values[e]! * v[x.indices[e]!]!;
        return sum;
      });
    for (let f = 0; f < rank; f++) {
      for (let g = 0; g <= f; g++) {
        expect(Math.abs(inner(column(f), column(g)) - (f === g ? 1 : 0))).toBeLessThan(1e-9);
        const want = f === g ? values[f]! ** 2 : 0;
        expect(Math.abs(inner(image(column(f)), image(column(g))) - want) / values[0]! ** 2).toBeLessThan(
          1e-8,
        );
      }
    }
  });

  it('finds singular values as often as they are repeated', () => {
    const n = 50;
    const diagonal = Float64Array.from({ length: n * n }, (_, c) =>
      c % (n + 1) === 0 ? (c < 12 * n ? 2 : 1) : 0,
    );
    const { values } = truncatedSvd(sparse(diagonal, n, n), 20);
    expect(
      maxDifference(
        values,
        Array.from({ length: 20 }, (_, f) => (f < 12 ? 2 : 1)),
      ),
    ).toBeLessThan(1e-12);
  });

  it.each([
    [3, 4],
    [0, 4],
    [3, 0],
  ])('has nothing to say of a matrix of zeros: %d × %d', (nRows, nCols) => {
    const { rank, values, right } = truncatedSvd(sparse(new Float64Array(nRows * nCols), nRows, nCols), 2);
    expect(rank).toBe(0);
    expect(values).toHaveLength(0);
    expect(right).toHaveLength(0);
  });

  it('refuses ranks that are none, and numbers that are none', () => {
    const x = randomMatrix(5, 6, 1);
    for (const rank of [0, 1.5, -1, NaN]) {
      expect(() => truncatedSvd(x, rank)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`is ${rank}`) }),
      );
    }
    const broken = { ...x, values: x.values.with(3, NaN) };
    expect(() => truncatedSvd(broken, 2)).toThrow(
      expect.objectContaining({ code: 'NOT_FINITE', message: expect.stringContaining('entry 3') }),
    );
  });
});
