import { once } from "node:events";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { serialize } from "node:v8";

import { systemClock as clock } from "#platform/clock.ts";
import type { Log } from "#platform/log.ts";
import { processEnvironment } from "#platform/settings/process-environment.ts";
import { publishHolder } from "#receivers/activity/holder-files.ts";
import { openListeners } from "#receivers/holder/open-listeners.ts";
import { SocketHolder } from "#receivers/holder/socket-holder.ts";
import { superviseReceiver } from "#receivers/holder/supervise-receiver.ts";

import type { ReceiveSettings } from "../settings.ts";

const PROCESS = fileURLToPath(new URL("receiver-process.ts", import.meta.url));
/** At the end, what was received has so long to become durable. */
const DRAIN_MS_MAX = 10_000;
/** A receiver that ends sooner after its start than this is still the same problem. */
const SETTLED_MS = 5_000;

/** The log of the holder beside that of its receiver, because one process writes to a log. */
export const holderLogFile = (logFile: string): string =>
  path.join(path.dirname(logFile), "sockets.log");

/** What the process of a receiver gets. */
export type ReceiverInput = { settings: ReceiveSettings; logFile: string };

export type HolderDeps = {
  log: Log;
  /** Called once, with the addresses at which logs are received. */
  onOpen(addresses: readonly string[]): void;
  /** Gets messages for the terminal. */
  notify(line: string): void;
};

/**
 * Receives pushed logs until the signal aborts: holds the sockets, and runs a process that reads what they received, which can be
 * killed. @throws AppError if it cannot listen
 */
export async function runHolder(
  { settings, logFile }: ReceiverInput,
  { log, onOpen, notify }: HolderDeps,
  signal: AbortSignal,
): Promise<void> {
  const { dataFolder } = settings;
  const holder = new SocketHolder();
  const listeners = await openListeners(settings, holder, log);
  const { addresses } = listeners;
  const onError = (error: unknown): void => log.error("a listener cannot be closed", { error });
  let problem: string | undefined;
  let settling: NodeJS.Timeout | undefined;
  let isOpen = false;
  using _ = publishHolder(dataFolder, {
    addresses,
    listeners: () => listeners.states(),
    problem: () => problem,
    clock,
  });
  const ending = new AbortController();
  const receiving = superviseReceiver(
    holder,
    {
      module: PROCESS,
      env: processEnvironment(process.env),
      input: serialize({ settings, logFile } satisfies ReceiverInput),
      onReady(own) {
        settling = setTimeout(() => (problem = undefined), SETTLED_MS).unref();
        if (!isOpen) onOpen([...own, ...addresses]);
        isOpen = true;
      },
      onListeners: (wanted) => void listeners.apply(wanted).catch(onError),
      onEnded(reason) {
        clearTimeout(settling);
        problem = `the receiver has ended and is started again: ${reason}`;
        log.error("the receiver has ended and is started again", { reason });
        notify(`The receiver of pushed logs has ended and is started again: ${reason}`);
      },
    },
    ending.signal,
  );
  const stopped = signal.aborted ? undefined : once(signal, "abort");
  try {
    await Promise.race([stopped, receiving]);
  } finally {
    await listeners[Symbol.asyncDispose]();
  }
  const isDrained = await Promise.race([
    holder.drained().then(() => true),
    delay(DRAIN_MS_MAX, undefined, { ref: false }),
  ]);
  if (!isDrained) log.error("some of what was received could not be kept before the end");
  ending.abort();
  await receiving;
}
