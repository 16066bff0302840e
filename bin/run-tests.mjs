import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { findBrowser } from "./browser.mjs";
import { ensureJava } from "./java.mjs";
import { orExplain, stopSetupOn } from "./launch.mjs";
import { endWithNpm } from "./parent.mjs";
import { step } from "./progress.mjs";
import { ensurePython } from "./python.mjs";
import { inRoot, root, run, start } from "./run.mjs";
import { node24, setUp } from "./setup.mjs";

const SLOWEST_SHOWN = 10;
const CHECKS = [
  ["oxfmt", "--check"], // format
  ["oxlint"], // lint
  ["tsc"], // types
  ["knip"], // dead code
];

/** Sets up, checks, tests; the last line is the count of passed and failed. */
export async function runTests(vitestArgs) {
  endWithNpm(() => process.kill(process.pid, "SIGTERM"));
  stopSetupOn(["SIGINT", "SIGTERM", "SIGHUP"]);
  const count = { passed: 0, failed: 0, skipped: 0 };
  await orExplain(() => setUp({ dev: true, pages: true }));
  const browser = await findBrowser();
  await ensureJava();
  await ensurePython();
  if (browser === undefined) {
    process.stderr.write(
      "\n!!! No Chromium was found, and none may be installed here: THE BROWSER TESTS ARE SKIPPED.\n!!! Install chromium, or name one: QUARTERDECK_CHROMIUM=/path/to/chromium npm test\n\n",
    );
    if (process.env.CI === "true") count.failed += 1;
  }
  add(count, await check());
  add(count, await vitest(vitestArgs, browser));
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : "";
  process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped}\n`);
  process.exit(count.failed === 0 ? 0 : 1);
}

/** Runs all checks in parallel, because some of them use a single processor. */
async function check() {
  const failures = [];
  const runOne = ([program, ...args]) =>
    run([inRoot("node_modules", ".bin", program), ...args]).catch((error) => failures.push(error));
  const runAll = async () => {
    await Promise.all(CHECKS.map(runOne));
    if (failures.length > 0) throw failures[0];
  };
  await step("Format, lint, types, dead code", runAll).catch(() => undefined);
  for (const error of failures) process.stdout.write(`${error.output ?? error.message}\n`);
  return { passed: CHECKS.length - failures.length, failed: failures.length, skipped: 0 };
}

async function vitest(args, browser) {
  const folder = mkdtempSync(path.join(tmpdir(), "quarterdeck-test-"));
  const report = path.join(folder, "report.json");
  const entry = inRoot("node_modules", "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const status = await new Promise((resolve) => {
    const child = start([node24(), entry, "run", ...reporters, ...args], {
      stdio: ["ignore", "inherit", "inherit"],
      // Empty if there is none, so that the tests do not search for one.
      env: { QUARTERDECK_CHROMIUM: browser ?? "" },
    });
    child.on("error", () => resolve(1));
    child.on("exit", (code) => resolve(code ?? 1));
  });
  const files = readReport(report);
  const result = countTests(files);
  showSlowest(files);
  showSecondAttempts(files);
  rmSync(folder, { recursive: true, force: true });
  // An error outside of the tests, or a crash, is a failure too.
  if (status !== 0 && result.failed === 0) result.failed = 1;
  return result;
}

/** The test files in vitest's report; empty if it exited before writing one. */
function readReport(report) {
  try {
    return JSON.parse(readFileSync(report, "utf8")).testResults;
  } catch {
    return [];
  }
}

function showSlowest(files) {
  const slowest = files
    .map(({ name, startTime, endTime }) => ({ name, seconds: (endTime - startTime) / 1_000 }))
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, SLOWEST_SHOWN);
  process.stdout.write("\nSlowest test files:\n");
  for (const { name, seconds } of slowest) {
    process.stdout.write(`${seconds.toFixed(1).padStart(7)} s  ${path.relative(root, name)}\n`);
  }
}

/** The report has the errors of a first attempt also for a test that passed at its second one. */
function showSecondAttempts(files) {
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const unsteady = tests.filter((it) => it.status === "passed" && it.failureMessages.length > 0);
  if (unsteady.length === 0) return;
  process.stdout.write("\n!!! Passed only at the second attempt:\n");
  for (const { fullName, failureMessages } of unsteady) {
    process.stdout.write(`${fullName}\n    ${failureMessages[0].split("\n").join("\n    ")}\n`);
  }
}

function countTests(files) {
  const count = { passed: 0, failed: files.length === 0 ? 1 : 0, skipped: 0 };
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
