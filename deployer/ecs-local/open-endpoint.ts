import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import path from "node:path";

import { z } from "zod";

import { type Clock, systemClock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { contendForLease } from "#platform/lease/lease.ts";
import { hostOf, listen } from "#platform/listen.ts";
import type { Log } from "#platform/log.ts";
import { readStateFile, writeStateFile } from "#platform/state-file.ts";

import { Engine } from "./engine.ts";
import { Faults } from "./faults.ts";
import { Arns } from "./operations/arns.ts";
import { Runner } from "./processes/runner.ts";
import { createEcsServer } from "./protocol/server.ts";
import type { Network, World } from "./scheduler/world.ts";
import { StateFile } from "./state-file.ts";

const LEASE = "ecs-local";
const LOG_BYTES_MAX = 10 * 1024 * 1024;
/** CPU units that tasks may reserve for each CPU: many tasks of one machine are idle. */
const CPU_UNITS = 8 * 1_024;
const MEBIBYTE = 1024 * 1024;

const REGION = "local";
const ACCOUNT = "000000000000";

const Credentials = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });

/** How to reach a running endpoint; in `endpoint.json` of its folder, which only its owner can read. */
const EndpointAddress = z.object({ url: z.string(), region: z.string(), credentials: Credentials });
export type EndpointAddress = z.infer<typeof EndpointAddress>;

export type EndpointOptions = {
  /** Has the state, the logs of the tasks, and the credentials. */
  folder: string;
  host?: string;
  /** 0: any free port. */
  port?: number;
  log: Log;
  clock?: Clock;
  /** The duration of a second of task definitions and of the scheduler's own delays; tests shorten it. */
  secondMs?: number;
  capacity?: World["capacity"];
  network?: Network;
  logBytesMax?: number;
  faults?: Faults;
};

/** A running endpoint. */
export type Endpoint = {
  address: EndpointAddress;
  /** The file with the output of a container; undefined for a task that is not known. */
  logFileOf(taskArn: string, container: string): string | undefined;
  /** Ends without stopping tasks: the next endpoint on the folder goes on with them. */
  close(): Promise<void>;
  /** Stops all tasks first. Services keep their desired counts, so the next endpoint starts tasks again. */
  stop(): Promise<void>;
};

/**
 * Opens a local Amazon ECS whose tasks are processes of this machine. There is one for each folder.
 * @throws AppError if another process has the folder, or if the port or the state cannot be used
 */
export async function openEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { folder, log, clock = systemClock, secondMs = 1_000, host = "127.0.0.1" } = options;
  await using started = new AsyncDisposableStack();
  const root = path.resolve(folder);
  mkdirSync(path.join(root, "tasks"), { recursive: true, mode: 0o700 });
  const contended = await contendForLease(root, LEASE);
  if (!("lease" in contended)) {
    throw new AppError("conflict", `Another process runs the local fleet in ${root}.`);
  }
  const { lease } = contended;
  started.use(lease);
  let engine: Engine | undefined;
  const runner = new Runner({
    folder: path.join(root, "tasks"),
    logBytesMax: options.logBytesMax ?? LOG_BYTES_MAX,
    secondMs,
    nowMs: () => performance.now(),
    onChange: () => engine?.kick(),
  });
  const running = new Engine({
    file: new StateFile(path.join(root, "state.sqlite")),
    runner,
    clock,
    log,
    secondMs,
    capacity: options.capacity ?? capacityOfMachine(),
    network: options.network ?? (process.platform === "linux" ? "own_addresses" : "shared_address"),
    mayAct: () => lease.isHeld(),
  });
  engine = running;
  runner.sweep(running.state, log);
  started.defer(() => running.close());
  const credentials = credentialsIn(root);
  const arns = new Arns({ region: REGION, account: ACCOUNT });
  const { faults = new Faults() } = options;
  const server = createEcsServer({ engine: running, faults, credentials, arns, clock, log });
  const port = await listen(server, { host, port: options.port ?? 0, ifTaken: "fail" });
  started.defer(async () => {
    server.close();
    server.closeAllConnections();
    if (server.listening) await once(server, "close");
  });
  const address = { url: `http://${hostOf(host)}:${port}`, region: REGION, credentials };
  writeStateFile(addressFile(root), address);
  const resources = started.move();
  return {
    address,
    logFileOf(taskArn, container) {
      const task = running.state.tasks.get(taskArn);
      const isThere = task?.containers.some(({ name }) => name === container) ?? false;
      return task && isThere ? runner.logFileOf(task, container) : undefined;
    },
    close: () => resources.disposeAsync(),
    async stop() {
      await running.stopTasks();
      await resources.disposeAsync();
    },
  };
}

const addressFile = (folder: string): string => path.join(folder, "endpoint.json");

/** Where the endpoint of a folder listens, or listened last. @throws AppError with what to do */
export function readAddress(folder: string): EndpointAddress {
  const { value, damage } = readStateFile(addressFile(folder), EndpointAddress);
  if (value) return value;
  throw new AppError(
    "unavailable",
    damage ?? `No local fleet was started in ${folder}: start Quarterdeck there.`,
  );
}

/** Created once, so that clients keep working when the endpoint is started again. */
function credentialsIn(folder: string): z.infer<typeof Credentials> {
  const file = path.join(folder, "credentials.json");
  const { value } = readStateFile(file, Credentials);
  if (value) return value;
  const created = {
    accessKeyId: `LOCAL${randomBytes(8).toString("hex").toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString("base64url"),
  };
  writeStateFile(file, created);
  return created;
}

const capacityOfMachine = (): World["capacity"] => ({
  cpu: availableParallelism() * CPU_UNITS,
  memory: Math.floor(totalmem() / MEBIBYTE),
});
