/**
 * The scores that a row's factors give all columns: out_i = Σ_f row_f · column_if.
 *
 * @param row - Shape (factors,).
 * @param columns - Shape (≥ out.length × factors,), row-major.
 * @param out - Shape (n,), overwritten.
 */
export function scoreColumns(
  row: Float64Array,
  columns: Float64Array | Float32Array,
  out: Float64Array,
): void {
  const factors = row.length;
  const n = out.length;
  let i = 0;
  // Four columns at a time: four sums that do not wait for each other, each in the order of one.
  for (let at = 0; i + 4 <= n; i += 4, at += 4 * factors) {
    const a1 = at + factors;
    const a2 = a1 + factors;
    const a3 = a2 + factors;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let f = 0; f < factors; f++) {
      const x = row[f]!;
      s0 += x * columns[at + f]!;
      s1 += x * columns[a1 + f]!;
      s2 += x * columns[a2 + f]!;
      s3 += x * columns[a3 + f]!;
    }
    out[i] = s0;
    out[i + 1] = s1;
    out[i + 2] = s2;
    out[i + 3] = s3;
  }
  for (; i < n; i++) {
    let sum = 0;
    for (let f = 0, at = i * factors; f < factors; f++, at++) sum += row[f]! * columns[at]!;
    out[i] = sum;
  }
}
