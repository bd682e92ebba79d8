import { join } from 'node:path';
import { ROOT } from './root.ts';

/** Where the built page lies. */
export const PAGE_DIR = join(ROOT, 'dist/web');

/** Builds the page from `web/`: half a second. */
export async function buildPage(folder: string = PAGE_DIR): Promise<void> {
  // Slow to load, and of no use to whoever names this module for the folder alone.
  const { build } = await import('vite');
  await build({
    configFile: join(ROOT, 'web/vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: folder },
  });
}
