import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { Client } from "pg";
import { vi } from "vitest";

import { freePort } from "#platform/free-port.ts";
import { prepareCluster, runProgram, USER } from "#platform/postgres/cluster.ts";

/** A PostgreSQL server that logs slow statements, plans, connections and waits for locks, in all of its formats. */
export type LoggingPostgres = AsyncDisposable & {
  logs: { stderr: string; csv: string; json: string };
  /** As its superuser. */
  url: string;
  /** Default: as its superuser. */
  connect(url?: string): Promise<Client>;
};

export const SLOW_MS = 40;
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  io_method: "sync",
  log_destination: "stderr,csvlog,jsonlog",
  logging_collector: "on",
  log_filename: "postgresql.log",
  log_min_duration_statement: `${SLOW_MS}ms`,
  log_connections: "all",
  log_lock_waits: "on",
  deadlock_timeout: "100ms",
  shared_preload_libraries: "auto_explain,pg_stat_statements",
  "auto_explain.log_min_duration": `${SLOW_MS}ms`,
};

/** Starts one from the binaries that the product embeds. */
export async function startLoggingPostgres(): Promise<LoggingPostgres> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-logging-postgres-"));
  const cluster = await prepareCluster(folder);
  const port = await freePort();
  const settings = Object.entries({ ...SETTINGS, port: String(port) });
  const child = await runProgram(cluster, "postgres", {
    paths: [cluster.data],
    args: ([data = ""]) => [
      "-D",
      data,
      ...settings.flatMap(([name, it]) => ["-c", `${name}=${it}`]),
    ],
    detached: true,
  });
  const exit = once(child, "exit");
  const url = `postgres://${USER}:${cluster.password}@127.0.0.1:${port}/postgres`;
  const connect = async (connectionString = url): Promise<Client> => {
    const client = new Client({ connectionString, application_name: "quarterdeck test" });
    await client.connect();
    return client;
  };
  await vi.waitFor(async () => (await connect()).end(), { timeout: 30_000 });
  const log = path.join(cluster.data, "log/postgresql");
  return {
    logs: { stderr: `${log}.log`, csv: `${log}.csv`, json: `${log}.json` },
    url,
    connect,
    async [Symbol.asyncDispose]() {
      child.kill("SIGQUIT");
      await exit;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
