import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { getCompileCacheDir } from "node:module";
import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import type { Listener } from "#collectors/sources/listeners/listener.ts";
import { AppError } from "#platform/errors.ts";

import type { SocketHolder } from "./socket-holder.ts";

/** The file descriptor of the channel in a receiver; its input is at 0. */
export const CHANNEL_FD = 3;
const STOP_MS_MAX = 20_000;
/** The first restart is immediate; then waits double, until a receiver has run for some time. */
const WAIT_MS = { first: 100, max: 30_000 };
const STABLE_MS = 60_000;
const ERROR_CHARACTERS_MAX = 2_000;

export type ReceiverProcess = {
  /** The module that it runs. */
  module: string;
  /** Its whole environment: nothing is inherited except the compile cache. */
  env: NodeJS.ProcessEnv;
  input: Buffer;
  /** Called when it reads, with the addresses at which it listens itself. */
  onReady(addresses: readonly string[]): void;
  /** Called with the listeners of the sources file that are to be open. */
  onListeners(listeners: readonly Listener[]): void;
  /** Called when it has ended by itself, with the reason for people. */
  onEnded(reason: string): void;
};

/**
 * Runs a receiver for the holder, and another one when it has ended, until the signal aborts.
 * @throws AppError if the first one cannot begin
 */
export async function superviseReceiver(
  holder: SocketHolder,
  options: ReceiverProcess,
  signal: AbortSignal,
): Promise<void> {
  let wasReady = false;
  for (let failures = 0; !signal.aborted; failures += 1) {
    const startedMs = performance.now();
    const ended = await runOnce(holder, options, signal);
    if (signal.aborted) return;
    wasReady ||= ended.wasReady;
    if (!wasReady) throw new AppError("unavailable", ended.reason);
    options.onEnded(ended.reason);
    if (performance.now() - startedMs > STABLE_MS) failures = 0;
    const waitMs = failures === 0 ? 0 : Math.min(WAIT_MS.first * 2 ** failures, WAIT_MS.max);
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

/** The message of an error that ended a process, without where it is in the program; otherwise all that it wrote. */
const messageIn = (stderr: string): string =>
  /^(?:\w*Error)(?: \[\w+\])?: .*$/m.exec(stderr)?.[0] ?? stderr.trim();

type Ended = { wasReady: boolean; reason: string };

async function runOnce(
  holder: SocketHolder,
  options: ReceiverProcess,
  signal: AbortSignal,
): Promise<Ended> {
  const { child, channel } = startProcess(options);
  let wasReady = false;
  let failure = "";
  child.stderr?.on("data", (text: Buffer) => {
    failure = (failure + text.toString()).slice(-ERROR_CHARACTERS_MAX);
  });
  const exited = once(child, "close").catch((error: unknown) => (failure = String(error)));
  const attached = holder.attach(channel, (message) => {
    if (message.type === "failed") failure = message.message;
    if (message.type === "listeners") options.onListeners(message.listeners);
    if (message.type !== "ready") return;
    wasReady = true;
    options.onReady(message.addresses);
  });
  let killing: NodeJS.Timeout | undefined;
  const stop = (): void => {
    // It ends with its channel.
    channel.end();
    killing = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  // What it has acknowledged is read up to its end before another one begins.
  await Promise.all([attached, exited]);
  signal.removeEventListener("abort", stop);
  clearTimeout(killing);
  const how = child.signalCode ?? `status ${child.exitCode}`;
  const reason = messageIn(failure) || `process ${child.pid} ended with ${how}`;
  return { wasReady, reason };
}

/**
 * The bytes of requests lie outside of the heap, which is marked as a whole whenever they have grown by 64 MB. A small space for new
 * objects (in MB) is searched so often that most of them are freed before. Marking in steps would begin anew each time, and
 * further threads for it cost more CPU time than they save.
 */
const V8_FLAGS = [
  "--max-semi-space-size=8",
  "--no-incremental-marking",
  "--single-threaded-gc",
  "--no-concurrent-recompilation",
];

function startProcess({ module, env, input }: ReceiverProcess): {
  child: ChildProcess;
  channel: Socket;
} {
  const cache = getCompileCacheDir();
  const child = spawn(process.execPath, [...V8_FLAGS, module], {
    env: { ...env, ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
    stdio: ["pipe", "ignore", "pipe", "pipe"],
  });
  // One that ends at once does not read it.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(input);
  const channel = child.stdio[CHANNEL_FD];
  if (!(channel instanceof Socket)) throw new Error("a receiver was started without a channel");
  return { child, channel };
}
