import { describe, expect, it } from 'vitest';
import { quantile } from '../../../layers/core/src/math/quantile.ts';

describe('quantile', () => {
  it('is the smallest value that the share does not exceed', () => {
    const values = Float64Array.of(40, 10, 30, 20);
    expect([0.01, 0.25, 0.26, 0.5, 0.75, 0.9, 1].map((p) => quantile(values, p))).toEqual([
      10, 10, 20, 20, 30, 40, 40,
    ]);
    expect([...values]).toEqual([40, 10, 30, 20]);
  });

  it('is 0 of nothing', () => {
    expect(quantile(new Float64Array(0), 0.5)).toBe(0);
  });
});
