import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  chiSquareSurvival,
  normalCdf,
  normalQuantile,
  studentQuantile,
  studentTwoSided,
} from '../../../layers/core/src/math/distributions.ts';

const fixture: Readonly<Record<string, readonly (readonly number[])[]>> = JSON.parse(
  readFileSync(new URL('../../fixtures/distributions/expected.json', import.meta.url), 'utf8'),
);

/** The largest relative error; absolute where SciPy says 0. */
function largestError(name: string, ours: (...point: number[]) => number): number {
  const rows = fixture[name]!;
  expect(rows.length).toBeGreaterThan(10);
  return Math.max(
    ...rows.map((row) => {
      const expected = row.at(-1)!;
      return Math.abs(ours(...row.slice(0, -1)) - expected) / (Math.abs(expected) || 1);
    }),
  );
}

describe('the distribution functions', () => {
  it.each<[string, (...point: number[]) => number, number]>([
    ['normalCdf', normalCdf, 1e-12],
    ['normalQuantile', normalQuantile, 1e-12],
    ['studentTwoSided', studentTwoSided, 1e-10],
    ['studentQuantile', studentQuantile, 1e-10],
    ['chiSquareSurvival', chiSquareSurvival, 1e-11],
  ])('%s is what SciPy says, far into the tails', (name, ours, tolerance) => {
    expect(largestError(name, ours)).toBeLessThan(tolerance);
  });

  it('end where they have to', () => {
    expect(normalCdf(0)).toBe(0.5);
    expect(normalCdf(-Infinity)).toBe(0);
    expect(normalCdf(Infinity)).toBe(1);
    expect(studentTwoSided(0, 7)).toBe(1);
    expect(studentTwoSided(-Infinity, 7)).toBe(0);
    expect(chiSquareSurvival(0, 1)).toBe(1);
    expect(chiSquareSurvival(Infinity, 1)).toBe(0);
  });
});
