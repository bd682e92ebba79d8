/**
 * The smallest of the values that at least a share `p` of them does not exceed: always one of them, never between two.
 *
 * @param values - Shape (n,), in any order, not NaN.
 * @param p - In (0, 1].
 * @returns 0 where there are no values.
 */
export function quantile(values: Float64Array, p: number): number {
  const sorted = values.toSorted();
  return sorted.length === 0 ? 0 : sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)]!;
}
