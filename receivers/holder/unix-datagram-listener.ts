import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

import type { Receiver } from "../receiver.ts";
import type { HeldSourceName } from "./messages.ts";
import type { HeldLimits, SocketHolder } from "./socket-holder.ts";
import { removeAbandoned } from "./socket-path.ts";

const READER = fileURLToPath(new URL("unix-datagrams.pl", import.meta.url));
const LISTENING = "listening\n";
const RESTART_MS = 1_000;
const HELD_BYTES_MAX = 64 * 1024 * 1024;
const LIMITS: HeldLimits = { connectionBytesMax: HELD_BYTES_MAX, bytesMax: HELD_BYTES_MAX };

export type UnixDatagramListenerOptions = HeldSourceName & {
  path: string;
  log: Log;
};

type Reader = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Receives datagrams over a Unix domain socket, as programs write them to /dev/log, which the holder holds as one connection
 * (datagram-frames.ts). While its memory is full, their senders wait. Perl reads the socket, because Node.js cannot.
 * @throws AppError if it cannot listen
 */
export async function openUnixDatagramListener(
  holder: SocketHolder,
  { protocol, source, path, log }: UnixDatagramListenerOptions,
): Promise<Receiver> {
  const closing = new AbortController();
  let reader = await startReader(path);
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await holdAll(reader, holder, { protocol, source });
      if (closing.signal.aborted) return;
      log.error("the reader of a Unix datagram socket has ended and is started again", { path });
      await delay(RESTART_MS, undefined, { signal: closing.signal });
      reader = await startReader(path);
    }
  };
  const running = run().catch((error: unknown) => {
    if (!closing.signal.aborted) log.error("a Unix datagram socket is not read", { path, error });
  });
  return {
    address: `${protocol}:${path}`,
    async [Symbol.asyncDispose]() {
      closing.abort();
      reader.stdin.end();
      await running;
    },
  };
}

/** Resolves when the socket exists. */
async function startReader(path: string): Promise<Reader> {
  await removeAbandoned(path);
  const child = spawn("perl", [READER, path], { stdio: ["pipe", "pipe", "pipe"] });
  let reason = "";
  child.once("error", (error) => (reason = `perl cannot be started: ${error.message}`));
  child.stderr.on("data", (text: Buffer) => (reason ||= text.toString().trim()));
  // It may have ended.
  child.stdin.on("error", () => undefined);
  const ended = once(child, "close").catch(() => undefined);
  const listening = once(child.stdout, "readable");
  await Promise.race([listening, ended]);
  if (child.stdout.read(LISTENING.length)) return child;
  await ended;
  throw new AppError("unavailable", `The socket ${path} cannot be created (${reason}).`);
}

/** Resolves when the reader has ended. */
async function holdAll(reader: Reader, holder: SocketHolder, name: HeldSourceName): Promise<void> {
  const { stdout } = reader;
  const held = holder.open(
    {
      ...name,
      sender: "",
      pause: () => void stdout.pause(),
      resume: () => void stdout.resume(),
      reply: () => undefined,
      close: () => undefined,
      onRead: () => undefined,
    },
    holder.newMemory(LIMITS),
  );
  const ended = once(stdout, "close");
  stdout.on("data", (bytes: Buffer) => held.add(bytes));
  stdout.resume();
  await ended;
  held.end("whole");
}
