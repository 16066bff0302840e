/**
 * A receiver as the child process of a socket holder (run-holder.ts). It ends with the channel to its holder, and not by a signal
 * that the terminal or a service manager sends to all processes.
 */
import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { deserialize } from "node:v8";

import { openLog } from "#platform/log.ts";
import { MessageWriter, type ToHolder } from "#receivers/holder/messages.ts";
import { CHANNEL_FD } from "#receivers/holder/supervise-receiver.ts";

import type { ReceiverInput } from "./run-holder.ts";
import { runReceivers } from "./run-receivers.ts";

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => undefined);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- run-holder.ts starts it, with this and nothing else
const { settings, logFile } = deserialize(readFileSync(0)) as ReceiverInput;
const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
// A killed holder leaves a broken channel.
channel.on("error", () => undefined);
const log = openLog({ file: logFile, level: settings.logLevel });
try {
  await runReceivers({ settings, log }, channel);
} catch (error) {
  log.error("the receiver has failed", { error });
  const message = error instanceof Error ? error.message : String(error);
  new MessageWriter<ToHolder>(channel).write(0, { type: "failed", message });
  process.exitCode = 1;
}
channel.end();
log.close();
