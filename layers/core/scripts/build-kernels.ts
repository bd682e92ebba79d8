import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const KERNELS = join(import.meta.dirname, '../src/math/kernels');

/** Compiles `kernels.as` (AssemblyScript) to WebAssembly and gives the module's bytes. */
export function compileKernels(): Buffer {
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')),
    'bin/asc.js',
  );
  const folder = mkdtempSync(join(tmpdir(), 'encore-kernels-'));
  try {
    // The compiler takes .ts only; under that name the checker of the rest of the project would read it too.
    copyFileSync(join(KERNELS, 'kernels.as'), join(folder, 'kernels.ts'));
    const flags = '-O3 --converge --enable simd --runtime stub --importMemory --noExportMemory --noAssert';
    const args = [
      compiler,
      'kernels.ts',
      '--outFile',
      'kernels.wasm',
      '--use',
      'abort=',
      ...flags.split(' '),
    ];
    execFileSync(process.execPath, args, { cwd: folder, stdio: 'pipe' });
    return readFileSync(join(folder, 'kernels.wasm'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `kernels-wasm.ts` as it is committed. */
function kernelsModuleText(wasm: Buffer): string {
  return `/** Generated from kernels.as by layers/core/scripts/build-kernels.ts with assemblyscript 0.28.8; do not edit. */
export const KERNELS_WASM =
  '${wasm.toString('base64')}';
`;
}

if (import.meta.main) {
  writeFileSync(join(KERNELS, 'kernels-wasm.ts'), kernelsModuleText(compileKernels()));
}
