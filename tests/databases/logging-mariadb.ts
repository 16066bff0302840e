import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { vi } from "vitest";

import { freePort } from "#platform/free-port.ts";

const run = promisify(execFile);

/** A MariaDB server that logs errors, dead locks, slow statements and all statements. */
export type LoggingMariadb = AsyncDisposable & {
  port: number;
  logs: { error: string; slow: string; general: string };
  /** Runs statements with the client of MariaDB. @throws Error with its message if one fails */
  execute(sql: string, options?: { user?: string; database?: string }): Promise<void>;
};

export const SLOW_MS = 40;

/**
 * Starts one from the package mariadb-server, with more options. Undefined, with a warning, where it is missing.
 * @throws in CI, where these tests must not be skipped
 */
export async function startLoggingMariadb(
  more: readonly string[] = [],
): Promise<LoggingMariadb | undefined> {
  try {
    await run("mariadbd", ["--version"]);
  } catch (error) {
    if (process.env["CI"] === "true")
      throw new Error("MariaDB must start in CI: install mariadb-server", { cause: error });
    process.stderr.write(
      "\nSKIPPED: the tests of MariaDB need mariadbd (apt install mariadb-server)\n",
    );
    return undefined;
  }
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-mariadb-"));
  return start(folder, more);
}

async function start(folder: string, more: readonly string[]): Promise<LoggingMariadb> {
  const { username } = userInfo();
  const data = path.join(folder, "data");
  // A server that starts removes the temporary tables of all servers from the folder of temporary files.
  const own = [`--datadir=${data}`, `--tmpdir=${folder}`];
  const owner = ["--no-defaults", ...own, `--user=${username}`];
  const access = ["--auth-root-authentication-method=normal", "--skip-test-db"];
  await run("mariadb-install-db", [...owner, ...access]);
  const logs = {
    error: path.join(folder, "error.log"),
    slow: path.join(folder, "slow.log"),
    general: path.join(folder, "general.log"),
  };
  const port = await freePort();
  const socket = path.join(folder, "socket");
  const server = spawn("mariadbd", [...owner, ...settings({ logs, port, socket }), ...more], {
    env: { ...process.env, TZ: "UTC" },
    stdio: "ignore",
  });
  const exit = once(server, "exit");
  const client = ["--no-defaults", `--socket=${socket}`, "--batch"];
  const execute: LoggingMariadb["execute"] = async (sql, { user = "root", database = "" } = {}) => {
    await run("mariadb", [...client, `--user=${user}`, "-e", sql, database]);
  };
  await vi.waitFor(() => execute("SELECT 1"), { timeout: 30_000 });
  return {
    port,
    logs,
    execute,
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL");
      await exit;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Places = { logs: LoggingMariadb["logs"]; port: number; socket: string };

const settings = ({ logs, port, socket }: Places): string[] => [
  `--port=${port}`,
  `--socket=${socket}`,
  "--bind-address=127.0.0.1",
  `--log-error=${logs.error}`,
  "--log-warnings=9",
  "--innodb-print-all-deadlocks=1",
  "--slow-query-log=1",
  `--slow-query-log-file=${logs.slow}`,
  `--long-query-time=${SLOW_MS / 1000}`,
  "--log-slow-verbosity=query_plan,innodb,explain",
  "--general-log=1",
  `--general-log-file=${logs.general}`,
  "--innodb-flush-log-at-trx-commit=0",
  "--innodb-buffer-pool-size=16M",
];
