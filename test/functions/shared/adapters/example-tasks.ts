import { threadId } from 'node:worker_threads';
import { EncoreError } from '../../../../layers/core/src/errors.ts';
import type { Task } from '../../../../layers/core/src/ports.ts';

/** Squares, slower for smaller numbers, so that results are ready in another order than they were asked for. */
export const square: Task<number, { readonly values: Float64Array; readonly threadId: number }> = {
  name: 'square',
  run: (n, advance) => {
    let x = 0;
    for (let i = 0; i < (10 - n) * 300_000; i++) x += Math.sin(i);
    advance(n);
    advance(1);
    return { values: Float64Array.of(n * n, Number.isNaN(x) ? 1 : 0), threadId };
  },
};

/** Views of one buffer, nested, beside a view into WebAssembly memory where asked for. */
export const share: Task<{ readonly wasm: boolean }, { readonly parts: readonly Uint8Array[] }> = {
  name: 'share',
  run: ({ wasm }) => {
    const buffer = wasm ? new WebAssembly.Memory({ initial: 1 }).buffer : new ArrayBuffer(64);
    new Uint8Array(buffer).set([1, 2, 3, 4]);
    return { parts: [new Uint8Array(buffer, 0, 2), new Uint8Array(buffer, 2, 2)] };
  },
};

export const refuse: Task<string, never> = {
  name: 'refuse',
  run: (what) => {
    throw new EncoreError(
      'NOT_FINITE',
      `${what} is not finite`,
      { what, at: [1, 2] },
      {
        cause: new RangeError('below'),
      },
    );
  },
};

export const crash: Task<number, never> = { name: 'crash', run: (code) => process.exit(code) };

export const tasks = { square, share, refuse, crash };
