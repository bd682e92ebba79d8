/**
 * The largest distance between two arrays, element by element; NaN where either holds one, so that no bound is met.
 *
 * @throws Error when the lengths differ.
 */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths ${a.length} and ${b.length} differ`);
  let max = 0;
  // Math.max keeps a NaN, which a comparison would forget.
  for (let i = 0; i < a.length; i++) max = Math.max(max, Math.abs(a[i]! - b[i]!));
  return max;
}
