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
 * The whole matrix again, in the precision of its triangle.
 *
 * @param packed - Shape (n (n + 1) / 2,), see {@link packTriangle}.
 * @returns Shape (n × n,), row-major.
 */
export function unpackTriangle<T extends Float64Array | Float32Array>(packed: T, n: number): T {
  const matrix = packed instanceof Float32Array ? new Float32Array(n * n) : new Float64Array(n * n);
  for (let r = 0, at = 0; r < n; at += n - r, r++) {
    matrix.set(packed.subarray(at, at + n - r), r * n + r);
    for (let c = r + 1; c < n; c++) matrix[c * n + r] = packed[at + c - r]!;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made of the same class above
  return matrix as T;
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
  let r = 0;
  // Where row r starts, less r: its column c is at `start + c`.
  let start = 0;
  // Four rows at a time, each number summed in the order of one at a time.
  for (; r + 4 <= n; r += 4) {
    const p0 = start;
    const p1 = p0 + n - r - 1;
    const p2 = p1 + n - r - 2;
    const p3 = p2 + n - r - 3;
    const x0 = x[r]!;
    const x1 = x[r + 1]!;
    const x2 = x[r + 2]!;
    const x3 = x[r + 3]!;
    const v01 = packed[p0 + r + 1]!;
    const v02 = packed[p0 + r + 2]!;
    const v03 = packed[p0 + r + 3]!;
    const v12 = packed[p1 + r + 2]!;
    const v13 = packed[p1 + r + 3]!;
    const v23 = packed[p2 + r + 3]!;
    let s0 = packed[p0 + r]! * x0 + v01 * x1 + v02 * x2 + v03 * x3;
    let s1 = packed[p1 + r + 1]! * x1 + v12 * x2 + v13 * x3;
    let s2 = packed[p2 + r + 2]! * x2 + v23 * x3;
    let s3 = packed[p3 + r + 3]! * x3;
    for (let c = r + 4; c < n; c++) {
      const v0 = packed[p0 + c]!;
      const v1 = packed[p1 + c]!;
      const v2 = packed[p2 + c]!;
      const v3 = packed[p3 + c]!;
      const own = x[c]!;
      s0 += v0 * own;
      s1 += v1 * own;
      s2 += v2 * own;
      s3 += v3 * own;
      out[c] = out[c]! + v0 * x0 + v1 * x1 + v2 * x2 + v3 * x3;
    }
    out[r]! += s0;
    out[r + 1] = out[r + 1]! + v01 * x0 + s1;
    out[r + 2] = out[r + 2]! + v02 * x0 + v12 * x1 + s2;
    out[r + 3] = out[r + 3]! + v03 * x0 + v13 * x1 + v23 * x2 + s3;
    start = p3 + n - r - 4;
  }
  for (; r < n; r++) {
    const own = x[r]!;
    let sum = packed[start + r]! * own;
    for (let c = r + 1; c < n; c++) {
      const value = packed[start + c]!;
      sum += value * x[c]!;
      out[c]! += value * own;
    }
    out[r]! += sum;
    start += n - r - 1;
  }
  return out;
}
