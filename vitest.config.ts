import { spawnSync } from "node:child_process";

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

/** In CI the seed of property tests is that of the commit, so that a commit has one result; elsewhere each run has another seed. */
function propertySeed(): { PROPERTY_SEED?: string } {
  if (process.env["CI"] !== "true") return {};
  const { status, stdout } = spawnSync("git", ["rev-parse", "HEAD"], { cwd: import.meta.dirname });
  if (status !== 0) return {};
  return { PROPERTY_SEED: String(Number.parseInt(stdout.toString().slice(0, 7), 16)) };
}

export default defineConfig({
  test: {
    setupFiles: ["tests/harness/property-seed.ts"],
    env: propertySeed(),
    include: ["**/*.test.ts", "**/*.test.tsx"],
    exclude: ["node_modules/**", ".next/**"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Generous: a busy machine makes no test fail.
    expect: { poll: { timeout: 20_000 } },
    // More than processors: many tests wait, for processes that start, for retries, for timeouts.
    maxWorkers: 4,
    // No test changes what another file sees, so modules are loaded once for each worker instead of once for each file.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    globalSetup: ["tests/harness/shared-postgres.ts"],
  },
});
