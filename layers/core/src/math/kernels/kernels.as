// AssemblyScript, compiled by layers/core/scripts/build-kernels.ts to kernels-wasm.ts.
// What each function does, and why its results equal plain-kernels.ts bit for bit, is said in kernels.ts.
// Addresses come in doubles and become bytes here.

function tile(mode: i32, a: usize, b: usize, depth: i32, c: usize, rowBytes: usize): void {
  let c00 = f64x2.splat(0);
  let c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0);
  let c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0);
  let c31 = f64x2.splat(0);
  const end = a + ((<usize>depth & ~1) << 5);
  while (a < end) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    let s = v128.load64_splat(a);
    c00 = f64x2.add(c00, f64x2.mul(s, b0));
    c01 = f64x2.add(c01, f64x2.mul(s, b1));
    s = v128.load64_splat(a, 8);
    c10 = f64x2.add(c10, f64x2.mul(s, b0));
    c11 = f64x2.add(c11, f64x2.mul(s, b1));
    s = v128.load64_splat(a, 16);
    c20 = f64x2.add(c20, f64x2.mul(s, b0));
    c21 = f64x2.add(c21, f64x2.mul(s, b1));
    s = v128.load64_splat(a, 24);
    c30 = f64x2.add(c30, f64x2.mul(s, b0));
    c31 = f64x2.add(c31, f64x2.mul(s, b1));
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    s = v128.load64_splat(a, 32);
    c00 = f64x2.add(c00, f64x2.mul(s, b0));
    c01 = f64x2.add(c01, f64x2.mul(s, b1));
    s = v128.load64_splat(a, 40);
    c10 = f64x2.add(c10, f64x2.mul(s, b0));
    c11 = f64x2.add(c11, f64x2.mul(s, b1));
    s = v128.load64_splat(a, 48);
    c20 = f64x2.add(c20, f64x2.mul(s, b0));
    c21 = f64x2.add(c21, f64x2.mul(s, b1));
    s = v128.load64_splat(a, 56);
    c30 = f64x2.add(c30, f64x2.mul(s, b0));
    c31 = f64x2.add(c31, f64x2.mul(s, b1));
    a += 64;
    b += 64;
  }
  if (depth & 1) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let s = v128.load64_splat(a);
    c00 = f64x2.add(c00, f64x2.mul(s, b0));
    c01 = f64x2.add(c01, f64x2.mul(s, b1));
    s = v128.load64_splat(a, 8);
    c10 = f64x2.add(c10, f64x2.mul(s, b0));
    c11 = f64x2.add(c11, f64x2.mul(s, b1));
    s = v128.load64_splat(a, 16);
    c20 = f64x2.add(c20, f64x2.mul(s, b0));
    c21 = f64x2.add(c21, f64x2.mul(s, b1));
    s = v128.load64_splat(a, 24);
    c30 = f64x2.add(c30, f64x2.mul(s, b0));
    c31 = f64x2.add(c31, f64x2.mul(s, b1));
  }
  const r1 = c + rowBytes;
  const r2 = r1 + rowBytes;
  const r3 = r2 + rowBytes;
  if (mode > 0) {
    c00 = f64x2.add(v128.load(c), c00);
    c01 = f64x2.add(v128.load(c, 16), c01);
    c10 = f64x2.add(v128.load(r1), c10);
    c11 = f64x2.add(v128.load(r1, 16), c11);
    c20 = f64x2.add(v128.load(r2), c20);
    c21 = f64x2.add(v128.load(r2, 16), c21);
    c30 = f64x2.add(v128.load(r3), c30);
    c31 = f64x2.add(v128.load(r3, 16), c31);
  } else if (mode < 0) {
    c00 = f64x2.sub(v128.load(c), c00);
    c01 = f64x2.sub(v128.load(c, 16), c01);
    c10 = f64x2.sub(v128.load(r1), c10);
    c11 = f64x2.sub(v128.load(r1, 16), c11);
    c20 = f64x2.sub(v128.load(r2), c20);
    c21 = f64x2.sub(v128.load(r2, 16), c21);
    c30 = f64x2.sub(v128.load(r3), c30);
    c31 = f64x2.sub(v128.load(r3, 16), c31);
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(r1, c10);
  v128.store(r1, c11, 16);
  v128.store(r2, c20);
  v128.store(r2, c21, 16);
  v128.store(r3, c30);
  v128.store(r3, c31, 16);
}

export function multiply(
  mode: i32,
  upper: i32,
  a: i32,
  aPanels: i32,
  aStride: i32,
  b: i32,
  bPanels: i32,
  bStride: i32,
  depth: i32,
  c: i32,
  tileRowStride: i32,
  tileColumnStride: i32,
  rowStride: i32,
): void {
  for (let from = 0; from < aPanels; from += 32) {
    const to = min(aPanels, from + 32);
    for (let j = upper ? from : 0; j < bPanels; j++) {
      const end = upper ? min(to, j + 1) : to;
      for (let i = from; i < end; i++) {
        const out = c + i * tileRowStride + j * tileColumnStride;
        tile(
          mode,
          <usize>(a + i * aStride) << 3,
          <usize>(b + j * bStride) << 3,
          depth,
          <usize>out << 3,
          <usize>rowStride << 3,
        );
      }
    }
  }
}

export function cholesky(a: i32, panels: i32, stride: i32): i32 {
  const base = <usize>a << 3;
  const strideBytes = <usize>stride << 3;
  for (let i = 0; i < panels; i++) {
    const panel = base + <usize>i * strideBytes;
    const diagonal = panel + ((<usize>i) << 7);
    for (let j = i; j < panels; j++) {
      const other = base + <usize>j * strideBytes;
      tile(-1, panel, other, 4 * i, other + ((<usize>i) << 7), 32);
    }
    for (let r = 0; r < 4; r++) {
      const row = diagonal + ((<usize>r) << 5);
      for (let q = 0; q < r; q++) {
        const above = diagonal + ((<usize>q) << 5);
        const f = load<f64>(above + ((<usize>r) << 3));
        for (let s = r; s < 4; s++) {
          const at = row + ((<usize>s) << 3);
          store<f64>(at, load<f64>(at) - f * load<f64>(above + ((<usize>s) << 3)));
        }
      }
      const pivotAt = row + ((<usize>r) << 3);
      const pivot = load<f64>(pivotAt);
      if (!(pivot > 0)) return 4 * i + r + 1;
      const root = Math.sqrt(pivot);
      const inverse = 1 / root;
      store<f64>(pivotAt, root);
      for (let s = r + 1; s < 4; s++) {
        const at = row + ((<usize>s) << 3);
        store<f64>(at, load<f64>(at) * inverse);
      }
    }
    const f01 = v128.load64_splat(diagonal, 8);
    const f02 = v128.load64_splat(diagonal, 16);
    const f03 = v128.load64_splat(diagonal, 24);
    const f12 = v128.load64_splat(diagonal, 48);
    const f13 = v128.load64_splat(diagonal, 56);
    const f23 = v128.load64_splat(diagonal, 88);
    const i0 = f64x2.splat(1 / load<f64>(diagonal));
    const i1 = f64x2.splat(1 / load<f64>(diagonal, 40));
    const i2 = f64x2.splat(1 / load<f64>(diagonal, 80));
    const i3 = f64x2.splat(1 / load<f64>(diagonal, 120));
    for (let j = i + 1; j < panels; j++) {
      const at = base + <usize>j * strideBytes + ((<usize>i) << 7);
      for (let half: usize = 0; half < 32; half += 16) {
        const p = at + half;
        const t0 = f64x2.mul(v128.load(p), i0);
        const t1 = f64x2.mul(f64x2.sub(v128.load(p, 32), f64x2.mul(f01, t0)), i1);
        const t2 = f64x2.mul(
          f64x2.sub(f64x2.sub(v128.load(p, 64), f64x2.mul(f02, t0)), f64x2.mul(f12, t1)),
          i2,
        );
        const t3 = f64x2.mul(
          f64x2.sub(
            f64x2.sub(f64x2.sub(v128.load(p, 96), f64x2.mul(f03, t0)), f64x2.mul(f13, t1)),
            f64x2.mul(f23, t2),
          ),
          i3,
        );
        v128.store(p, t0);
        v128.store(p, t1, 32);
        v128.store(p, t2, 64);
        v128.store(p, t3, 96);
      }
    }
  }
  return 0;
}

export function solve(r: i32, panels: i32, stride: i32, b: i32): void {
  const base = <usize>r << 3;
  const strideBytes = <usize>stride << 3;
  const right = <usize>b << 3;
  for (let i = 0; i < panels; i++) {
    const panel = base + <usize>i * strideBytes;
    const diagonal = panel + ((<usize>i) << 7);
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let p = panel;
    const at = right + ((<usize>i) << 5);
    for (let z = right; z < at; z += 8) {
      const v = v128.load64_splat(z);
      s0 = f64x2.add(s0, f64x2.mul(v128.load(p), v));
      s1 = f64x2.add(s1, f64x2.mul(v128.load(p, 16), v));
      p += 32;
    }
    v128.store(at, f64x2.sub(v128.load(at), s0));
    v128.store(at, f64x2.sub(v128.load(at, 16), s1), 16);
    for (let q = 0; q < 4; q++) {
      const zAt = at + ((<usize>q) << 3);
      const z = load<f64>(zAt) / load<f64>(diagonal + <usize>q * 40);
      store<f64>(zAt, z);
      for (let s = q + 1; s < 4; s++) {
        const to = at + ((<usize>s) << 3);
        store<f64>(to, load<f64>(to) - load<f64>(diagonal + ((<usize>q) << 5) + ((<usize>s) << 3)) * z);
      }
    }
  }
  for (let i = panels - 1; i >= 0; i--) {
    const panel = base + <usize>i * strideBytes;
    const diagonal = panel + ((<usize>i) << 7);
    const at = right + ((<usize>i) << 5);
    for (let q = 3; q >= 0; q--) {
      const zAt = at + ((<usize>q) << 3);
      const z = load<f64>(zAt) / load<f64>(diagonal + <usize>q * 40);
      store<f64>(zAt, z);
      for (let s = q - 1; s >= 0; s--) {
        const to = at + ((<usize>s) << 3);
        store<f64>(to, load<f64>(to) - load<f64>(diagonal + ((<usize>s) << 5) + ((<usize>q) << 3)) * z);
      }
    }
    const x0 = v128.load(at);
    const x1 = v128.load(at, 16);
    let p = panel;
    for (let z = right; z < at; z += 8) {
      const v = f64x2.add(f64x2.mul(v128.load(p), x0), f64x2.mul(v128.load(p, 16), x1));
      store<f64>(z, load<f64>(z) - (f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1)));
      p += 32;
    }
  }
}

export function gatherColumns(
  source: i32,
  width: i32,
  indices: i32,
  count: i32,
  scale: i32,
  out: i32,
): void {
  const rows = <usize>source << 3;
  const rowBytes = <usize>width << 3;
  const index = <usize>indices << 2;
  const scales = <usize>scale << 3;
  let to = <usize>out << 3;
  let e = 0;
  for (; e + 4 <= count; e += 4) {
    const at = index + ((<usize>e) << 2);
    let r0 = rows + <usize>load<i32>(at) * rowBytes;
    let r1 = rows + <usize>load<i32>(at, 4) * rowBytes;
    let r2 = rows + <usize>load<i32>(at, 8) * rowBytes;
    let r3 = rows + <usize>load<i32>(at, 12) * rowBytes;
    for (let l: usize = 0; l < rowBytes; l += 16) {
      const s = v128.load(scales + l);
      const v0 = f64x2.mul(v128.load(r0 + l), s);
      const v1 = f64x2.mul(v128.load(r1 + l), s);
      const v2 = f64x2.mul(v128.load(r2 + l), s);
      const v3 = f64x2.mul(v128.load(r3 + l), s);
      v128.store(to, v128.shuffle<f64>(v0, v1, 0, 2));
      v128.store(to, v128.shuffle<f64>(v2, v3, 0, 2), 16);
      v128.store(to, v128.shuffle<f64>(v0, v1, 1, 3), 32);
      v128.store(to, v128.shuffle<f64>(v2, v3, 1, 3), 48);
      to += 64;
    }
  }
  if (e < count) {
    memory.fill(to, 0, rowBytes << 2);
    for (let c: usize = 0; e < count; e++, c += 8) {
      const row = rows + <usize>load<i32>(index + ((<usize>e) << 2)) * rowBytes;
      let p = to + c;
      for (let l: usize = 0; l < rowBytes; l += 8) {
        store<f64>(p, load<f64>(row + l) * load<f64>(scales + l));
        p += 32;
      }
    }
  }
}

export function gatherRows(
  source: i32,
  width: i32,
  indices: i32,
  count: i32,
  weight: i32,
  out: i32,
): void {
  const rows = <usize>source << 3;
  const rowBytes = <usize>width << 3;
  const index = <usize>indices << 2;
  const weights = <usize>weight << 3;
  const strideBytes = <usize>count << 5;
  for (let e = 0; e < count; e++) {
    let row = rows + <usize>load<i32>(index + ((<usize>e) << 2)) * rowBytes;
    const end = row + rowBytes;
    const w = v128.load64_splat(weights + ((<usize>e) << 3));
    let to = (<usize>out << 3) + ((<usize>e) << 5);
    for (; row < end; row += 32) {
      v128.store(to, f64x2.mul(v128.load(row), w));
      v128.store(to, f64x2.mul(v128.load(row, 16), w), 16);
      to += strideBytes;
    }
  }
}

export function weightedSum(
  source: i32,
  width: i32,
  indices: i32,
  count: i32,
  weight: i32,
  out: i32,
): void {
  const rows = <usize>source << 3;
  const rowBytes = <usize>width << 3;
  const index = <usize>indices << 2;
  const weights = <usize>weight << 3;
  const to = <usize>out << 3;
  memory.fill(to, 0, rowBytes);
  for (let e = 0; e < count; e++) {
    const row = rows + <usize>load<i32>(index + ((<usize>e) << 2)) * rowBytes;
    const w = v128.load64_splat(weights + ((<usize>e) << 3));
    for (let l: usize = 0; l < rowBytes; l += 16) {
      v128.store(to + l, f64x2.add(v128.load(to + l), f64x2.mul(v128.load(row + l), w)));
    }
  }
}
