import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { Clock } from "#platform/clock.ts";
import { AppError } from "#platform/errors.ts";
import type { Log } from "#platform/log.ts";

import { LengthFrames } from "../framing/length-frames.ts";
import type { Receiver } from "../receiver.ts";
import { type DatagramDecoder, type Decoded, isEmpty, type Keep } from "./decoder.ts";
import { removeAbandoned } from "./socket-path.ts";

const READER = fileURLToPath(new URL("unix-datagrams.pl", import.meta.url));
const RESTART_MS = 1_000;
/** All senders are programs of this machine. */
const SENDER = "this machine";

export type UnixDatagramReceiverOptions = {
  /** Such as `syslog+unixgram`. */
  protocol: string;
  path: string;
  decoder: DatagramDecoder;
  keep: Keep;
  clock: Clock;
  log: Log;
};

/**
 * Receives datagrams over a Unix domain socket, as programs write them to /dev/log. While they cannot be kept, their
 * senders wait. Perl reads the socket, because Node.js cannot. @throws AppError if it cannot listen
 */
export async function openUnixDatagramReceiver(
  options: UnixDatagramReceiverOptions,
): Promise<Receiver> {
  const { protocol, path, log } = options;
  const closing = new AbortController();
  let reader = await startReader(path);
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await keepAll(reader, options);
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
      reader.stop();
      await running;
    },
  };
}

/** Yields datagrams that arrived together. */
type Reader = { datagrams: AsyncIterable<Buffer[]>; stop(): void };

async function startReader(path: string): Promise<Reader> {
  await removeAbandoned(path);
  const child = spawn("perl", [READER, path], { stdio: ["pipe", "pipe", "pipe"] });
  let reason = "";
  child.once("error", (error) => (reason = `perl cannot be started: ${error.message}`));
  child.stderr.on("data", (text: Buffer) => (reason ||= text.toString().trim()));
  // It may have ended.
  child.stdin.on("error", () => undefined);
  const datagrams = framesIn(child.stdout);
  const first = await datagrams.next();
  if (first.done) {
    await delay(0);
    throw new AppError("unavailable", `The socket ${path} cannot be created (${reason}).`);
  }
  return { datagrams, stop: () => child.stdin.end() };
}

async function* framesIn(output: AsyncIterable<Buffer>): AsyncGenerator<Buffer[], void> {
  const frames = new LengthFrames();
  for await (const bytes of output) {
    const found = frames.push(bytes);
    if (found.length > 0) yield found;
  }
}

async function keepAll(
  { datagrams }: Reader,
  { decoder, keep, clock }: UnixDatagramReceiverOptions,
): Promise<void> {
  for await (const found of datagrams) {
    const decoded: Decoded = { lines: [], documents: [] };
    for (const datagram of found) {
      const { lines, documents } = decoder.push(datagram, SENDER, clock.nowMs());
      decoded.lines.push(...lines);
      decoded.documents.push(...documents);
    }
    if (!isEmpty(decoded)) await keep(decoded, SENDER);
  }
}
