import { describe, expect, it } from 'vitest';
import { symmetricEigen } from '../../../layers/core/src/math/eigen.ts';
import expected from '../../fixtures/dense/expected.json' with { type: 'json' };
import { randomSpd, relativeDifference } from './panels.ts';

describe('symmetricEigen', () => {
  it('finds the eigenvalues that LAPACK finds, ascending', () => {
    for (const { n, a, eigenvalues } of expected.cases) {
      const { values } = symmetricEigen(Float64Array.from(a), n);
      expect(relativeDifference(values, eigenvalues)).toBeLessThan(1e-13);
    }
  });

  it('finds orthonormal vectors that put the matrix together again', () => {
    const n = 30;
    const a = randomSpd(n, 3);
    const { values, vectors } = symmetricEigen(a, n);
    const rebuilt = new Float64Array(n * n);
    const gram = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        for (let l = 0; l < n; l++) {
          rebuilt[i * n + j]! += vectors[i * n + l]! * values[l]! * vectors[j * n + l]!;
          gram[i * n + j]! += vectors[l * n + i]! * vectors[l * n + j]!;
        }
      }
    }
    const identity = gram.map((_, at) => (at % (n + 1) === 0 ? 1 : 0));
    expect(relativeDifference(rebuilt, a)).toBeLessThan(1e-13);
    expect(relativeDifference(gram, identity)).toBeLessThan(1e-13);
  });

  it('decomposes the zero matrix', () => {
    const { values, vectors } = symmetricEigen(new Float64Array(9), 3);
    expect(Array.from(values)).toEqual([0, 0, 0]);
    expect(vectors.every(Number.isFinite)).toBe(true);
  });

  it.each([NaN, Infinity])('refuses a matrix with %d in it and says where', (value) => {
    const a = new Float64Array(9);
    a[5] = value;
    expect(() => symmetricEigen(a, 3)).toThrow(
      expect.objectContaining({ code: 'NOT_FINITE', message: expect.stringContaining('(1, 2)') }),
    );
  });
});
