import { once } from "node:events";
import { chown, cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { Client } from "pg";
import { vi } from "vitest";

import { freePort } from "#platform/free-port.ts";
import { type Cluster, prepareCluster, runProgram, USER } from "#platform/postgres/cluster.ts";

/** A PostgreSQL server that logs slow statements, plans, connections and waits for locks, in all of its formats. */
export type LoggingPostgres = AsyncDisposable & {
  logs: { stderr: string; csv: string; json: string };
  /** As its superuser. */
  url: string;
  cluster: Cluster;
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
  return start(folder, await prepareCluster(folder), SETTINGS);
}

/** Starts a standby of a server. */
export async function startStandby(primary: LoggingPostgres): Promise<LoggingPostgres> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-standby-postgres-"));
  const data = path.join(folder, "cluster");
  const client = await primary.connect();
  await client.query("SELECT pg_backup_start('standby', true)");
  await cp(primary.cluster.data, data, { recursive: true, filter: isCopied });
  await client.query("SELECT pg_backup_stop()");
  await client.end();
  await writeFile(path.join(data, "standby.signal"), "");
  await own(data, primary.cluster);
  const cluster = { ...primary.cluster, folder, data, log: path.join(folder, "server.log") };
  return start(folder, cluster, { ...SETTINGS, primary_conninfo: primary.url });
}

const isCopied = (file: string): boolean => path.basename(file) !== "postmaster.pid";

/** As root, the server runs as another user, which owns its files. */
async function own(folder: string, { identity }: Cluster): Promise<void> {
  const { uid, gid } = identity.credentials;
  if (uid === undefined || gid === undefined) return;
  for (const entry of await readdir(folder, { recursive: true })) {
    await chown(path.join(folder, entry), uid, gid);
  }
  await chown(folder, uid, gid);
}

async function start(
  folder: string,
  cluster: Cluster,
  settings: Readonly<Record<string, string>>,
): Promise<LoggingPostgres> {
  const port = await freePort();
  const child = await runProgram(cluster, "postgres", {
    paths: [cluster.data],
    args: ([data = ""]) => [
      "-D",
      data,
      ...Object.entries({ ...settings, port: String(port) }).flatMap(([name, it]) => [
        "-c",
        `${name}=${it}`,
      ]),
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
    cluster,
    connect,
    async [Symbol.asyncDispose]() {
      child.kill("SIGQUIT");
      await exit;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
