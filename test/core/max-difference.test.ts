import { expect, it } from 'vitest';
import { maxDifference } from './max-difference.ts';
import { relativeDifference } from './math/panels.ts';

it('never lets a NaN pass for a small difference, wherever it stands', () => {
  expect(maxDifference([1, 2, 3], [1, 2.5, 3])).toBe(0.5);
  expect(maxDifference([NaN, 2, 3], [1, 2, 3])).toBeNaN();
  expect(maxDifference([1, 2, 3], [1, 2, NaN])).toBeNaN();
  expect(relativeDifference([NaN, 2], [1, 2])).toBeNaN();
  expect(relativeDifference([1, 2.5], [1, 2])).toBe(0.25);
});
