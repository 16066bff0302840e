import { Socket } from "node:net";

import type { MetricJson } from "../metrics/metric-json.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import type { Supervisor } from "./supervisor.ts";

/** Without its supervisor nothing else ends a worker that does not stop. */
const STOP_MS_MAX = 20_000;

export type WorkerProcess = {
  /** Starts serving the connections of the supervisor. */
  start(supervisor: Supervisor): Promise<{
    /** Finishes the requests in flight. */
    stop(): Promise<void>;
  }>;
  /** Writes an error to the log immediately, because the process exits. */
  logFatal(error: unknown): void;
};

/**
 * Runs one worker of a pool (worker-pool.ts) in this process. The process exits, after the requests in flight, when the
 * supervisor asks for it or has itself exited, and on SIGTERM.
 */
export function runWorker(worker: WorkerProcess): void {
  let stopping: Promise<void> | undefined;
  let isReady = false;
  const supervisor = new SupervisorConnection();
  const starting = start();

  async function start() {
    try {
      const running = await worker.start(supervisor);
      isReady = true;
      send({ type: "ready" });
      return running;
    } catch (error) {
      return fail(error);
    }
  }

  /** Exits with an error, whose message is sent to the supervisor. */
  function fail(error: unknown): Promise<never> {
    worker.logFatal(error);
    const message = error instanceof Error ? error.message : String(error);
    return new Promise(() => send({ type: "failed", message }, () => process.exit(1)));
  }

  function stop(): void {
    stopping ??= starting.then((running) => running.stop()).then(sendFinalMetrics);
  }

  function stopWithoutSupervisor(): void {
    // It has no requests, and its start may wait for a database.
    if (stopping || !isReady) process.exit(0);
    stop();
    setTimeout(() => process.exit(1), STOP_MS_MAX);
  }

  /** The supervisor keeps the counters of workers that have exited. */
  async function sendFinalMetrics(): Promise<never> {
    const metrics = await supervisor.ownMetrics();
    return new Promise(() => send({ type: "metrics", id: 0, metrics }, () => process.exit(0)));
  }

  function acceptOrReject(id: number, socket: Socket): void {
    // It was dispatched before the supervisor knew that this worker stops.
    if (stopping) {
      // Closes only our copy of the handle.
      socket.destroy();
      send({ type: "connection_rejected", id });
      return;
    }
    send({ type: "connection_accepted", id });
    socket.allowHalfOpen = true;
    supervisor.accept(socket);
  }

  ignoreSignalsOfTerminal();
  process.on("uncaughtException", (error) => void fail(error));
  process.on("message", (message: ToWorker, socket: unknown) => {
    if (message.type === "connection" && socket instanceof Socket)
      acceptOrReject(message.id, socket);
    if (message.type === "ping") send({ type: "pong" });
    if (message.type === "metrics_request") void supervisor.sendMetrics(message.id);
    if (message.type === "all_metrics") supervisor.receiveAllMetrics(message);
    if (message.type === "stop") stop();
  });
  process.on("SIGTERM", () => {
    send({ type: "stopping" });
    stop();
  });
  process.once("disconnect", stopWithoutSupervisor);
}

/** They are sent to the whole process group: the supervisor decides what its workers do. */
function ignoreSignalsOfTerminal(): void {
  process.on("SIGINT", () => undefined);
  process.on("SIGHUP", () => undefined);
}

class SupervisorConnection implements Supervisor {
  readonly url = process.argv[3] ?? "";
  accept: (socket: Socket) => void = (socket) => void socket.destroy();
  ownMetrics: () => Promise<MetricJson[]> = () => Promise.resolve([]);
  readonly #requests = new Map<number, (all: MetricJson[][]) => void>();
  #lastId = 0;

  onConnection(accept: (socket: Socket) => void): void {
    this.accept = accept;
  }

  onMetrics(own: () => Promise<MetricJson[]>): void {
    this.ownMetrics = own;
  }

  allMetrics(): Promise<MetricJson[][]> {
    return new Promise((resolve) => {
      this.#lastId += 1;
      this.#requests.set(this.#lastId, resolve);
      send({ type: "all_metrics_request", id: this.#lastId });
    });
  }

  async sendMetrics(id: number): Promise<void> {
    send({ type: "metrics", id, metrics: await this.ownMetrics() });
  }

  receiveAllMetrics({ id, all }: { id: number; all: MetricJson[][] }): void {
    this.#requests.get(id)?.(all);
    this.#requests.delete(id);
  }
}

function send(message: FromWorker, sent: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, undefined, sent);
  else sent();
}
