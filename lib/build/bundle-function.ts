import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { hashFolder, type BuiltFolder } from './built-folder.ts';
import { ESBUILD_OPTIONS, inputsByOutput } from './esbuild-options.ts';

/** Lets bundled CommonJS packages call `require`, which ES modules have not. */
const REQUIRE_BANNER =
  "import{createRequire as encoreCreateRequire}from'node:module';const require=encoreCreateRequire(import.meta.url);";

/** Half of the SDK is about finding credentials that Lambda puts into the environment. */
const CREDENTIALS = {
  '@aws-sdk/credential-provider-node': join(import.meta.dirname, 'environment-credentials.ts'),
};

/**
 * Bundles a function into one file, the SDK included (it loads faster than the runtime's copy) and `@encore/core` left
 * out: the layer brings it.
 *
 * Names are shortened here and not in the layer: a cold start reads a third less, and what is computed keeps its names in
 * stack traces. A function that travels to a thread as text takes its own, shortened, names along.
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
    alias: CREDENTIALS,
    minifyIdentifiers: true,
    banner: { js: REQUIRE_BANNER },
  });
  return { folder: outDir, hash: hashFolder(outDir), inputs: inputsByOutput(metafile, outDir) };
}
