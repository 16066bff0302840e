import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import path from "node:path";

import { describe, expect, test } from "vitest";

import { freePort } from "#platform/free-port.ts";

import { childrenOf, isRunning, processesIn, workersOf } from "../harness/processes.ts";
import { ROOT, temporaryFolder, until } from "../harness/program.ts";

const READY_MS_MAX = 90_000;

/** Variables of the npm that runs the tests would be taken for those of a program that is started without npm. */
const ENVIRONMENT: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"))),
  NODE_ENV: "test",
};

/** Starts a command as people do, and kills all of its processes at the end. */
function startCommand(command: readonly string[]) {
  const child = spawn(command[0] ?? "", command.slice(1), {
    cwd: ROOT,
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: unknown) => (output += String(chunk)));
  }
  return {
    child,
    output: () => output,
    async [Symbol.asyncDispose]() {
      const all = treeOf(child);
      for (const pid of all) if (isRunning(pid)) process.kill(pid, "SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

/** The process and all its descendants. */
function treeOf({ pid = 0 }: Pick<ChildProcess, "pid">): number[] {
  if (!isRunning(pid)) return [];
  return [pid, ...childrenOf({ pid }).flatMap((it) => treeOf({ pid: it }))];
}

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** `quarterdeck api accounts`, started by a command, once it serves. */
async function startAccounts(command: readonly string[], data: string) {
  const port = await freePort();
  const args = ["api", "accounts", "--workers", "1", "--port", String(port), "--data", data];
  const started = startCommand([...command, ...args]);
  const ready = `http://127.0.0.1:${port}/readyz`;
  try {
    await until(
      "the service",
      () => {
        if (started.child.exitCode !== null) throw new Error(started.output());
        return answers(ready);
      },
      READY_MS_MAX,
    );
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  }
  return { ...started, ready, tree: treeOf(started.child) };
}

const LAUNCHER = [process.execPath, path.join(ROOT, "bin/quarterdeck.mjs")];
const NPX = ["npm", "exec", "--offline", "--", "quarterdeck"];
const nothingRuns = (tree: readonly number[]) =>
  until("the end of all processes", () => tree.every((pid) => !isRunning(pid)));

describe("the launcher", () => {
  test("passes SIGHUP on, so that an API replaces its workers and goes on serving", async () => {
    await using folder = await temporaryFolder();
    await using api = await startAccounts(LAUNCHER, folder.path);
    const [supervisor = 0] = childrenOf(api.child);
    const before = workersOf({ pid: supervisor });
    expect(before).toHaveLength(1);
    api.child.kill("SIGHUP");
    await until("another worker", () => {
      const now = workersOf({ pid: supervisor });
      return now.length === 1 && now[0] !== before[0];
    });
    expect(await answers(api.ready)).toBe(true);
    expect(api.child.exitCode).toBeNull();
  });

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "%s to it ends every process that it started, and frees the port",
    async (signal) => {
      await using folder = await temporaryFolder();
      await using api = await startAccounts(LAUNCHER, folder.path);
      expect(api.tree.length).toBeGreaterThan(3);
      api.child.kill(signal);
      await nothingRuns(api.tree);
      expect(await answers(api.ready)).toBe(false);
    },
  );

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "%s to npx ends every process that it started",
    async (signal) => {
      await using folder = await temporaryFolder();
      await using api = await startAccounts(NPX, folder.path);
      api.child.kill(signal);
      await nothingRuns(api.tree);
    },
  );

  test("SIGTERM while the database starts ends every process", async () => {
    await using folder = await temporaryFolder();
    const args = ["api", "accounts", "--port", "0", "--data", folder.path];
    await using api = startCommand([...LAUNCHER, ...args]);
    await until("the first files of PostgreSQL", () =>
      hasEntries(path.join(folder.path, "postgres")),
    );
    const tree = treeOf(api.child);
    api.child.kill("SIGTERM");
    await nothingRuns(tree);
    expect(processesIn(folder.path, process)).toEqual([]);
  });
});

function hasEntries(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}
