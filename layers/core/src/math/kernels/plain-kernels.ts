import type { Kernels } from './kernels.ts';

/** The kernels in plain TypeScript: what the WebAssembly ones are checked against, and what runs where they may not. */
export function createPlainKernels(): Kernels {
  let heap = new Float64Array(1024);
  let words = new Int32Array(heap.buffer);
  let top = 0;

  function allocate(doubles: number): number {
    const address = top;
    top += (doubles + 1) & ~1;
    if (top > heap.length) {
      const grown = new Float64Array(Math.max(top, Math.min(2 * heap.length, heap.length + (1 << 22))));
      grown.set(heap.subarray(0, address));
      heap = grown;
      words = new Int32Array(heap.buffer);
    }
    return address;
  }

  return {
    simd: false,
    get heap() {
      return heap;
    },
    get words() {
      return words;
    },
    allocate,
    release: (address) => {
      top = address;
    },

    multiply(
      mode,
      upper,
      a,
      aPanels,
      aStride,
      b,
      bPanels,
      bStride,
      depth,
      c,
      tileRowStride,
      tileColumnStride,
      rowStride,
    ) {
      const x = heap;
      // A block of A's panels stays in cache while B streams by.
      for (let from = 0; from < aPanels; from += 32) {
        const to = Math.min(aPanels, from + 32);
        for (let j = upper === 1 ? from : 0; j < bPanels; j++) {
          const end = upper === 1 ? Math.min(to, j + 1) : to;
          for (let i = from; i < end; i++) {
            const out = c + i * tileRowStride + j * tileColumnStride;
            tile(x, mode, a + i * aStride, b + j * bStride, depth, out, rowStride);
          }
        }
      }
    },

    cholesky(a, panels, stride) {
      const x = heap;
      for (let i = 0; i < panels; i++) {
        const panel = a + i * stride;
        const diagonal = panel + 16 * i;
        for (let j = i; j < panels; j++) {
          const other = a + j * stride;
          tile(x, -1, panel, other, 4 * i, other + 16 * i, 4);
        }
        for (let r = 0; r < 4; r++) {
          const row = diagonal + 4 * r;
          for (let q = 0; q < r; q++) {
            const f = x[diagonal + 4 * q + r]!;
            for (let s = r; s < 4; s++) x[row + s]! -= f * x[diagonal + 4 * q + s]!;
          }
          const pivot = x[row + r]!;
          if (!(pivot > 0)) return 4 * i + r + 1;
          const root = Math.sqrt(pivot);
          const inverse = 1 / root;
          x[row + r] = root;
          for (let s = r + 1; s < 4; s++) x[row + s]! *= inverse;
        }
        for (let j = i + 1; j < panels; j++) {
          const at = a + j * stride + 16 * i;
          for (let r = 0; r < 4; r++) {
            const row = at + 4 * r;
            for (let q = 0; q < r; q++) {
              const f = x[diagonal + 4 * q + r]!;
              for (let s = 0; s < 4; s++) x[row + s]! -= f * x[at + 4 * q + s]!;
            }
            const inverse = 1 / x[diagonal + 5 * r]!;
            for (let s = 0; s < 4; s++) x[row + s]! *= inverse;
          }
        }
      }
      return 0;
    },

    solve(r, panels, stride, b) {
      const x = heap;
      for (let i = 0; i < panels; i++) {
        const panel = r + i * stride;
        const diagonal = panel + 16 * i;
        let s0 = 0;
        let s1 = 0;
        let s2 = 0;
        let s3 = 0;
        for (let m = 0; m < 4 * i; m++) {
          const z = x[b + m]!;
          s0 += x[panel + 4 * m]! * z;
          s1 += x[panel + 4 * m + 1]! * z;
          s2 += x[panel + 4 * m + 2]! * z;
          s3 += x[panel + 4 * m + 3]! * z;
        }
        const at = b + 4 * i;
        x[at]! -= s0;
        x[at + 1]! -= s1;
        x[at + 2]! -= s2;
        x[at + 3]! -= s3;
        for (let q = 0; q < 4; q++) {
          const z = x[at + q]! / x[diagonal + 5 * q]!;
          x[at + q] = z;
          for (let s = q + 1; s < 4; s++) x[at + s]! -= x[diagonal + 4 * q + s]! * z;
        }
      }
      for (let i = panels - 1; i >= 0; i--) {
        const panel = r + i * stride;
        const diagonal = panel + 16 * i;
        const at = b + 4 * i;
        for (let q = 3; q >= 0; q--) {
          const z = x[at + q]! / x[diagonal + 5 * q]!;
          x[at + q] = z;
          for (let s = q - 1; s >= 0; s--) x[at + s]! -= x[diagonal + 4 * s + q]! * z;
        }
        const x0 = x[at]!;
        const x1 = x[at + 1]!;
        const x2 = x[at + 2]!;
        const x3 = x[at + 3]!;
        for (let m = 0; m < 4 * i; m++) {
          const p = panel + 4 * m;
          x[b + m]! -= x[p]! * x0 + x[p + 2]! * x2 + (x[p + 1]! * x1 + x[p + 3]! * x3);
        }
      }
    },

    gatherColumns(source, width, indices, count, scale, out) {
      const x = heap;
      const index = words;
      const padded = (count + 3) & ~3;
      for (let e = 0; e < padded; e++) {
        const to = out + (e >> 2) * 4 * width + (e & 3);
        if (e < count) {
          const from = source + index[indices + e]! * width;
          for (let l = 0; l < width; l++) x[to + 4 * l] = x[from + l]! * x[scale + l]!;
        } else {
          for (let l = 0; l < width; l++) x[to + 4 * l] = 0;
        }
      }
    },

    gatherRows(source, width, indices, count, weight, out) {
      const x = heap;
      const index = words;
      const stride = 4 * count;
      for (let e = 0; e < count; e++) {
        const from = source + index[indices + e]! * width;
        const w = x[weight + e]!;
        for (let l = 0; l < width; l += 4) {
          const to = out + (l >> 2) * stride + 4 * e;
          x[to] = x[from + l]! * w;
          x[to + 1] = x[from + l + 1]! * w;
          x[to + 2] = x[from + l + 2]! * w;
          x[to + 3] = x[from + l + 3]! * w;
        }
      }
    },

    weightedSum(source, width, indices, count, weight, out) {
      const x = heap;
      const index = words;
      x.fill(0, out, out + width);
      for (let e = 0; e < count; e++) {
        const from = source + index[indices + e]! * width;
        const w = x[weight + e]!;
        for (let l = 0; l < width; l++) x[out + l]! += x[from + l]! * w;
      }
    },
  };
}

// One 4 × 4 tile: sixteen sums in registers, each over m ascending.
function tile(
  x: Float64Array,
  mode: number,
  a: number,
  b: number,
  depth: number,
  c: number,
  rowStride: number,
): void {
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c03 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c13 = 0;
  let c20 = 0;
  let c21 = 0;
  let c22 = 0;
  let c23 = 0;
  let c30 = 0;
  let c31 = 0;
  let c32 = 0;
  let c33 = 0;
  for (let m = 0; m < depth; m++, a += 4, b += 4) {
    const b0 = x[b]!;
    const b1 = x[b + 1]!;
    const b2 = x[b + 2]!;
    const b3 = x[b + 3]!;
    const a0 = x[a]!;
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    const a1 = x[a + 1]!;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    const a2 = x[a + 2]!;
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
    const a3 = x[a + 3]!;
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    c33 += a3 * b3;
  }
  storeRow(x, mode, c, c00, c01, c02, c03);
  storeRow(x, mode, c + rowStride, c10, c11, c12, c13);
  storeRow(x, mode, c + 2 * rowStride, c20, c21, c22, c23);
  storeRow(x, mode, c + 3 * rowStride, c30, c31, c32, c33);
}

function storeRow(
  x: Float64Array,
  mode: number,
  c: number,
  v0: number,
  v1: number,
  v2: number,
  v3: number,
): void {
  if (mode === 0) {
    x[c] = v0;
    x[c + 1] = v1;
    x[c + 2] = v2;
    x[c + 3] = v3;
  } else if (mode > 0) {
    x[c]! += v0;
    x[c + 1]! += v1;
    x[c + 2]! += v2;
    x[c + 3]! += v3;
  } else {
    x[c]! -= v0;
    x[c + 1]! -= v1;
    x[c + 2]! -= v2;
    x[c + 3]! -= v3;
  }
}
