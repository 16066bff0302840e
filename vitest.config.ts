import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts", "**/*.test.tsx"],
    exclude: ["node_modules/**", ".next/**"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // On a busy machine, what a test waits for takes longer.
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 2,
    globalSetup: ["tests/harness/shared-postgres.ts"],
  },
});
