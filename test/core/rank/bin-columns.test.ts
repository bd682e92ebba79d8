import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binColumns, type BinnedColumns } from '../../../layers/core/src/rank/bin-columns.ts';

function binOf({ packed, nRows }: BinnedColumns, r: number, c: number): number {
  return (packed[(c >> 2) * nRows + r]! >>> (8 * (c & 3))) & 255;
}

const binsOfColumn = (binned: BinnedColumns, c: number) =>
  Array.from({ length: binned.nRows }, (_, r) => binOf(binned, r, c));

describe('binColumns', () => {
  it('gives each of few values a bin, with edges halfway, and leaves constant columns out', () => {
    const rows = [
      [5, 7, 1, -1, 0, 2, 10],
      [5, 3, 1, -2, 0, 2, 30],
      [5, 4, 1, 6, 0, 2, 10],
    ];
    const binned = binColumns(Float64Array.from(rows.flat()), 3, 255);
    expect([...binned.columns]).toEqual([1, 3, 6]);
    expect(binned.edges.map((edges) => [...edges])).toEqual([[3.5, 5.5], [-1.5, 2.5], [20]]);
    expect([0, 1, 2].map((c) => binsOfColumn(binned, c))).toEqual([
      [2, 0, 1],
      [1, 0, 2],
      [0, 1, 0],
    ]);
  });

  it('fills bins evenly where values are many', () => {
    const binned = binColumns(
      Float64Array.from({ length: 1000 }, (_, i) => (i * 617) % 1000),
      1000,
      10,
    );
    expect([...binned.edges[0]!]).toEqual([99.5, 199.5, 299.5, 399.5, 499.5, 599.5, 699.5, 799.5, 899.5]);
  });

  it('gives a frequent value a bin to itself', () => {
    // 600 of 1000 rows hold 500; the other 400 values have 4 bins in all.
    const values = Float64Array.from({ length: 1000 }, (_, i) => (i < 400 ? (i < 200 ? i : 600 + i) : 500));
    const bins = binsOfColumn(binColumns(values, 1000, 5), 0);
    const ofFrequent = bins[400]!;
    expect(bins.filter((bin) => bin === ofFrequent)).toHaveLength(600);
  });

  it('never has more bins than asked for, keeps the order, and parts what its edges part', () => {
    const values = fc.array(
      fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(values, fc.integer({ min: 2, max: 12 }), (values, maxBins) => {
        const binned = binColumns(Float64Array.from(values), values.length, maxBins);
        const nDistinct = new Set(values.map((value) => value + 0)).size;
        expect(binned.columns.length).toBe(nDistinct > 1 ? 1 : 0);
        if (nDistinct === 1) return;
        const edges = binned.edges[0]!;
        expect(edges.length).toBeGreaterThan(0);
        expect(edges.length).toBeLessThan(maxBins);
        expect(edges.length === nDistinct - 1 || nDistinct > maxBins).toBe(true);
        for (const [r, value] of values.entries()) {
          expect(binOf(binned, r, 0)).toBe(edges.filter((edge) => value > edge).length);
        }
        // No bin is empty.
        expect(new Set(binsOfColumn(binned, 0)).size).toBe(edges.length + 1);
      }),
    );
  });

  it('parts neighbouring numbers, and numbers whose distance overflows', () => {
    const next = 1 + Number.EPSILON;
    for (const [low, high] of [
      [1, next],
      [next, next + Number.EPSILON],
      [-Number.MAX_VALUE, Number.MAX_VALUE],
    ] as const) {
      expect(binsOfColumn(binColumns(Float64Array.of(high, low), 2, 255), 0)).toEqual([1, 0]);
    }
  });
});
