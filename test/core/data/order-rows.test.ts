import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderRows } from '../../../layers/core/src/data/order-rows.ts';

describe('orderRows', () => {
  it('orders by the first column, then the second, and keeps the order of equal rows', () => {
    const first = Int32Array.of(1, 0, 1, 0, 1);
    const second = Int32Array.of(2, 1, 0, 1, 2);
    expect([...orderRows([first, second], [2, 3])]).toEqual([1, 3, 2, 0, 4]);
  });

  it('agrees with a comparison sort', () => {
    const rows = fc.array(fc.tuple(fc.nat(3), fc.nat(5), fc.nat(2)));
    fc.assert(
      fc.property(rows, (table) => {
        const columns = [0, 1, 2].map((c) => Int32Array.from(table, (row) => row[c]!));
        const expected = table
          .map((row, i) => ({ row, i }))
          .toSorted((a, b) => a.row[0] - b.row[0] || a.row[1] - b.row[1] || a.row[2] - b.row[2] || a.i - b.i);
        expect([...orderRows(columns, [4, 6, 3])]).toEqual(expected.map(({ i }) => i));
      }),
    );
  });
});
