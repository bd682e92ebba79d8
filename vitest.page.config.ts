import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Every view of the page in Chromium: `npm run test:page`. `npm test` walks through all of them once. */
export default defineConfig({
  test: { ...base.test, include: ['test/web/**/*.browser.test.ts'], exclude: ['node_modules/**'] },
});
