import { readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import { AppError } from "../errors.ts";
import { earlierOwner } from "../lease/earlier-version.ts";
import type { LeaseTimes } from "../lease/heartbeat.ts";
import { contendForLease, findHolder, type Lease, LEASE_TIMES } from "../lease/lease.ts";
import { readStateFile, writeStateFile } from "../state-file.ts";
import { type Cluster, USER, prepareCluster } from "./cluster.ts";
import { postmasterStatus, stopOrphan } from "./postmaster.ts";
import {
  launchServer,
  READY_MS_MAX,
  release,
  type ServerProcess,
  stopServer,
} from "./server-process.ts";

/** A running embedded server. */
export type EmbeddedServer = {
  url: string;
  /** Whether it is still the server of the data folder: a server ends with the process that started it. */
  isCurrent(): boolean;
  /** Stops the server if this process started it; the server of another process keeps running. */
  stop(): Promise<void>;
};

/** Published by the holder of the lease, for other processes that use its server. */
const Server = z.object({
  token: z.string(),
  process: z.object({ pid: z.int() }),
  port: z.int(),
});

const LEASE = "server";
const LOG_BYTES_MAX = 5 * 1024 * 1024;
const RESTART_MS = 1_000;
const POLL_MS = 50;

/**
 * Starts the embedded server of a data folder. If another process already runs it, that server is used; a server left
 * over from a killed process is stopped first.
 */
export async function startEmbedded(
  dataFolder: string,
  times: LeaseTimes = LEASE_TIMES,
): Promise<EmbeddedServer> {
  const folder = folderOf(dataFolder);
  const endMs = performance.now() + READY_MS_MAX;
  while (performance.now() < endMs) {
    const found = await contendForLease(folder, LEASE, { times });
    if ("lease" in found) return own(dataFolder, found.lease);
    const server = await attach(folder, found.holder.token);
    if (server) return server;
    await delay(POLL_MS);
  }
  throw new AppError(
    "unavailable",
    `Another Quarterdeck uses ${dataFolder}, but its PostgreSQL does not answer. Stop the other one, or choose another folder with --data.`,
  );
}

async function own(dataFolder: string, lease: Lease): Promise<EmbeddedServer> {
  try {
    const earlier = await earlierOwner(folderOf(dataFolder));
    if (earlier !== undefined) {
      throw new AppError(
        "unavailable",
        `An earlier version of Quarterdeck (process ${earlier}) runs the PostgreSQL of ${dataFolder}. Stop it first.`,
      );
    }
    const cluster = await prepareCluster(dataFolder);
    await stopOrphan(cluster.data);
    await truncateLog(cluster.log);
    return await keepRunning(cluster, lease);
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/** Keeps a server running until it is stopped: if it dies, it is restarted on the same port. */
async function keepRunning(cluster: Cluster, lease: Lease): Promise<EmbeddedServer> {
  const launch = (port?: number): Promise<ServerProcess> =>
    launchServer(cluster, {
      ...(port !== undefined && { port }),
      leaseFile: lease.file,
      onSpawn: (pid, at) => {
        const server = { token: lease.token, process: { pid }, port: at };
        writeStateFile(serverFile(cluster.folder), server satisfies z.infer<typeof Server>);
      },
    });
  let running = await launch();
  const { port } = running;
  const stopping = new AbortController();
  const ending = AbortSignal.any([stopping.signal, lease.lost]);
  let restarting: Promise<void> = Promise.resolve();
  const watch = (): void => {
    running.child.once("exit", () => {
      if (!ending.aborted) restarting = restart();
    });
  };
  async function restart(): Promise<void> {
    release(running.guard);
    for (;;) {
      await delay(RESTART_MS, undefined, { signal: ending }).catch(() => undefined);
      if (ending.aborted) return;
      try {
        running = await launch(port);
        return watch();
      } catch {
        // Queries fail with "unavailable" until then. The reason is in the server's log, unless that cannot be written
        // either (a full disk, too many open files); the next attempt may succeed.
      }
    }
  }
  watch();
  return {
    url: urlOf(cluster.password, port),
    isCurrent: () => isHeldBy(cluster.folder, lease.token),
    stop: async () => {
      stopping.abort();
      await restarting;
      await stopServer(running);
      if (!lease.lost.aborted) await rm(serverFile(cluster.folder), { force: true });
      await lease.release();
    },
  };
}

/** Connects to the server of another process; undefined while it is not ready. */
async function attach(folder: string, token: string): Promise<EmbeddedServer | undefined> {
  const { value: server, damage } = readStateFile(serverFile(folder), Server);
  const status = await postmasterStatus(path.join(folder, "cluster"));
  // It is written before the server is ready.
  if (damage !== undefined && status.ready) {
    throw new AppError(
      "unavailable",
      `${damage}. Stop the Quarterdeck that runs PostgreSQL (process ${status.pid}) in that folder, and start it again, which writes the file anew.`,
    );
  }
  if (server?.token !== token || server.process.pid !== status.pid || !status.ready) {
    return undefined;
  }
  const password = (await readFile(path.join(folder, "password"), "utf8")).trim();
  return {
    url: urlOf(password, server.port),
    isCurrent: () => isHeldBy(folder, token),
    stop: () => Promise.resolve(),
  };
}

async function truncateLog(file: string): Promise<void> {
  const bytes = await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
  if (bytes > LOG_BYTES_MAX) await rename(file, `${file}.1`);
}

const isHeldBy = (folder: string, token: string): boolean =>
  findHolder(folder, LEASE)?.token === token;
const folderOf = (dataFolder: string): string => path.join(dataFolder, "postgres");
const serverFile = (folder: string): string => path.join(folder, "server.json");
const urlOf = (password: string, port: number): string =>
  `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`;
