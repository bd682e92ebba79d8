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
  for (let i = 0, at = 0; i < out.length; i++) {
    let sum = 0;
    for (let f = 0; f < factors; f++, at++) sum += row[f]! * columns[at]!;
    out[i] = sum;
  }
}
