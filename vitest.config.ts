import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts", "**/*.test.tsx"],
    exclude: ["node_modules/**", ".next/**"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // What is waited for comes late on a busy machine, not never.
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 2,
    globalSetup: ["tests/servers/postgres.ts"],
  },
});
