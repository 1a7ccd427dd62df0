import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default, one second, is less than a busy machine may need for one commit.
    expect: { poll: { timeout: 30_000 } },
  },
});
