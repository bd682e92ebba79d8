/**
 * Orders rows by several integer columns, the first one deciding first (stable counting sorts, last column first).
 *
 * @param columns - Each of shape (n,), with values in [0, its size).
 * @param sizes - For each column, one more than its largest value.
 * @returns Shape (n,): row numbers in ascending order; equal rows keep their order.
 */
export function orderRows(columns: readonly Int32Array[], sizes: readonly number[]): Int32Array {
  const n = columns[0]!.length;
  let order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  let next = new Int32Array(n);
  for (let c = columns.length - 1; c >= 0; c--) {
    const keys = columns[c]!;
    const places = new Int32Array(sizes[c]! + 1);
    for (let i = 0; i < n; i++) places[keys[i]! + 1]!++;
    for (let k = 0; k < sizes[c]!; k++) places[k + 1]! += places[k]!;
    for (let i = 0; i < n; i++) {
      const row = order[i]!;
      next[places[keys[row]!]!++] = row;
    }
    [order, next] = [next, order];
  }
  return order;
}
