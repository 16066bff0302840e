import { Socket } from "node:net";
/**
 * One worker process of a service, forked by workers.ts: it serves the connections that it is handed. It ends, after
 * what is in flight, when it is told to or when the process that started it has gone.
 */
import { hostname } from "node:os";

import { type Instance, startInstance } from "#api/kit/instance.ts";
import { systemClock } from "#platform/clock.ts";
import type { Front, MetricJson } from "#platform/http/front.ts";
import { bufferLines } from "#platform/http/line-buffer.ts";
import { keysOfAccounts, tokenAuthenticator } from "#platform/http/tokens.ts";
import { logTo } from "#platform/log.ts";
import { parseSettings } from "#platform/settings/settings.ts";

import type { FromWorker, ToWorker, WorkerTask } from "./protocol.ts";
import { workerSettings } from "./service-settings.ts";
import { SERVICES } from "./services.ts";

// Ours alone: workers.ts writes it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const task = JSON.parse(process.argv[2] ?? "{}") as WorkerTask;
const {
  kit: settings,
  url,
  own: serviceSettings,
} = parseSettings(workerSettings(task.service), process.env);
const lines = bufferLines((bytes) => void process.stdout.write(bytes));
process.on("exit", () => lines.flush());
const log = logTo(lines, {
  level: settings.logLevel,
  base: {
    "event.dataset": `${task.service}.log`,
    "service.name": task.service,
    "service.version": settings.release,
    "service.node.name": `${hostname()}/${process.pid}`,
  },
});

let stopping: Promise<void> | undefined;
const asks = new Map<number, (all: MetricJson[][]) => void>();
let lastAsk = 0;
let takeConnection: (socket: Socket) => void = (socket) => void socket.destroy();
let ownMetrics: () => Promise<MetricJson[]> = () => Promise.resolve([]);

const front: Front = {
  url: task.url,
  onConnection(take) {
    takeConnection = take;
  },
  onMetrics(own) {
    ownMetrics = own;
  },
  allMetrics: () =>
    new Promise((resolve) => {
      lastAsk += 1;
      asks.set(lastAsk, resolve);
      tell({ type: "want_all_metrics", id: lastAsk });
    }),
};

// Whoever stops a group of processes means the one that listens, which tells us.
process.on("SIGINT", () => undefined);
process.on("SIGHUP", () => undefined);
process.on("uncaughtException", (error) => void die(error));
const starting = start();
process.on("message", (message: ToWorker, socket: unknown) => {
  if (message.type === "connection" && socket instanceof Socket) takeOrRefuse(message.id, socket);
  if (message.type === "are_you_there") tell({ type: "here" });
  if (message.type === "say_metrics") void sayMetrics(message.id);
  if (message.type === "all_metrics") {
    asks.get(message.id)?.(message.all);
    asks.delete(message.id);
  }
  if (message.type === "stop") void stop();
});
process.on("SIGTERM", () => {
  tell({ type: "leaving" });
  void stop();
});
process.once("disconnect", () => {
  if (stopping) process.exit(0);
  void stop();
});

/** A connection that crossed the news that this one ends goes back: nobody would wait for what is asked on it. */
function takeOrRefuse(id: number, socket: Socket): void {
  if (stopping) {
    // Closes our copy of it alone.
    socket.destroy();
    tell({ type: "refused", id });
    return;
  }
  tell({ type: "taken", id });
  socket.allowHalfOpen = true;
  takeConnection(socket);
}

async function start(): Promise<Instance> {
  try {
    const service = await SERVICES[task.service]();
    const instance = await startInstance(service, {
      settings,
      serviceSettings,
      databaseUrl: settings.databaseUrl ?? "",
      rootKey: settings.rootKey ?? "",
      front,
      publicUrl: new URL(url.url ?? task.url).origin,
      authenticate: tokenAuthenticator({
        keys: keysOfAccounts(settings.accountsUrl),
        issuer: settings.accountsUrl,
        nowMs: systemClock.nowMs,
      }),
      clock: systemClock,
      log,
      writeLine: lines.write,
      node: `${hostname()}/${process.pid}`,
    });
    tell({ type: "ready" });
    return instance;
  } catch (error) {
    return die(error);
  }
}

/** Once, however often it is asked for. */
function stop(): Promise<void> {
  stopping ??= starting.then((instance) => instance.stop()).then(sayLast);
  return stopping;
}

/** What it has counted outlives it. */
async function sayLast(): Promise<never> {
  const metrics = await ownMetrics();
  return new Promise(() => tell({ type: "metrics", id: 0, metrics }, () => process.exit(0)));
}

/** The log has the whole of it, and who started us hears why. */
function die(error: unknown): Promise<never> {
  log.error("a worker ends because of an error", { error });
  lines.flush();
  return new Promise(() => {
    tell({ type: "failed", message: messageOf(error) }, () => process.exit(1));
  });
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

async function sayMetrics(id: number): Promise<void> {
  tell({ type: "metrics", id, metrics: await ownMetrics() });
}

function tell(message: FromWorker, told: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, undefined, told);
  else told();
}
