import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import path from "node:path";

import { numberedLine } from "../harness/access-log.ts";
import type { Ports } from "./receiver.ts";

/** What to send, and where. `secret`: a token of the HTTP receiver. */
export type Sending = {
  events: number;
  folder: string;
  ports: Ports;
  secret: string;
  streamSocket: string;
  datagramSocket: string;
};
/** A program that sends numbered events, and how it is stopped. `done` resolves when it has handed over all of them. */
export type Running = AsyncDisposable & { done: Promise<void> };

/** A program that nobody here wrote, with its usual configuration. */
export type Sender = {
  name: string;
  isInstalled: boolean;
  /** The command that builds it; undefined if it has a package. */
  builtBy?: string;
  /** How an event travels: only over RELP and HTTP can the sender know what the receiver has kept. */
  transport:
    | ("UDP" | "TCP" | "TLS" | "RELP" | "Unix stream" | "Unix datagrams")
    | ("HTTP" | "journal over HTTP");
  start(sending: Sending): Promise<Running>;
};

/** A file with numbered access lines. */
export async function logOf({ events, folder }: Sending): Promise<string> {
  const file = path.join(folder, "access.log");
  const startMs = Date.now() - events;
  const lines = Array.from({ length: events }, (_, n) => numberedLine(n, startMs + n));
  await writeFile(file, lines.join(""));
  return file;
}

export function running(child: ChildProcess, done: Promise<unknown>): Running {
  const ended = once(child, "close");
  return {
    done: done.then(() => undefined),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
