import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const CORE = join(import.meta.dirname, '../../../layers/core/src');

it('bundles for a browser on its own: no node module, nothing of training', async () => {
  const { metafile } = await build({
    entryPoints: [join(CORE, 'import/import-listens.ts'), join(CORE, 'import/import-report.ts')],
    bundle: true,
    write: false,
    outdir: 'out',
    absWorkingDir: CORE,
    platform: 'browser',
    format: 'esm',
    metafile: true,
    logLevel: 'silent',
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs).toContain('import/scan-json-values.ts');
  expect(inputs.filter((path) => !path.startsWith('import/')).toSorted()).toEqual([
    'errors.ts',
    'math/rng.ts',
  ]);
});
