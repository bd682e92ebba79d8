import { join, relative } from 'node:path';
import type { BuildOptions, Metafile } from 'esbuild';
import { ROOT } from './root.ts';

/**
 * What every build has in common: ES modules for the Lambda runtime's Node, the same bytes for the same sources.
 *
 * Where names are kept it is by not shortening them. esbuild's `keepNames` would do it by calls of a helper inside every function,
 * and a function that is sent to a thread as text (`serveTasks`) leaves that helper behind.
 */
export const ESBUILD_OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // The SDK's ES modules are a third smaller, bundled, than its CommonJS files, which `node` takes first.
  mainFields: ['module', 'main'],
  outExtension: { '.js': '.mjs' },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  charset: 'utf8',
  sourcemap: false,
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** The sources of each output file of a build, from esbuild's report. */
export function inputsByOutput(
  metafile: Metafile,
  folder: string,
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(metafile.outputs).map(([output, { inputs }]) => [
      relative(folder, join(ROOT, output)).replaceAll('\\', '/'),
      Object.keys(inputs).toSorted(),
    ]),
  );
}
