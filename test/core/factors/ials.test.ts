import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFactorScorer } from '../../../layers/core/src/factors/factor-scorer.ts';
import { foldInFactors } from '../../../layers/core/src/scoring/ials.ts';
import { fitIals, type IalsModel, type IalsParameters } from '../../../layers/core/src/factors/ials.ts';
import { type Csr, csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';
import { createKernels } from '../../../layers/core/src/math/kernels/kernels.ts';
import { createRng, hash3 } from '../../../layers/core/src/math/rng.ts';
import { topK } from '../../../layers/core/src/math/top-k.ts';
import expected from '../../fixtures/ials/expected.json' with { type: 'json' };
import { randomMatrix, sparse } from './sparse.ts';
import { maxDifference } from '../max-difference.ts';

const SMALL = { factors: 8, sweeps: 2, alpha0: 0.1, lambda: 0.05, countOffset: 0.1, randomState: 3 };

function ids(kind: string, n: number): string[] {
  return Array.from({ length: n }, (_, i) => `${kind}:${i}`);
}

function fit(matrix: Csr, parameters: Partial<IalsParameters> = {}, simd = true): IalsModel {
  const names = { columnIds: ids('artist', matrix.nCols) };
  return fitIals(matrix, { ...SMALL, ...names, ...parameters }, createKernels({ simd }));
}

function score(rows: Float64Array, columns: Float64Array, r: number, i: number, k: number): number {
  let sum = 0;
  for (let f = 0; f < k; f++) sum += rows[r * k + f]! * columns[i * k + f]!;
  return sum;
}

/** The objective of `fitIals` as its documentation states it, cell by cell. */
function objective(
  matrix: Csr,
  rows: Float64Array,
  columns: Float64Array,
  { factors: k, alpha0, lambda, countOffset }: Omit<IalsParameters, 'columnIds'>,
): number {
  const { nRows, nCols } = matrix;
  const weights = new Float64Array(nRows * nCols);
  let loss = 0;
  const columnCounts = new Float64Array(nCols);
  for (let r = 0; r < nRows; r++) {
    for (let e = matrix.indptr[r]!; e < matrix.indptr[r + 1]!; e++) {
      weights[r * nCols + matrix.indices[e]!] = matrix.values[e]!;
      columnCounts[matrix.indices[e]!]!++;
    }
    const n = matrix.indptr[r + 1]! - matrix.indptr[r]!;
    loss += lambda * (n + countOffset * nCols) * score(rows, rows, r, r, k);
    for (let i = 0; i < nCols; i++) {
      const y = score(rows, columns, r, i, k);
      loss += weights[r * nCols + i]! * (1 - y) ** 2 + alpha0 * y ** 2;
    }
  }
  for (let i = 0; i < nCols; i++) {
    loss += lambda * (columnCounts[i]! + countOffset * nRows) * score(columns, columns, i, i, k);
  }
  return loss;
}

describe('fitIals', () => {
  it.each(expected.cases)(
    'finds the factors that numpy finds row by row: $factors factors, at most $longestRow and $longestColumn entries',
    (example) => {
      const { nRows, nColumns, weights, rowFactors, columnFactors, ...parameters } = example;
      const model = fit(sparse(weights, nRows, nColumns), parameters);
      // Factors are around 1; the eigenbasis costs a few digits of the smallest ones.
      expect(maxDifference(model.rowFactors, rowFactors)).toBeLessThan(1e-11);
      expect(maxDifference(model.columnFactors, columnFactors)).toBeLessThan(1e-11);
    },
  );

  it('has fixtures on both sides of the choice between the two solvers', () => {
    expect(expected.cases.some(({ factors, longestRow }) => longestRow < factors)).toBe(true);
    expect(expected.cases.some(({ factors, longestColumn }) => longestColumn > factors)).toBe(true);
  });

  it('lowers the objective with every half-sweep', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 25 }),
        fc.integer({ min: 2, max: 25 }),
        fc.constantFrom(4, 8),
        fc.nat(),
        (nRows, nCols, factors, seed) => {
          const matrix = randomMatrix(nRows, nCols, seed);
          const parameters = { ...SMALL, factors };
          let before = fit(matrix, { ...parameters, sweeps: 1 });
          for (let sweeps = 2; sweeps < 5; sweeps++) {
            const after = fit(matrix, { ...parameters, sweeps });
            const losses = [
              objective(matrix, before.rowFactors, before.columnFactors, parameters),
              objective(matrix, after.rowFactors, before.columnFactors, parameters),
              objective(matrix, after.rowFactors, after.columnFactors, parameters),
            ];
            expect(losses[1]).toBeLessThanOrEqual(losses[0]! * (1 + 1e-12));
            expect(losses[2]).toBeLessThanOrEqual(losses[1]! * (1 + 1e-12));
            before = after;
          }
        },
      ),
      { numRuns: 20, seed: 1 },
    );
  });

  it('ends where no small step of any column lowers the objective', () => {
    const matrix = randomMatrix(12, 9, 4);
    const { rowFactors, columnFactors } = fit(matrix);
    const least = objective(matrix, rowFactors, columnFactors, SMALL);
    for (let at = 0; at < columnFactors.length; at++) {
      for (const step of [-1e-4, 1e-4]) {
        const moved = columnFactors.slice();
        moved[at]! += step;
        expect(objective(matrix, rowFactors, moved, SMALL)).toBeGreaterThan(least);
      }
    }
  });

  it('moves with its rows and columns when they are put in another order', () => {
    const [nRows, nCols, k] = [20, 30, SMALL.factors];
    const cells = Float64Array.from({ length: nRows * nCols }, (_, c) =>
      hash3(1, c, 0) % 3 === 0 ? 0.5 + createRng(c).next() : 0,
    );
    const shuffledRows = Array.from({ length: nRows }, (_, r) => (7 * r + 3) % nRows);
    const shuffledColumns = Array.from({ length: nCols }, (_, i) => (11 * i + 5) % nCols);
    const moved = Float64Array.from(cells, (_, c) => {
      const [r, i] = [Math.floor(c / nCols), c % nCols];
      return cells[shuffledRows[r]! * nCols + shuffledColumns[i]!]!;
    });
    const one = fit(sparse(cells, nRows, nCols));
    const other = fit(sparse(moved, nRows, nCols), {
      columnIds: shuffledColumns.map((i) => `artist:${i}`),
    });
    const take = (factors: Float64Array, order: number[]): number[] =>
      order.flatMap((r) => Array.from(factors.subarray(r * k, (r + 1) * k)));
    expect(maxDifference(other.rowFactors, take(one.rowFactors, shuffledRows))).toBeLessThan(1e-11);
    expect(maxDifference(other.columnFactors, take(one.columnFactors, shuffledColumns))).toBeLessThan(1e-11);
  });

  it('starts elsewhere for another seed', () => {
    const matrix = randomMatrix(12, 9, 4);
    const a = fit(matrix, { randomState: 1 });
    expect(fit(matrix, { randomState: 1 }).columnFactors).toEqual(a.columnFactors);
    expect(maxDifference(fit(matrix, { randomState: 2 }).columnFactors, a.columnFactors)).toBeGreaterThan(
      0.01,
    );
  });

  it('gives the same bytes with and without SIMD, also over several blocks of rows', () => {
    // Blocks are of 256 rows; the popular column has more entries than fit one.
    const nRows = 600;
    const cells = Float64Array.from({ length: nRows * 40 }, (_, c) =>
      c % 40 === 0 || hash3(5, c, 0) % 9 === 0 ? 0.5 + createRng(c).next() : 0,
    );
    const matrix = sparse(cells, nRows, 40);
    const [plain, wasm] = [false, true].map((simd) => fit(matrix, { factors: 12 }, simd));
    expect(Buffer.from(wasm!.rowFactors.buffer)).toEqual(Buffer.from(plain!.rowFactors.buffer));
    expect(Buffer.from(wasm!.columnFactors.buffer)).toEqual(Buffer.from(plain!.columnFactors.buffer));
  });

  it('recommends the withheld artist on checkerboard data', () => {
    const n = 24;
    const cells = Array.from({ length: n * n }, (_, cell) => {
      const [u, i] = [Math.floor(cell / n), cell % n];
      return u % 2 === i % 2 && u !== i ? 1 : 0;
    });
    const board = sparse(cells, n, n);
    const { rowFactors, columnFactors } = fit(board, { factors: 4, sweeps: 10, alpha0: 0.02 });
    const scoreRow = createFactorScorer(rowFactors, columnFactors, { factors: 4 });
    const scores = new Float64Array(n);
    for (let u = 0; u < n; u++) {
      scoreRow(u, scores);
      for (let e = board.indptr[u]!; e < board.indptr[u + 1]!; e++) scores[board.indices[e]!] = -Infinity;
      expect(Array.from(topK(scores, 1))).toEqual([u]);
    }
  });

  it('leaves rows and columns without entries at 0', () => {
    const model = fit(sparse([1, 0, 1, 0, 0, 0, 1, 0, 1], 3, 3));
    const k = SMALL.factors;
    expect(Array.from(model.rowFactors.subarray(k, 2 * k))).toEqual(Array.from({ length: k }, () => 0));
    expect(Array.from(model.columnFactors.subarray(k, 2 * k))).toEqual(Array.from({ length: k }, () => 0));
    expect(model.rowFactors.subarray(0, k).some((value) => value !== 0)).toBe(true);
  });

  it('fits a matrix without any entries', () => {
    const model = fit(sparse([], 2, 3));
    expect(model.rowFactors.every((value) => value === 0)).toBe(true);
    expect(model.columnFactors.every((value) => value === 0)).toBe(true);
  });

  it('folds a row in to where the next sweep would put it', () => {
    // Some rows have fewer entries than factors, some more.
    const matrix = randomMatrix(20, 18, 6);
    const model = fit(matrix, { sweeps: 2 });
    const next = fit(matrix, { sweeps: 3 });
    for (let r = 0; r < matrix.nRows; r++) {
      const [from, to] = [matrix.indptr[r]!, matrix.indptr[r + 1]!];
      const folded = foldInFactors(model.tables(), {
        items: matrix.indices.slice(from, to),
        weights: matrix.values.slice(from, to),
      });
      expect(
        maxDifference(folded, next.rowFactors.subarray(r * SMALL.factors, (r + 1) * SMALL.factors)),
      ).toBeLessThan(1e-11);
    }
    const nothing = { items: new Int32Array(0), weights: new Float64Array(0) };
    expect(Array.from(foldInFactors(model.tables(), nothing))).toEqual(
      Array.from({ length: SMALL.factors }, () => 0),
    );
  });

  it.each([
    ['factors', { factors: 6 }],
    ['factors', { factors: 0 }],
    ['sweeps', { sweeps: 0 }],
    ['sweeps', { sweeps: 1.5 }],
    ['alpha0', { alpha0: 0 }],
    ['lambda', { lambda: -1 }],
    ['count offset', { countOffset: NaN }],
  ])('refuses %s that are out of range', (name, parameters) => {
    expect(() => fit(randomMatrix(4, 4, 1), parameters)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(name) }),
    );
  });

  it('refuses ids that do not name every column', () => {
    expect(() => fit(randomMatrix(4, 5, 1), { columnIds: ids('artist', 6) })).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });

  it.each([0, -1, NaN, Infinity])('refuses a weight of %d', (weight) => {
    const matrix = csrFromCoordinates(
      2,
      2,
      Int32Array.of(0, 1),
      Int32Array.of(0, 1),
      Float64Array.of(1, weight),
    );
    expect(() => fit(matrix)).toThrow(expect.objectContaining({ code: 'NOT_FINITE' }));
  });
});

describe('createFactorScorer', () => {
  const [nRows, nCols, k] = [70, 21, 8];
  const rng = createRng(1);
  const rows = Float64Array.from({ length: nRows * k }, () => rng.normal());
  const columns = Float64Array.from({ length: nCols * k }, () => rng.normal());

  it.each([true, false])('scores as the sum of products, in any order of asking (SIMD: %s)', (simd) => {
    const scoreRow = createFactorScorer(rows, columns, { factors: k, kernels: createKernels({ simd }) });
    const out = new Float64Array(nCols);
    for (const r of [0, 1, 69, 33, 31, 32, 0, 68]) {
      scoreRow(r, out);
      expect(Array.from(out)).toEqual(Array.from({ length: nCols }, (_, i) => score(rows, columns, r, i, k)));
    }
  });
});
