import { type ChildProcess, execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { Client } from "pg";
import { vi } from "vitest";

import { freePort } from "#platform/free-port.ts";
import { type Cluster, USER, prepareCluster, runProgram } from "#platform/postgres/cluster.ts";

/** A PostgreSQL server that a test may kill and start again at the same address. */
export type Server = {
  url: string;
  start(): Promise<void>;
  /** Immediate shutdown of the server and all its processes. */
  kill(): Promise<void>;
  /** The first value of the first row, as text; undefined for null or no row. */
  ask(sql: string): Promise<unknown>;
};

const SETTINGS = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "wal_level=replica",
  "max_wal_senders=4",
  "wal_keep_size=256MB",
  "hot_standby=on",
  "shared_buffers=24MB",
  "max_connections=100",
  "wal_receiver_status_interval=1s",
  "wal_retrieve_retry_interval=200ms",
  "io_method=sync",
];

/** A primary and a streaming replica of it, from the binaries that the product embeds. */
export async function startReplicatedPostgres(): Promise<
  AsyncDisposable & { primary: Server; replica: Server }
> {
  const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-replicated-"));
  const cluster = await prepareCluster(folder);
  const primary = await server(cluster);
  await primary.start();
  const standby: Cluster = {
    ...cluster,
    data: path.join(cluster.folder, "standby"),
    log: path.join(cluster.folder, "standby.log"),
  };
  await baseBackup(primary.url, cluster.data, standby.data);
  const replica = await server(standby);
  await replica.start();
  const streams = "SELECT 1 / count(*) FROM pg_stat_replication WHERE state = 'streaming'";
  await vi.waitFor(() => primary.ask(streams), { timeout: 20_000 });
  return {
    primary,
    replica,
    async [Symbol.asyncDispose]() {
      await replica.kill();
      await primary.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Does the same as pg_basebackup, which the npm package does not contain. */
async function baseBackup(primaryUrl: string, from: string, to: string): Promise<void> {
  const client = new Client({ connectionString: primaryUrl });
  await client.connect();
  await client.query("SELECT pg_backup_start('replica', true)");
  // Keeps owner and modes: where the tests run as root, the server runs as another user.
  await promisify(execFile)("cp", ["-a", from, to]);
  const { rows } = await client.query<{ labelfile: string }>(
    "SELECT labelfile FROM pg_backup_stop(false)",
  );
  await client.end();
  await rm(path.join(to, "postmaster.pid"), { force: true });
  const { hostname, port, username, password } = new URL(primaryUrl);
  const files = {
    backup_label: rows[0]?.labelfile ?? "",
    "standby.signal": "",
    "postgresql.auto.conf": `primary_conninfo = 'host=${hostname} port=${port} user=${username} password=${password}'\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(to, name), text);
  await promisify(execFile)("chown", ["-R", `--reference=${from}`, to]);
}

async function server(cluster: Cluster): Promise<Server> {
  const port = await freePort();
  const url = `postgres://${USER}:${cluster.password}@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;
  const ask = async (sql: string): Promise<unknown> => {
    const client = new Client({ connectionString: url });
    try {
      await client.connect();
      const { rows } = await client.query({ text: sql, rowMode: "array" });
      const [row] = rows;
      return Array.isArray(row) && row[0] !== null ? String(row[0]) : undefined;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  return {
    url,
    ask,
    async start() {
      child = await runProgram(cluster, "postgres", {
        paths: [cluster.data],
        args: ([data = ""]) => [
          "-D",
          data,
          ...[`port=${port}`, ...SETTINGS].flatMap((it) => ["-c", it]),
        ],
        detached: true,
      });
      await vi.waitFor(() => ask("SELECT 1"), { timeout: 30_000 });
    },
    async kill() {
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      child.kill("SIGQUIT");
      await exit;
    },
  };
}
