import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileKernels } from '../../../layers/core/scripts/build-kernels.ts';
import { KERNELS_WASM } from '../../../layers/core/src/math/kernels/kernels-wasm.ts';
import { createKernels, type Kernels } from '../../../layers/core/src/math/kernels/kernels.ts';
import { createRng } from '../../../layers/core/src/math/rng.ts';
import expected from '../../fixtures/dense/expected.json' with { type: 'json' };
import {
  panelCount,
  panelIndex,
  randomNumbers,
  randomSpd,
  readUpper,
  relativeDifference,
  writePanels,
  writeSymmetric,
} from './panels.ts';

const IMPLEMENTATIONS = [
  ['plain TypeScript', false],
  ['WebAssembly', true],
] as const;

/** Runs the same steps on both implementations and gives what each leaves behind. */
function onBoth(run: (kernels: Kernels) => ArrayLike<number>): ArrayLike<number>[] {
  return IMPLEMENTATIONS.map(([, simd]) => run(createKernels({ simd })));
}

function bytes(values: ArrayLike<number>): string {
  return Buffer.from(Float64Array.from(values).buffer).toString('hex');
}

function product(kernels: Kernels, n: number, m: number, depth: number, mode: number): Float64Array {
  const a = writePanels(kernels, randomNumbers(depth * n, 1), { nRows: depth, nColumns: n });
  const b = writePanels(kernels, randomNumbers(depth * m, 2), { nRows: depth, nColumns: m });
  const width = 4 * panelCount(m);
  const c = kernels.allocate(4 * panelCount(n) * width);
  kernels.heap.set(randomNumbers(4 * panelCount(n) * width, 3), c);
  const slice = 4 * depth;
  kernels.multiply(mode, 0, a, panelCount(n), slice, b, panelCount(m), slice, depth, c, 4 * width, 4, width);
  return kernels.heap.slice(c, c + n * width);
}

describe.each(IMPLEMENTATIONS)('kernels in %s', (_, simd) => {
  it.each([
    [1, 1, 1],
    [4, 4, 7],
    [5, 9, 3],
    [150, 6, 2],
    [3, 3, 0],
  ])('multiply %i × %i matrices of depth %i as a sum of products', (n, m, depth) => {
    const a = randomNumbers(depth * n, 1);
    const b = randomNumbers(depth * m, 2);
    const width = 4 * panelCount(m);
    const before = randomNumbers(4 * panelCount(n) * width, 3);
    for (const mode of [-1, 0, 1]) {
      const c = product(createKernels({ simd }), n, m, depth, mode);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < m; j++) {
          let sum = 0;
          for (let l = 0; l < depth; l++) sum += a[l * n + i]! * b[l * m + j]!;
          const at = i * width + j;
          expect(c[at]).toBe(mode === 0 ? sum : mode === 1 ? before[at]! + sum : before[at]! - sum);
        }
      }
    }
  });

  it('leaves tiles below the diagonal alone when only the upper ones are asked for', () => {
    const kernels = createKernels({ simd });
    const n = 160;
    const a = writePanels(kernels, randomNumbers(3 * n, 1), { nRows: 3, nColumns: n });
    const c = kernels.allocate(n * n);
    kernels.heap.fill(NaN, c, c + n * n);
    kernels.multiply(0, 1, a, n / 4, 12, a, n / 4, 12, 3, c, 16, 4 * n, 4);
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        expect(Number.isNaN(kernels.heap[c + panelIndex(i, j, n)])).toBe(i >> 2 > j >> 2);
      }
    }
  });

  it('factorise and solve as LAPACK does', () => {
    for (const { n, a, b, factor, solution } of expected.cases) {
      const kernels = createKernels({ simd });
      const at = writeSymmetric(kernels, a, n);
      const right = kernels.allocate(4 * panelCount(n));
      kernels.heap.fill(0, right, right + 4 * panelCount(n));
      kernels.heap.set(b, right);
      expect(kernels.cholesky(at, panelCount(n), 16 * panelCount(n))).toBe(0);
      expect(relativeDifference(readUpper(kernels, at, { n, mirrored: false }), factor)).toBeLessThan(1e-14);
      kernels.solve(at, panelCount(n), 16 * panelCount(n), right);
      expect(relativeDifference(kernels.heap.slice(right, right + n), solution)).toBeLessThan(1e-12);
    }
  });

  it.each([0, 3, 4, 9])('say that pivot %i of a matrix is not positive', (pivot) => {
    const n = 10;
    for (const value of [-1, 0, NaN]) {
      const kernels = createKernels({ simd });
      const identity = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
      identity[pivot * (n + 1)] = value;
      const at = writeSymmetric(kernels, identity, n);
      expect(kernels.cholesky(at, 3, 48)).toBe(pivot + 1);
    }
  });

  it('gather rows of a matrix as columns and as rows', () => {
    const kernels = createKernels({ simd });
    const width = 8;
    const source = kernels.allocate(6 * width);
    kernels.heap.set(randomNumbers(6 * width, 4), source);
    const rows = [5, 0, 3, 3, 1];
    const indices = 2 * kernels.allocate(4) + 1;
    kernels.words.set(rows, indices);
    const scale = kernels.allocate(width);
    kernels.heap.set(randomNumbers(width, 5), scale);
    const out = kernels.allocate(2 * 4 * width);
    const { heap } = kernels;
    kernels.gatherColumns(source, width, indices, rows.length, scale, out);
    for (let e = 0; e < 8; e++) {
      for (let l = 0; l < width; l++) {
        const want = e < rows.length ? heap[source + rows[e]! * width + l]! * heap[scale + l]! : 0;
        expect(heap[out + panelIndex(l, e, width)]).toBe(want);
      }
    }
    kernels.gatherRows(source, width, indices, rows.length, scale, out);
    for (let e = 0; e < rows.length; e++) {
      for (let l = 0; l < width; l++) {
        expect(heap[out + panelIndex(e, l, rows.length)]).toBe(
          heap[source + rows[e]! * width + l]! * heap[scale + e]!,
        );
      }
    }
    kernels.weightedSum(source, width, indices, rows.length, scale, out);
    for (let l = 0; l < width; l++) {
      let sum = 0;
      rows.forEach((row, e) => (sum += heap[source + row * width + l]! * heap[scale + e]!));
      expect(heap[out + l]).toBe(sum);
    }
  });

  it('keep what was written when memory grows, and reuse what was released', () => {
    const kernels = createKernels({ simd });
    const first = kernels.allocate(3);
    kernels.heap.set([1, 2, 3], first);
    const second = kernels.allocate(1_000_000);
    expect(second % 2).toBe(0);
    expect(kernels.heap.length).toBeGreaterThanOrEqual(second + 1_000_000);
    expect(Array.from(kernels.heap.subarray(first, first + 3))).toEqual([1, 2, 3]);
    expect(kernels.words.buffer).toBe(kernels.heap.buffer);
    kernels.release(second);
    expect(kernels.allocate(10)).toBe(second);
  });
});

describe('the two implementations', () => {
  it('give the same bytes for products', () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, size, fc.constantFrom(-1, 0, 1), (n, m, depth, mode) => {
        const [plain, wasm] = onBoth((kernels) => product(kernels, n, m, depth, mode));
        expect(bytes(wasm!)).toBe(bytes(plain!));
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it('give the same bytes for factors and solutions', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 45 }), fc.nat(), (n, seed) => {
        const [plain, wasm] = onBoth((kernels) => {
          const at = writeSymmetric(kernels, randomSpd(n, seed), n);
          const panels = panelCount(n);
          const right = writePanels(kernels, randomNumbers(4 * panels, seed + 1), {
            nRows: 4 * panels,
            nColumns: 1,
          });
          kernels.cholesky(at, panels, 16 * panels);
          kernels.solve(at, panels, 16 * panels, right);
          return kernels.heap.slice(0, right + 4 * panels);
        });
        expect(bytes(wasm!)).toBe(bytes(plain!));
      }),
      { numRuns: 40, seed: 2 },
    );
  });

  it('give the same bytes for gathered rows and their weighted sums', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 6 }), (count, panels) => {
        const width = 4 * panels;
        const [plain, wasm] = onBoth((kernels) => {
          const source = kernels.allocate(50 * width);
          kernels.heap.set(randomNumbers(50 * width, 1), source);
          const indices = 2 * kernels.allocate(count);
          const rng = createRng(count);
          for (let e = 0; e < count; e++) kernels.words[indices + e] = rng.integer(50);
          const weights = kernels.allocate(Math.max(count, width));
          kernels.heap.set(randomNumbers(Math.max(count, width), 2), weights);
          const size = width * (count + 3);
          const out = kernels.allocate(3 * size);
          kernels.heap.fill(0, out, out + 3 * size);
          kernels.gatherColumns(source, width, indices, count, weights, out);
          kernels.gatherRows(source, width, indices, count, weights, out + size);
          kernels.weightedSum(source, width, indices, count, weights, out + 2 * size);
          return kernels.heap.slice(out, out + 3 * size);
        });
        expect(bytes(wasm!)).toBe(bytes(plain!));
      }),
      { numRuns: 40, seed: 3 },
    );
  });
});

describe('the committed WebAssembly', () => {
  it('is what AssemblyScript makes of kernels.as', () => {
    expect(KERNELS_WASM).toBe(compileKernels().toString('base64'));
  });
});
