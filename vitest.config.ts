import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take longest, in this order; started late, they would run on alone at the end. */
const LONGEST = [
  "deployer/simulation/",
  "deployer/edge/",
  "tests/soak/",
  "tests/chaos/",
  "tests/kill-ingest",
  "api/logging/kill",
  "tests/",
];

function rankOf({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((part) => moduleId.startsWith(`${import.meta.dirname}/${part}`));
  return place === -1 ? LONGEST.length : place;
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- not an array's
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

export default defineConfig({
  test: {
    setupFiles: ["tests/harness/property-seed.ts"],
    // In CI property tests have the same inputs each time, so that no change fails for what another one broke; elsewhere they are random.
    env: process.env["CI"] === "true" ? { PROPERTY_SEED: "1" } : {},
    include: ["**/*.test.ts", "**/*.test.tsx"],
    exclude: ["node_modules/**", ".next/**"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Generous: a busy machine makes no test fail.
    expect: { poll: { timeout: 20_000 } },
    // Messages say what a list has, also where only they are shown.
    chaiConfig: { truncateThreshold: 1_000 },
    // In CI a test has a second attempt, so that a change does not fail for a race in a test of something else. Those that
    // needed it are listed at the end (bin/run-tests.mjs), to be mended; elsewhere they fail.
    retry: process.env["CI"] === "true" ? 1 : 0,
    // More than processors: many tests wait, for processes that start, for retries, for timeouts.
    maxWorkers: 4,
    // No test changes what another file sees, so modules are loaded once for each worker instead of once for each file.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    globalSetup: ["tests/harness/shared-postgres.ts"],
  },
});
