import { defineConfig } from 'vitest/config';

/** The long tier: simulations, fuzzing and load. `npm run test:deep`, under 60 minutes on two cores. */
export default defineConfig({
  test: {
    include: ['test/**/*.deep.test.ts'],
    exclude: ['node_modules/**'],
    maxWorkers: 2,
    testTimeout: 30 * 60_000,
    hookTimeout: 10 * 60_000,
  },
});
