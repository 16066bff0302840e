import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { z } from "zod";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import { processEnvironment } from "#platform/settings/process-environment.ts";

import type { ApiAddresses } from "./apis/client.ts";
import { historyPaths } from "./history.ts";
import { HostMessage, type HostOptions } from "./host-protocol.ts";

export type DemoOptions = {
  /** `DATA/demo`, created if missing. The demo writes nowhere else. */
  folder: string;
  clock: Clock;
  /** Stops the demo, like `stop`. */
  signal: AbortSignal;
  /** Mean rate over a week, for history and live traffic. Default 0.75, which is 65,000 lines a day. */
  requestsPerSecondMean?: number;
  /** Length of the history at the first start. */
  historyDays?: number;
  /** `any`: nginx if it is installed. */
  proxy?: "any" | "built-in";
};

export type Demo = {
  /** The live access log, and a pattern of the history files, each of which appears when it is complete. */
  logPaths: string[];
  /** URL of the shop. */
  url: string;
  proxy: "nginx" | "built-in";
  /** Why an installed nginx is not used. */
  warning: string | undefined;
  /** Running instances of the shop. */
  instances(): number;
  /** Connects the shop to the domain APIs: from now on customers act in them. */
  useApis(apis: ApiAddresses): void;
  /** Resolves when the whole history is written. */
  history: Promise<void>;
  /** Stops visitors, proxy and instances, in less than five seconds. May be called twice. */
  stop(): Promise<void>;
};

const Past = z.strictObject({ untilMs: z.number(), days: z.number().positive() });
const State = z.strictObject({ seed: z.int(), pasts: z.array(Past) });
type State = z.infer<typeof State>;

const SEED = 7;
const REQUESTS_PER_SECOND_MEAN = 0.75;
const HISTORY_DAYS = 15;
const DAY_MS = 86_400_000;
/** A shorter gap between two runs is not filled, as in an outage. */
const GAP_MS_MIN = 60_000;
/** Files of the history are removed at this age: their events are stored. */
const KEEP_DAYS = 30;
const INSTANCE_PORTS = [18_081, 18_082, 18_083];
const READY_MS_MAX = 20_000;
const STOP_MS_MAX = 4_000;
const HOST_MEMORY = ["--max-old-space-size=64", "--max-semi-space-size=1"];

/**
 * Starts a small web shop behind a proxy on loopback, with simulated visitors, in a child process that ends with this
 * one. The same model writes its history up to now: `historyDays` at the first start, later only the time since the
 * last run.
 * @throws AppError when it cannot be started
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const logs = join(options.folder, "logs");
  await mkdir(logs, { recursive: true });
  const nowMs = options.clock.nowMs();
  const state = await planHistory(options, nowMs);
  const live = join(logs, "access.log");
  // It must exist for tailing before the proxy opens it.
  await appendFile(live, "");
  const host = forkHost({
    folder: options.folder,
    seed: state.seed,
    requestsPerSecondMean: options.requestsPerSecondMean ?? REQUESTS_PER_SECOND_MEAN,
    fromMs: nowMs,
    instancePorts: INSTANCE_PORTS,
    proxy: options.proxy ?? "any",
    history: state.pasts,
  });
  options.signal.addEventListener("abort", () => void host.stop(), { once: true });
  if (options.signal.aborted) await host.stop();
  const ready = await host.ready;
  return {
    logPaths: [live, join(logs, "history-*.gz")],
    url: `http://127.0.0.1:${ready.port}/`,
    proxy: ready.proxy,
    warning: host.warning(),
    instances: () => host.instances(),
    history: host.history,
    useApis: (apis) => host.useApis(apis),
    stop: () => host.stop(),
  };
}

/** Adds the time since the last run to the periods to generate, and records them in state.json. */
async function planHistory(options: DemoOptions, nowMs: number): Promise<State> {
  const path = join(options.folder, "state.json");
  const logs = join(options.folder, "logs");
  const state = await readState(path);
  const old = state.pasts.filter((past) => past.untilMs < nowMs - KEEP_DAYS * DAY_MS);
  for (const past of old) {
    for (const file of historyPaths({ ...past, folder: logs })) await rm(file, { force: true });
  }
  const lastMs = await lastLiveMs(join(logs, "access.log"), state);
  const daysMax = options.historyDays ?? HISTORY_DAYS;
  const days = lastMs === undefined ? daysMax : Math.min(daysMax, (nowMs - lastMs) / DAY_MS);
  const missed = days * DAY_MS >= GAP_MS_MIN ? [{ untilMs: nowMs, days }] : [];
  const pasts = [...state.pasts.filter((past) => !old.includes(past)), ...missed];
  const planned = { seed: state.seed, pasts };
  await writeFile(`${path}.partial`, JSON.stringify(planned));
  await rename(`${path}.partial`, path);
  return planned;
}

async function readState(path: string): Promise<State> {
  if (!existsSync(path)) return { seed: SEED, pasts: [] };
  const parsed = State.safeParse(
    await readFile(path, "utf8")
      .then(JSON.parse)
      .catch(() => undefined),
  );
  if (parsed.success) return parsed.data;
  const advice = `${path} was not written by the demo: remove its folder to start the demo again`;
  throw new AppError("conflict", advice, { cause: parsed.error });
}

/** The last write to the live log, or the end of the last planned period when later. */
async function lastLiveMs(path: string, state: State): Promise<number | undefined> {
  const ends = state.pasts.map((past) => past.untilMs);
  if (existsSync(path)) ends.push((await stat(path)).mtimeMs);
  return ends.length > 0 ? Math.max(...ends) : undefined;
}

type Ready = Extract<HostMessage, { type: "ready" }>;
type Host = {
  ready: Promise<Ready>;
  history: Promise<void>;
  warning(): string | undefined;
  instances(): number;
  useApis(apis: ApiAddresses): void;
  stop(): Promise<void>;
};

function forkHost(hostOptions: HostOptions): Host {
  const file = fileURLToPath(new URL("host.ts", import.meta.url));
  const stdio = ["ignore", "ignore", "pipe", "ipc"] as const;
  const child = fork(file, [JSON.stringify(hostOptions)], {
    execArgv: HOST_MEMORY,
    env: processEnvironment(process.env),
    stdio: [...stdio],
  });
  const ready = Promise.withResolvers<Ready>();
  const history = Promise.withResolvers<void>();
  let running = 0;
  let stderrTail = "";
  let warning: string | undefined;
  child.stderr?.on(
    "data",
    (bytes: Buffer) => (stderrTail = `${stderrTail}${bytes.toString()}`.slice(-2000)),
  );
  child.on("message", (given) => {
    const message = HostMessage.parse(given);
    if (message.type === "ready") running = message.instances;
    if (message.type === "ready") ready.resolve(message);
    if (message.type === "warning") warning = message.text;
    if (message.type === "history") history.resolve();
  });
  child.once("exit", () => {
    running = 0;
    history.resolve();
    ready.reject(new AppError("unavailable", `the demo ended before it was ready: ${stderrTail}`));
  });
  const late = setTimeout(() => child.kill("SIGKILL"), READY_MS_MAX);
  const settled = ready.promise.finally(() => clearTimeout(late));
  return {
    ready: settled,
    history: history.promise,
    warning: () => warning,
    instances: () => running,
    useApis: (apis) => void (child.connected && child.send({ type: "apis", apis })),
    stop: () => stopHost(child),
  };
}

async function stopHost(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  if (child.connected) child.send({ type: "stop" });
  const stopTimeout = new AbortController();
  await Promise.race([exit, sleep(STOP_MS_MAX, undefined, stopTimeout).catch(() => undefined)]);
  stopTimeout.abort();
  child.kill("SIGKILL");
  await exit;
}
