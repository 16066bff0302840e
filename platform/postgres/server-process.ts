import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "../errors.ts";
import { freePort } from "../free-port.ts";
import { type Cluster, lastLogLines, runProgram } from "./cluster.ts";
import { POLL_MS, postmasterStatus } from "./postmaster.ts";

export type ServerProcess = {
  cluster: Cluster;
  child: ChildProcess;
  port: number;
  guard: ChildProcess;
};

export const READY_MS_MAX = 120_000;
const STOP_MS_MAX = 5_000;
const START_ATTEMPTS_MAX = 5;
/** The port was taken in the meantime, or processes of a killed server have not ended yet. */
const TEMPORARY_FAILURE = /could not bind|Address already in use|still in use/;
const RETRY_MS = 300;
/** Maximum time in which a server in another container stops after its lease was taken over (see GUARD). */
const LOCK_MS_MAX = 20_000;
/** EX_TEMPFAIL */
const LOCKED = 75;

/** Small, for a machine that also runs other programs; commits are flushed to disk. */
const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "24MB",
  work_mem: "4MB",
  maintenance_work_mem: "32MB",
  max_wal_size: "256MB",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_worker_processes: "2",
  max_parallel_workers: "0",
  autovacuum_max_workers: "1",
  io_method: "sync",
  jit: "off",
  password_encryption: "scram-sha-256",
  log_min_messages: "warning",
  log_checkpoints: "off",
};

/**
 * Stops the server when the process that started it ends (the pipe to it closes) or loses its lease to another process
 * (the file of the holder is removed): first by a fast shutdown, then by an immediate one. A line on the pipe means
 * that the server has ended (`release`). Arguments: $1 is the pid of the server, $2 the file of the lease.
 */
const GUARD = `
server=$1
lease_file=$2
exec 2>/dev/null
end_server() {
  kill -INT "$server" || return
  for second in 1 2 3 4 5; do sleep 1; kill -0 "$server" || return; done
  kill -QUIT "$server"
}
watch_lease() {
  while [ -e "$lease_file" ]; do sleep 1; kill -0 "$server" || return; done
  end_server
}
watch_lease &
if read -r released; then kill "$!"; else end_server; fi`;

/**
 * The server and all its processes inherit a lock on the folder of the cluster. Unlike pids and shared memory, which
 * PostgreSQL itself checks, a lock is visible in every namespace of the machine, and it ends with the last of them.
 * Descriptor 3 is the folder (see `runProgram`), "$@" the command of the server.
 */
const LOCK_AND_RUN = `if command -v flock >/dev/null; then flock -n 3 || exit ${LOCKED}; fi; exec "$@"`;

export type LaunchOptions = {
  /** Absent: any free port. */
  port?: number;
  /** Exists while this process may run the server. */
  leaseFile: string;
  onSpawn(pid: number, port: number): void;
};

/** Resolves when the server accepts connections. */
export async function launchServer(
  cluster: Cluster,
  options: LaunchOptions,
): Promise<ServerProcess> {
  const startMs = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const child = await spawnServer(cluster, port);
    const guard = startGuard(child, options.leaseFile);
    options.onSpawn(child.pid ?? 0, port);
    if (await becomesReady(cluster, child)) return { cluster, child, guard, port };
    release(guard);
    if (child.exitCode === LOCKED) {
      if (performance.now() - startMs > LOCK_MS_MAX) throw lockedError(cluster);
    } else {
      const lines = await lastLogLines(cluster);
      if (attempt >= START_ATTEMPTS_MAX || !TEMPORARY_FAILURE.test(lines)) {
        throw new AppError(
          "unavailable",
          `PostgreSQL did not start. The end of its log:\n${lines}`,
        );
      }
    }
    await delay(RETRY_MS);
  }
}

/** Fast shutdown: open transactions are rolled back, and committed data is written. */
export async function stopServer({ child, guard }: ServerProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.ref();
    const exit = once(child, "exit");
    child.kill("SIGINT");
    const stopped = new AbortController();
    const immediate = delay(STOP_MS_MAX, undefined, { signal: stopped.signal }).then(
      () => child.kill("SIGQUIT"),
      () => false,
    );
    await exit;
    stopped.abort();
    await immediate;
  }
  release(guard);
}

function spawnServer(cluster: Cluster, port: number): Promise<ChildProcess> {
  return runProgram(cluster, "postgres", {
    paths: [cluster.data],
    args: ([data = ""]) => [
      "-D",
      data,
      "-c",
      `port=${port}`,
      ...Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    script: LOCK_AND_RUN,
    // In its own process group, because Ctrl-C in the terminal must not stop it before its users.
    detached: true,
  });
}

function startGuard(server: ChildProcess, leaseFile: string): ChildProcess {
  const guard = spawn(
    "/bin/sh",
    ["-c", GUARD, "quarterdeck-postgres-guard", String(server.pid), leaseFile],
    { stdio: ["pipe", "ignore", "ignore"], detached: true, cwd: "/" },
  );
  // Without a shell, or if the guard was killed, the next start stops the server.
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  guard.unref();
  server.unref();
  return guard;
}

/** The server has ended: its pid may soon belong to another process. */
export function release(guard: ChildProcess): void {
  guard.stdin?.end("done\n");
}

async function becomesReady(cluster: Cluster, child: ChildProcess): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < READY_MS_MAX; waitedMs += POLL_MS) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    const status = await postmasterStatus(cluster.data);
    if (status.pid === child.pid && status.ready) return true;
    await delay(POLL_MS);
  }
  child.kill("SIGQUIT");
  return false;
}

const lockedError = (cluster: Cluster): AppError =>
  new AppError(
    "unavailable",
    `Another PostgreSQL server, in another container, uses ${cluster.data} and does not stop. Stop that container.`,
  );
