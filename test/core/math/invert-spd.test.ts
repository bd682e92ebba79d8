import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invertSpd } from '../../../layers/core/src/math/invert-spd.ts';
import { createKernels } from '../../../layers/core/src/math/kernels/kernels.ts';
import expected from '../../fixtures/dense/expected.json' with { type: 'json' };
import { panelCount, randomSpd, readUpper, relativeDifference, writeSymmetric } from './panels.ts';

function invert(matrix: ArrayLike<number>, n: number, simd = true): Float64Array {
  const kernels = createKernels({ simd });
  const at = writeSymmetric(kernels, matrix, n);
  invertSpd(kernels, at, panelCount(n));
  return readUpper(kernels, at, { n, mirrored: true });
}

describe('invertSpd', () => {
  it('inverts as LAPACK does', () => {
    for (const { n, a, inverse } of expected.cases) {
      expect(relativeDifference(invert(a, n), inverse)).toBeLessThan(1e-12);
    }
  });

  it('leaves the identity when multiplied by the matrix, also over several blocks', () => {
    // Blocks are of 128 rows: one, exactly one, a remainder of one row, three.
    for (const n of [2, 127, 128, 129, 300]) {
      const a = randomSpd(n, n);
      const inverse = invert(a, n);
      let worst = 0;
      for (let i = 0; i < n; i += 7) {
        for (let j = 0; j < n; j++) {
          let sum = i === j ? -1 : 0;
          for (let m = 0; m < n; m++) sum += a[i * n + m]! * inverse[m * n + j]!;
          worst = Math.max(worst, Math.abs(sum));
        }
      }
      expect(worst).toBeLessThan(1e-9);
    }
  });

  it('gives the same bytes with and without SIMD', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 150 }), fc.nat(), (n, seed) => {
        const a = randomSpd(n, seed);
        expect(Buffer.from(invert(a, n, true).buffer)).toEqual(Buffer.from(invert(a, n, false).buffer));
      }),
      { numRuns: 12, seed: 1 },
    );
  });

  it.each([0, 5, 128, 131])('names pivot %i where a matrix is not positive definite', (pivot) => {
    const n = 140;
    const a = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 2 : 0));
    for (const value of [-1, 0, NaN]) {
      a[pivot * (n + 1)] = value;
      expect(() => invert(a, n)).toThrow(
        expect.objectContaining({ code: 'NOT_POSITIVE_DEFINITE', details: { pivot, value } }),
      );
    }
  });

  it('gives back the memory it worked in', () => {
    const kernels = createKernels({ simd: true });
    const at = writeSymmetric(kernels, randomSpd(9, 1), 9);
    const before = kernels.allocate(0);
    invertSpd(kernels, at, 3);
    expect(kernels.allocate(0)).toBe(before);
  });
});
