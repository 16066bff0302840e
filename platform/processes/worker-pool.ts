import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { getCompileCacheDir } from "node:module";
import { setTimeout as delay } from "node:timers/promises";

import { AppError } from "../errors.ts";
import { WorkerMetrics } from "../metrics/worker-metrics.ts";
import type { ConnectionDispatcher } from "./connection-dispatcher.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import { wholeLines } from "./whole-lines.ts";
import { inputStdio, sendInput } from "./worker-input.ts";

const STOP_MS_MAX = 20_000;
const RESTART_MS = { first: 100, most: 10_000 };
const HEARTBEAT_MS = 5_000;
/** A worker that misses this many heartbeats in a row counts as hung and is killed. */
const MISSED_HEARTBEATS_MAX = 4;
/** A worker that has served for so long and crashes is replaced at once. */
const STABLE_MS = 10_000;

export type WorkerPoolOptions = {
  /** Name of the service in messages to people. */
  name: string;
  /** The module that a worker process runs; it calls `runWorker`. */
  module: string;
  /** The first argument of the module, as JSON. */
  task: unknown;
  count: number;
  /** The whole environment of the workers; without secrets. */
  env: NodeJS.ProcessEnv;
  /** A JSON value that each worker reads with `readInput`. */
  input: unknown;
  /** Receives whole lines of the workers' stdout; "directly": they write to the stdout of this process themselves. */
  writeLines: ((lines: string) => void) | "directly";
  /** Whether starting the first worker is retried until it can serve. */
  retryStart: boolean;
  /** Receives messages for people. */
  notify(line: string): void;
};

/** The worker processes behind one port; a worker that dies is replaced. */
export type WorkerPool = {
  /** Resolves when a worker serves; rejects with the reason when the first one cannot start, unless that is retried. */
  ready: Promise<void>;
  /** Whether no worker serves because starting failed or the workers have died. */
  isDown(): boolean;
  /** Replaces every worker, one after the other, without a failed request. */
  restart(input?: unknown): Promise<void>;
  /** Stops listening, lets the workers finish the requests in flight, and ends them. */
  stop(): Promise<void>;
};

export function startWorkerPool(
  dispatcher: ConnectionDispatcher,
  options: WorkerPoolOptions,
): WorkerPool {
  const pool = new Pool(options, dispatcher);
  const ready = pool.start();
  // It does not have to be awaited, so a rejection must not crash this process.
  ready.catch(() => undefined);
  return {
    ready,
    isDown: () => pool.isDown,
    restart: (input) => pool.restart(input),
    async stop() {
      dispatcher.close();
      await pool.stop();
    },
  };
}

type Worker = {
  child: ChildProcess;
  ready: Promise<void>;
  /** By `performance.now()`; undefined until it serves. */
  servesSinceMs: number | undefined;
  stopping: boolean;
  /** Pings sent since its last message; undefined until it serves. */
  missedHeartbeats: number | undefined;
};

class Pool {
  readonly #options: WorkerPoolOptions;
  readonly #dispatcher: ConnectionDispatcher;
  readonly #workers = new Set<Worker>();
  readonly #metrics = new WorkerMetrics<ChildProcess>();
  readonly #stopping = new AbortController();
  #input: unknown;
  #restarting: Promise<void> = Promise.resolve();
  #served = false;
  #hasFailed = false;
  #crashesInARow = 0;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(options: WorkerPoolOptions, dispatcher: ConnectionDispatcher) {
    this.#options = options;
    this.#dispatcher = dispatcher;
    this.#input = options.input;
  }

  get isDown(): boolean {
    const isServed = [...this.#workers].some((it) => it.missedHeartbeats !== undefined);
    return this.#hasFailed && !isServed;
  }

  /** Starts the first worker alone, so that a configuration error is reported once; then the others. */
  async start(): Promise<void> {
    for (let attempt = 1; !this.#served; attempt += 1) {
      try {
        await this.#fork().ready;
        this.#served = true;
      } catch (error) {
        this.#hasFailed = true;
        if (!this.#options.retryStart || this.#stopping.signal.aborted) throw error;
        if (attempt === 1) this.#options.notify(messageOf(error));
        await this.#backOff(attempt);
        if (this.#stopping.signal.aborted) throw error;
      }
    }
    // It may have been stopped while it started.
    if (this.#stopping.signal.aborted) return;
    for (let more = 1; more < this.#options.count; more += 1) this.#fork();
    this.#heartbeat = setInterval(() => this.#checkHeartbeats(), HEARTBEAT_MS);
  }

  /** Counts pings instead of time: while this process is suspended, no worker misses one. */
  #checkHeartbeats(): void {
    for (const worker of this.#workers) {
      const { child, missedHeartbeats } = worker;
      if (missedHeartbeats === undefined) continue;
      if (missedHeartbeats >= MISSED_HEARTBEATS_MAX) {
        this.#options.notify(
          `Worker process ${child.pid} of ${this.#options.name} does not respond and will be killed.`,
        );
        child.kill("SIGKILL");
        continue;
      }
      worker.missedHeartbeats = missedHeartbeats + 1;
      send(child, { type: "ping" });
    }
  }

  /** Restarts that overlap run one after the other. */
  restart(input: unknown = this.#input): Promise<void> {
    this.#input = input;
    const after = this.#restarting.then(() => this.#replaceAll());
    this.#restarting = after.catch(() => undefined);
    return after;
  }

  async #replaceAll(): Promise<void> {
    const before = [...this.#workers];
    for (const old of before) {
      if (this.#stopping.signal.aborted) return;
      await this.#fork().ready;
      await stopWorker(old, this.#dispatcher);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#heartbeat);
    await Promise.all([...this.#workers].map((worker) => stopWorker(worker, this.#dispatcher)));
  }

  #fork(): Worker {
    const { module, task, env, writeLines } = this.#options;
    const cache = getCompileCacheDir();
    const child = fork(module, [JSON.stringify(task), this.#dispatcher.url], {
      env: { ...env, ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
      stdio: [...inputStdio(writeLines === "directly" ? "inherit" : "pipe")],
      execArgv: [],
    });
    sendInput(child, this.#input);
    if (child.stdout && writeLines !== "directly") wholeLines(child.stdout, writeLines);
    const worker: Worker = {
      child,
      servesSinceMs: undefined,
      stopping: false,
      ready: this.#becomesReady(child),
      missedHeartbeats: undefined,
    };
    worker.ready.then(
      () => {
        worker.servesSinceMs = performance.now();
        worker.missedHeartbeats = 0;
        return undefined;
      },
      () => undefined,
    );
    child.on("message", () => {
      if (worker.missedHeartbeats !== undefined) worker.missedHeartbeats = 0;
    });
    this.#workers.add(worker);
    child.once("exit", () => void this.#exited(worker));
    // Later than "exit": all messages have been received by then.
    child.once("close", () => this.#metrics.exited(child));
    child.on("error", () => undefined);
    return worker;
  }

  #becomesReady(child: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      let reason = `${this.#options.name} exited before it could serve. See its log.`;
      child.on("message", (message: FromWorker) => {
        if (message.type === "failed") reason = message.message;
        if (message.type === "ready") {
          this.#dispatcher.add(child);
          resolve();
        }
        this.#received(child, message);
      });
      child.once("exit", () => reject(new AppError("unavailable", reason)));
    });
  }

  #received(child: ChildProcess, message: FromWorker): void {
    const connected = [...this.#workers].map((it) => it.child).filter((it) => it.connected);
    switch (message.type) {
      case "connection_accepted":
        return this.#dispatcher.accepted(child, message.id);
      case "connection_rejected":
        return this.#dispatcher.rejected(child, message.id);
      case "stopping":
        return this.#dispatcher.drain(child);
      case "metrics":
        return this.#metrics.received(child, message);
      case "all_metrics_request":
        return void this.#sendAllMetrics(child, { id: message.id, connected });
      case "last_write":
        for (const other of connected) if (other !== child) send(other, message);
        return;
      case "ready":
      case "pong":
      case "failed":
    }
  }

  async #sendAllMetrics(
    child: ChildProcess,
    { id, connected }: { id: number; connected: readonly ChildProcess[] },
  ): Promise<void> {
    const all = await this.#metrics.collect(connected, (worker, collectionId) =>
      send(worker, { type: "metrics_request", id: collectionId }),
    );
    send(child, { type: "all_metrics", id, all });
  }

  async #exited(worker: Worker): Promise<void> {
    this.#dispatcher.remove(worker.child);
    this.#workers.delete(worker);
    if (!this.#served || worker.stopping || this.#stopping.signal.aborted) return;
    this.#hasFailed = true;
    const { exitCode, signalCode, pid } = worker.child;
    const servedMs = performance.now() - (worker.servesSinceMs ?? Infinity);
    this.#crashesInARow = servedMs > STABLE_MS ? 1 : this.#crashesInARow + 1;
    this.#options.notify(
      `Worker process ${pid} of ${this.#options.name} exited with ${signalCode ?? exitCode} and will be replaced.`,
    );
    await this.#backOff(this.#crashesInARow - 1);
    // If it was itself the replacement of a worker, that one still runs.
    const enough = this.#workers.size >= this.#options.count;
    if (!enough && !this.#stopping.signal.aborted) this.#fork();
  }

  async #backOff(failures: number): Promise<void> {
    if (failures === 0) return;
    const ms = Math.min(RESTART_MS.most, RESTART_MS.first * 2 ** Math.min(failures, 20));
    await delay(ms, undefined, this.#stopping).catch(() => undefined);
  }
}

async function stopWorker(worker: Worker, dispatcher: ConnectionDispatcher): Promise<void> {
  worker.stopping = true;
  const { child } = worker;
  dispatcher.drain(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  // A worker that does not serve yet has nothing in flight.
  if (worker.missedHeartbeats === undefined) child.kill("SIGKILL");
  else send(child, { type: "stop" });
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await exited;
  clearTimeout(timer);
}

/** A message to a worker that has exited is dropped. */
function send(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, () => undefined);
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
