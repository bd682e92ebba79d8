/** Numbers in the upper triangle of an n × n matrix, diagonal included. */
export function triangleLength(n: number): number {
  return (n * (n + 1)) / 2;
}

/**
 * The upper triangle of a symmetric matrix, row after row: what has to be stored of it.
 *
 * @param matrix - Shape (n × n,), row-major.
 * @returns Shape (n (n + 1) / 2,).
 */
export function packTriangle(matrix: Float64Array, n: number): Float64Array {
  const packed = new Float64Array(triangleLength(n));
  for (let r = 0, at = 0; r < n; at += n - r, r++) {
    packed.set(matrix.subarray(r * n + r, (r + 1) * n), at);
  }
  return packed;
}

/**
 * The product of a symmetric matrix with a vector.
 *
 * @param packed - Shape (n (n + 1) / 2,): the upper triangle, see {@link packTriangle}.
 * @param x - Shape (n,).
 * @returns Shape (n,).
 */
export function multiplyTriangle(packed: Float64Array | Float32Array, x: Float64Array): Float64Array {
  const n = x.length;
  const out = new Float64Array(n);
  for (let r = 0, at = 0; r < n; r++) {
    const own = x[r]!;
    let sum = packed[at++]! * own;
    for (let c = r + 1; c < n; c++, at++) {
      const value = packed[at]!;
      sum += value * x[c]!;
      out[c]! += value * own;
    }
    out[r]! += sum;
  }
  return out;
}
