import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { findBrowser } from "./browser.mjs";
import { ensureJava } from "./java.mjs";
import { orExplain, stopSetupOn } from "./launch.mjs";
import { step } from "./progress.mjs";
import { inRoot, run, start } from "./run.mjs";
import { node24, setUp } from "./setup.mjs";

const CHECKS = [
  { title: "Format (oxfmt --check)", program: "oxfmt", args: ["--check"] },
  { title: "Lint (oxlint)", program: "oxlint", args: [] },
  { title: "Types (tsc)", program: "tsc", args: [] },
  { title: "Dead code (knip)", program: "knip", args: [] },
];

/** Sets up, checks, tests; the last line says how many passed and how many failed. */
export async function runTests(vitestArgs) {
  stopSetupOn(["SIGINT", "SIGTERM", "SIGHUP"]);
  const count = { passed: 0, failed: 0, skipped: 0 };
  await orExplain(() => setUp({ dev: true, pages: true }));
  const browser = await findBrowser();
  await ensureJava();
  if (browser === undefined) {
    process.stderr.write(
      "\n!!! No Chromium was found, and none may be installed here: THE BROWSER TESTS ARE SKIPPED.\n!!! Install chromium, or name one: QUARTERDECK_CHROMIUM=/path/to/chromium npm test\n\n",
    );
    if (process.env.CI === "true") count.failed += 1;
  }
  for (const check of CHECKS) {
    if (await passes(check)) count.passed += 1;
    else count.failed += 1;
  }
  add(count, await vitest(vitestArgs, browser));
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : "";
  process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped}\n`);
  process.exit(count.failed === 0 ? 0 : 1);
}

async function passes({ title, program, args }) {
  try {
    await step(title, () => run([inRoot("node_modules", ".bin", program), ...args]));
    return true;
  } catch (error) {
    process.stdout.write(`${error.output ?? error.message}\n`);
    return false;
  }
}

async function vitest(args, browser) {
  const folder = mkdtempSync(path.join(tmpdir(), "quarterdeck-test-"));
  const report = path.join(folder, "report.json");
  const entry = inRoot("node_modules", "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const status = await new Promise((resolve) => {
    const child = start([node24(), entry, "run", ...reporters, ...args], {
      stdio: ["ignore", "inherit", "inherit"],
      // Empty where there is none: a name that does not run is no browser.
      env: { QUARTERDECK_CHROMIUM: browser ?? "" },
    });
    child.on("error", () => resolve(1));
    child.on("exit", (code) => resolve(code ?? 1));
  });
  const result = countReport(report);
  rmSync(folder, { recursive: true, force: true });
  // What no test can be blamed for (an error outside of them, a crash) is a failure all the same.
  if (status !== 0 && result.failed === 0) result.failed = 1;
  return result;
}

function countReport(report) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  let files;
  try {
    files = JSON.parse(readFileSync(report, "utf8")).testResults;
  } catch {
    return { ...count, failed: 1 }; // It died before it could report.
  }
  for (const { status, assertionResults } of files) {
    if (status === "failed" && assertionResults.length === 0) count.failed += 1;
    for (const test of assertionResults) {
      if (test.status === "passed") count.passed += 1;
      else if (test.status === "failed") count.failed += 1;
      else count.skipped += 1;
    }
  }
  return count;
}

function add(count, more) {
  for (const key of Object.keys(count)) count[key] += more[key];
}
