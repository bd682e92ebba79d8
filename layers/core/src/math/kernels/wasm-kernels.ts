import { KERNELS_WASM } from './kernels-wasm.ts';
import type { Kernels } from './kernels.ts';

type WasmExports = Pick<
  Kernels,
  'multiply' | 'cholesky' | 'solve' | 'gatherColumns' | 'gatherRows' | 'weightedSum'
>;

const PAGE_BYTES = 65_536;

let compiled: WebAssembly.Module | undefined;

/** The kernels as WebAssembly with f64x2. */
export function createWasmKernels(): Kernels {
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(KERNELS_WASM), (c) => c.charCodeAt(0)));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the module is compiled in, a test compares its bytes
  const kernels = exports as unknown as WasmExports;
  let heap = new Float64Array(memory.buffer);
  let words = new Int32Array(memory.buffer);
  let top = 0;
  return {
    simd: true,
    get heap() {
      return heap;
    },
    get words() {
      return words;
    },
    allocate: (doubles) => {
      const address = top;
      top += (doubles + 1) & ~1;
      if (top > heap.length) {
        memory.grow(Math.ceil(((top - heap.length) * 8) / PAGE_BYTES));
        heap = new Float64Array(memory.buffer);
        words = new Int32Array(memory.buffer);
      }
      return address;
    },
    release: (address) => {
      top = address;
    },
    multiply: kernels.multiply,
    cholesky: kernels.cholesky,
    solve: kernels.solve,
    gatherColumns: kernels.gatherColumns,
    gatherRows: kernels.gatherRows,
    weightedSum: kernels.weightedSum,
  };
}
