import { rmSync } from 'node:fs';
import { buildSync } from 'esbuild';
import { hashFolder, type BuiltFolder } from './built-folder.ts';
import { ESBUILD_OPTIONS, inputsByOutput } from './esbuild-options.ts';

/** Lets bundled CommonJS packages call `require`, which ES modules have not. */
const REQUIRE_BANNER =
  "import{createRequire as encoreCreateRequire}from'node:module';const require=encoreCreateRequire(import.meta.url);";

/**
 * Bundles a function into one file, the SDK included (it loads faster than the runtime's copy) and `@encore/core` left
 * out: the layer brings it.
 *
 * @param entry - Path of the source file from the checkout.
 * @param outDir - Emptied first; the bundle is its `handler.mjs`.
 */
export function bundleFunction(entry: string, outDir: string): BuiltFolder {
  rmSync(outDir, { recursive: true, force: true });
  const { metafile } = buildSync({
    ...ESBUILD_OPTIONS,
    entryPoints: { handler: entry },
    outdir: outDir,
    external: ['@encore/core/*'],
    banner: { js: REQUIRE_BANNER },
  });
  return { folder: outDir, hash: hashFolder(outDir), inputs: inputsByOutput(metafile, outDir) };
}
