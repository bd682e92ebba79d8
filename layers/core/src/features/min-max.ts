/**
 * Scales values to [0, 1]: (x - min) / (max - min), over the values that are not NaN.
 *
 * @param values - Shape (n,), finite or NaN.
 * @returns Shape (n,): 0 everywhere where the range is degenerate (all values equal), NaN where the value was NaN.
 */
export function minMaxScale(values: Float64Array): Float64Array {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  const range = max - min;
  return values.map((x) => (Number.isNaN(x) ? NaN : range > 0 ? (x - min) / range : 0));
}
