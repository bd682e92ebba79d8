import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Workers, and the processes that tests start, read what Node.js compiled before.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/node-compile');

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // What views do in detail is in vitest.page.config.ts.
    exclude: ['test/**/*.deep.test.ts', 'test/web/!(walk).browser.test.ts', 'node_modules/**'],
    // Two cores: more workers only fight over them.
    maxWorkers: 2,
    // A worker loads a module once for all of its files: no test mocks a module or leaves anything behind in one. In a worker per file,
    // loading aws-cdk-lib and the SDK again and again would be a third of the time.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What a browser shows is waited for; a busy machine is no failure.
    expect: { poll: { timeout: 20_000 } },
  },
});
