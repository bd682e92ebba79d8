import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  columnLengths,
  csrFromCoordinates,
  filterCsr,
  mapCsr,
  rowLength,
  transposeCsr,
  type Csr,
} from '../../../layers/core/src/math/csr.ts';

/** A matrix by its cells, some of them given in parts. */
const matrices = fc
  .record({ nRows: fc.integer({ min: 1, max: 6 }), nCols: fc.integer({ min: 1, max: 6 }) })
  .chain(({ nRows, nCols }) =>
    fc
      .array(
        fc.tuple(
          fc.integer({ min: 0, max: nRows - 1 }),
          fc.integer({ min: 0, max: nCols - 1 }),
          fc.integer({ min: 1, max: 9 }),
        ),
        { maxLength: 30 },
      )
      .map((cells) => ({ nRows, nCols, cells })),
  );
type Cells = readonly (readonly [row: number, column: number, value: number])[];

function fromCells(nRows: number, nCols: number, cells: Cells): Csr {
  return csrFromCoordinates(
    nRows,
    nCols,
    Int32Array.from(cells, ([row]) => row),
    Int32Array.from(cells, ([, column]) => column),
    Float64Array.from(cells, ([, , value]) => value),
  );
}

/** Written out row by row; 0 where there is no entry. */
function dense(matrix: Csr): number[][] {
  return Array.from({ length: matrix.nRows }, (_, r) => {
    const row = Array.from({ length: matrix.nCols }, () => 0);
    for (let e = matrix.indptr[r]!; e < matrix.indptr[r + 1]!; e++)
      row[matrix.indices[e]!] = matrix.values[e]!;
    return row;
  });
}

function expectAscending({ nRows, indptr, indices, values }: Csr): void {
  expect(indptr).toHaveLength(nRows + 1);
  expect([indptr[0], indptr[nRows], values.length]).toEqual([0, indices.length, indices.length]);
  for (let r = 0; r < nRows; r++) {
    const row = Array.from(indices.subarray(indptr[r], indptr[r + 1]));
    expect(row).toEqual([...new Set(row)].toSorted((a, b) => a - b));
  }
}

describe('a sparse matrix', () => {
  it('has the cells it was made of, added up, with ascending columns', () => {
    fc.assert(
      fc.property(matrices, ({ nRows, nCols, cells }) => {
        const matrix = fromCells(nRows, nCols, cells);
        const expected = Array.from({ length: nRows }, () => Array.from({ length: nCols }, () => 0));
        for (const [row, column, value] of cells) expected[row]![column]! += value;
        expect(dense(matrix)).toEqual(expected);
        expectAscending(matrix);
      }),
    );
  });

  it('transposes to itself and back', () => {
    fc.assert(
      fc.property(matrices, ({ nRows, nCols, cells }) => {
        const matrix = fromCells(nRows, nCols, cells);
        const transposed = transposeCsr(matrix);
        expectAscending(transposed);
        expect(dense(transposed)).toEqual(
          Array.from({ length: nCols }, (_, c) => dense(matrix).map((row) => row[c])),
        );
        expect(transposeCsr(transposed)).toEqual(matrix);
      }),
    );
  });

  it('counts the entries of rows and columns', () => {
    fc.assert(
      fc.property(matrices, ({ nRows, nCols, cells }) => {
        const matrix = fromCells(nRows, nCols, cells);
        const heard = dense(matrix).map((row) => row.map((value) => (value > 0 ? 1 : 0)));
        expect(Array.from(columnLengths(matrix))).toEqual(
          Array.from({ length: nCols }, (_, c) => heard.reduce<number>((n, row) => n + row[c]!, 0)),
        );
        expect(heard.map((_, r) => rowLength(matrix, r))).toEqual(
          heard.map((row) => row.reduce<number>((n, cell) => n + cell, 0)),
        );
      }),
    );
  });

  it('keeps shape and places when cells are mapped, shape alone when they are filtered', () => {
    const matrix = fromCells(2, 3, [
      [0, 2, 5],
      [0, 0, 4],
      [1, 1, 7],
    ]);
    expect(dense(mapCsr(matrix, (value, row, column) => 100 * value + 10 * row + column))).toEqual([
      [400, 0, 502],
      [0, 711, 0],
    ]);
    const odd = filterCsr(matrix, (row, column, value) => value % 2 === 1 && row + column > 0);
    expect(dense(odd)).toEqual([
      [0, 0, 5],
      [0, 7, 0],
    ]);
    expectAscending(odd);
  });

  it('refuses coordinates of unequal length', () => {
    expect(() => csrFromCoordinates(1, 1, Int32Array.of(0), Int32Array.of(0), new Float64Array(2))).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH', message: expect.stringContaining('2 values') }),
    );
  });
});
