import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import corePackage from '../../layers/core/package.json' with { type: 'json' };
import { hashFolder, type BuiltFolder } from './built-folder.ts';
import { ESBUILD_OPTIONS, inputsByOutput } from './esbuild-options.ts';

/** Where `@encore/core` lies in a layer: under `/opt` on Lambda, where Node.js looks for packages. */
const CORE_IN_LAYER = 'nodejs/node_modules/@encore/core';

/**
 * Builds `@encore/core` as a Lambda layer: one file per entry (`serve`, `train`) and chunks of what both use, so that a
 * request loads nothing that only training needs. ml-matrix is bundled in.
 *
 * @param outDir - Emptied first.
 */
export function buildCoreLayer(outDir: string): BuiltFolder {
  const packageDir = join(outDir, CORE_IN_LAYER);
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(packageDir, { recursive: true });
  const { metafile } = buildSync({
    ...ESBUILD_OPTIONS,
    entryPoints: { serve: 'layers/core/src/serve.ts', train: 'layers/core/src/train.ts' },
    outdir: packageDir,
    splitting: true,
    chunkNames: 'shared-[hash]',
  });
  const manifest = {
    name: corePackage.name,
    version: corePackage.version,
    type: 'module',
    exports: { './serve': './serve.mjs', './train': './train.mjs' },
  };
  writeFileSync(join(packageDir, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return { folder: outDir, hash: hashFolder(outDir), inputs: inputsByOutput(metafile, packageDir) };
}
