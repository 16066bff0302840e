import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import { AppError } from "../errors.ts";
import { freePort } from "../free-port.ts";
import { type Cluster, USER, lastWords, prepareCluster, runProgram } from "./cluster.ts";
import { dropOwnership, hasLivingOwner, takeOwnership } from "./owner.ts";
import { POLL_MS, ends, isPostgres, postmasterStatus } from "./postmaster.ts";
import { ProcessMark, isAlive, markOf } from "./process-mark.ts";

/** A running embedded server. */
export type EmbeddedServer = {
  url: string;
  /** Ends it if this process started it; one that another process owns goes on. */
  stop(): Promise<void>;
};

const Server = z.object({ process: ProcessMark, port: z.int() });
const READY_MS_MAX = 120_000;
const STOP_MS_MAX = 5_000;
const LOG_BYTES_MAX = 5 * 1024 * 1024;
const START_ATTEMPTS_MAX = 5;
/** The port was taken in between, or processes of a killed server have not ended yet. */
const PASSING_TROUBLE = /could not bind|Address already in use|still in use/;
const RETRY_MS = 300;
const RESTART_MS = 1_000;

/** Small, for one machine that has other work to do; what is committed is on the disk. */
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
 * Starts the embedded server of a data folder. Where a living process has it running already, that one is used; what a
 * killed process left behind is stopped first.
 */
export async function startEmbedded(dataFolder: string): Promise<EmbeddedServer> {
  const folder = path.join(dataFolder, "postgres");
  if (!(await takeOwnership(folder))) return attach(folder);
  try {
    const cluster = await prepareCluster(dataFolder);
    await stopOrphan(cluster);
    return await start(cluster);
  } catch (error) {
    await dropOwnership(folder);
    throw error;
  }
}

/** Keeps a server running until it is stopped: one that dies is started again where its clients look for it. */
async function start(cluster: Cluster): Promise<EmbeddedServer> {
  await cutLog(cluster.log);
  let running = await launch(cluster);
  const { port } = running;
  const stopping = new AbortController();
  let restarting: Promise<void> = Promise.resolve();
  const keep = (): void => {
    running.child.once("exit", () => {
      if (!stopping.signal.aborted) restarting = restart();
    });
  };
  async function restart(): Promise<void> {
    running.watchdog.stdin?.end("done\n");
    for (;;) {
      await delay(RESTART_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        running = await launch(cluster, port);
        return keep();
      } catch {
        // The database says "unavailable" meanwhile; its log has the reason, unless that cannot be written either (a
        // full disk, no file left to open): the next try may do, and whoever shows boards lives on.
      }
    }
  }
  keep();
  return {
    url: urlOf(cluster.password, port),
    stop: async () => {
      stopping.abort();
      await restarting;
      await stop(running);
    },
  };
}

async function launch(cluster: Cluster, portWanted?: number): Promise<Running> {
  for (let attempt = 1; ; attempt += 1) {
    const port = portWanted ?? (await freePort());
    const child = await runProgram(cluster, "postgres", {
      paths: [cluster.data],
      args: ([data = ""]) => [
        "-D",
        data,
        "-c",
        `port=${port}`,
        ...Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      // A process group of its own: Ctrl-C at the terminal is for us, and we stop it when nobody needs it any more.
      detached: true,
    });
    const watchdog = startWatchdog(child);
    await writeServer(cluster, child, port);
    if (await becomesReady(cluster, child)) return { cluster, child, watchdog, port };
    watchdog.stdin?.end("done\n");
    const words = await lastWords(cluster);
    if (attempt === START_ATTEMPTS_MAX || !PASSING_TROUBLE.test(words)) {
      throw new AppError("unavailable", `PostgreSQL did not start. Its last words:\n${words}`);
    }
    await delay(RETRY_MS);
  }
}

/** Another process owns the server: wait until it answers, and use it as a guest. */
async function attach(folder: string): Promise<EmbeddedServer> {
  for (let waitedMs = 0; waitedMs < READY_MS_MAX; waitedMs += POLL_MS) {
    const server = await readServer(folder);
    const status = await postmasterStatus(path.join(folder, "cluster"));
    if (server !== undefined && isAlive(server.process) && status.ready) {
      const password = (await readFile(path.join(folder, "password"), "utf8")).trim();
      return { url: urlOf(password, server.port), stop: () => Promise.resolve() };
    }
    if (!(await hasLivingOwner(folder))) return startEmbedded(path.dirname(folder));
    await delay(POLL_MS);
  }
  throw new AppError(
    "unavailable",
    `Another Quarterdeck uses ${path.dirname(folder)}, but its PostgreSQL does not answer. Stop that one, or name another folder with --data.`,
  );
}

/** A server that outlived the process that started it would keep its old port and settings: it is stopped. */
async function stopOrphan(cluster: Cluster): Promise<void> {
  const { pid } = await postmasterStatus(cluster.data);
  if (pid === undefined) return;
  const server = await readServer(cluster.folder);
  const mark = markOf(pid);
  const known = server?.process.pid === pid && server.process.began === mark?.began;
  if (mark === undefined) return;
  if (!known && !isPostgres(pid)) {
    // The number now belongs to something else, and PostgreSQL would refuse to start because of it.
    await rm(path.join(cluster.data, "postmaster.pid"), { force: true });
    return;
  }
  process.kill(pid, "SIGINT");
  if (await ends(mark, STOP_MS_MAX)) return;
  process.kill(pid, "SIGQUIT");
  if (await ends(mark, STOP_MS_MAX)) return;
  throw new AppError(
    "unavailable",
    `A PostgreSQL server (process ${pid}) left over from an earlier run does not stop. End it with: kill -9 ${pid}`,
  );
}

type Running = { cluster: Cluster; child: ChildProcess; watchdog: ChildProcess; port: number };

/** Fast shutdown: open transactions are rolled back, everything committed is written. */
async function stop({ cluster, child, watchdog }: Running): Promise<void> {
  const ended = child.exitCode !== null || child.signalCode !== null;
  if (!ended) {
    child.ref();
    const exit = once(child, "exit");
    child.kill("SIGINT");
    const late = new AbortController();
    const immediately = delay(STOP_MS_MAX, undefined, { signal: late.signal }).then(
      () => child.kill("SIGQUIT"),
      () => false,
    );
    await exit;
    late.abort();
    await immediately;
  }
  watchdog.stdin?.end("done\n");
  await rm(path.join(cluster.folder, "server.json"), { force: true });
  await dropOwnership(cluster.folder);
}

/**
 * A shell that waits on a pipe from us. When we are killed the pipe closes, and it stops the server; when we stop the
 * server ourselves we say so, and it goes.
 */
function startWatchdog(server: ChildProcess): ChildProcess {
  const watchdog = spawn(
    "/bin/sh",
    ["-c", 'read -r done && exit; kill -INT "$1" 2>/dev/null', "watchdog", String(server.pid)],
    { stdio: ["pipe", "ignore", "ignore"], detached: true, cwd: "/" },
  );
  // Without a shell, or when it was ended, the next start does its work.
  watchdog.on("error", () => undefined);
  watchdog.stdin.on("error", () => undefined);
  watchdog.unref();
  server.unref();
  return watchdog;
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

async function writeServer(cluster: Cluster, child: ChildProcess, port: number): Promise<void> {
  const mark = child.pid === undefined ? undefined : markOf(child.pid);
  if (mark === undefined) return;
  const file = path.join(cluster.folder, "server.json");
  await writeFile(`${file}.new`, JSON.stringify({ process: mark, port }), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function readServer(folder: string): Promise<z.infer<typeof Server> | undefined> {
  const text = await readFile(path.join(folder, "server.json"), "utf8").catch(() => "{}");
  const parsed = Server.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}

async function cutLog(file: string): Promise<void> {
  const bytes = await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
  if (bytes > LOG_BYTES_MAX) await rename(file, `${file}.1`);
}

const urlOf = (password: string, port: number): string =>
  `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`;
