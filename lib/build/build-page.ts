import { join } from 'node:path';
import { build } from 'vite';
import { ROOT } from './root.ts';

/** Where the built page lies. */
export const PAGE_DIR = join(ROOT, 'dist/web');

/** Builds the page from `web/`: half a second. */
export async function buildPage(folder: string = PAGE_DIR): Promise<void> {
  await build({
    configFile: join(ROOT, 'web/vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: folder },
  });
}
