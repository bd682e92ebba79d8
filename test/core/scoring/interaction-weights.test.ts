import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interactionWeights } from '../../../layers/core/src/scoring/shared-tables.ts';
import { csrFromCoordinates } from '../../../layers/core/src/math/csr.ts';

function weightsOfOneListener(plays: readonly number[]): number[] {
  const n = plays.length;
  const matrix = csrFromCoordinates(
    1,
    n,
    new Int32Array(n),
    Int32Array.from(plays.keys()),
    Float64Array.from(plays),
  );
  return Array.from(interactionWeights(matrix).values);
}

describe('interactionWeights', () => {
  it('ranks the plays of a listener between ½ and 3/2', () => {
    expect(weightsOfOneListener([40, 7, 3000, 12])).toEqual([1.125, 0.625, 1.375, 0.875]);
    expect(weightsOfOneListener([5])).toEqual([1]);
  });

  it('gives equal plays the mean of their ranks', () => {
    expect(weightsOfOneListener([2, 1, 2, 2])).toEqual([1.125, 0.625, 1.125, 1.125]);
  });

  it('weighs every listener alike, whatever the plays', () => {
    const plays = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(plays, (row) => {
        const weights = weightsOfOneListener(row);
        expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(row.length, 9);
        weights.forEach((w, i) => {
          expect(w).toBeGreaterThan(0.5);
          expect(w).toBeLessThan(1.5);
          weights.forEach((v, j) => expect(Math.sign(w - v)).toBe(Math.sign(row[i]! - row[j]!)));
        });
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  it('keeps the cells, each listener for itself', () => {
    const matrix = csrFromCoordinates(
      3,
      4,
      Int32Array.of(0, 0, 2),
      Int32Array.of(1, 3, 0),
      Float64Array.of(900, 5, 1),
    );
    const weights = interactionWeights(matrix);
    expect(weights.indptr).toEqual(matrix.indptr);
    expect(weights.indices).toEqual(matrix.indices);
    expect(Array.from(weights.values)).toEqual([1.25, 0.75, 1]);
  });
});
