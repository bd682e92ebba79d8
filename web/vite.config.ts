import { join } from 'node:path';
import { defineConfig } from 'vite';

const ROOT = join(import.meta.dirname, '..');

/** The page: static files with names that change with their content, loaded from its own origin alone. */
export default defineConfig({
  root: import.meta.dirname,
  // Wherever it lies: beside the API, or below a path.
  base: './',
  // Libraries that know React alone get Preact.
  resolve: {
    alias: {
      react: 'preact/compat',
    },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  // `npm run page`: the page as it is edited, over the API of an `npm start` beside it.
  server: {
    proxy: Object.fromEntries(
      ['/users', '/recommendations', '/artists', '/events', '/experiments', '/models', '/config.json'].map(
        (path) => [path, process.env['ENCORE_API'] ?? 'http://127.0.0.1:3000'],
      ),
    ),
  },
  build: {
    outDir: join(ROOT, 'dist/web'),
    emptyOutDir: true,
    target: 'es2023',
    // A policy that allows no inline data would refuse what is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      onLog: (level, log, handle) => {
        // What a library says to React's server components is nothing to a page, nor are threads that unzipit would take in Node.js.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE' && !log.message.includes('"node:worker_threads"'))
          handle(level, log);
      },
    },
  },
});
