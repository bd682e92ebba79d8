import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  multiplyTriangle,
  packTriangle,
  triangleLength,
} from '../../../layers/core/src/math/packed-triangle.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import { solveSpd } from '../../../layers/core/src/math/solve-spd.ts';
import { maxDifference } from '../max-difference.ts';

/** MᵀM + I, well conditioned. */
function randomSpd(n: number, seed: number): Float64Array {
  const rng = createRng(seed);
  const m = Float64Array.from({ length: n * n }, () => rng.normal());
  return Float64Array.from({ length: n * n }, (_, cell) => {
    const [r, c] = [Math.floor(cell / n), cell % n];
    let sum = r === c ? 1 : 0;
    for (let k = 0; k < n; k++) sum += m[k * n + r]! * m[k * n + c]!;
    return sum;
  });
}

function product(a: Float64Array, x: Float64Array): Float64Array {
  const n = x.length;
  return x.map((_, r) => x.reduce((sum, value, c) => sum + a[r * n + c]! * value, 0));
}

describe('solveSpd', () => {
  it('finds what the matrix turns into the right side', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(), (n, seed) => {
        const a = randomSpd(n, seed);
        const rng = createRng(seed + 1);
        const x = Float64Array.from({ length: n }, () => rng.normal());
        expect(maxDifference(solveSpd(a.slice(), product(a, x)), x)).toBeLessThan(1e-8);
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it('solves a system worked out by hand, from the upper triangle alone', () => {
    // 4x + 2y = 10, 2x + 3y = 9: x = 1.5, y = 2.
    const x = solveSpd(Float64Array.of(4, 2, NaN, 3), Float64Array.of(10, 9));
    expect(maxDifference(x, [1.5, 2])).toBeLessThan(1e-14);
  });

  it.each([
    [[0, 0, 0, 1], 0],
    [[1, 2, 2, 4], 1],
    [[NaN, 0, 0, 1], 0],
  ])('refuses %j, which is not positive definite, naming the pivot', (a, pivot) => {
    expect(() => solveSpd(Float64Array.from(a), Float64Array.of(1, 1))).toThrow(
      expect.objectContaining({
        code: 'NOT_POSITIVE_DEFINITE',
        details: expect.objectContaining({ pivot }),
      }),
    );
  });
});

describe('a packed triangle', () => {
  it('is the rows from the diagonal on, and multiplies like the whole', () => {
    const packed = packTriangle(Float64Array.of(1, 2, 3, 2, 4, 5, 3, 5, 6), 3);
    expect([...packed]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...multiplyTriangle(packed, Float64Array.of(1, 10, 100))]).toEqual([321, 542, 653]);
    for (const n of [1, 2, 17]) {
      const a = randomSpd(n, n);
      const x = Float64Array.from({ length: n }, (_, i) => i - 3);
      expect(packTriangle(a, n)).toHaveLength(triangleLength(n));
      expect(maxDifference(multiplyTriangle(packTriangle(a, n), x), product(a, x))).toBeLessThan(1e-10);
    }
  });
});
