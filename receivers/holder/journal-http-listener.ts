import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { hostOf, listen } from "#platform/listen.ts";

import { limitConnections } from "../http/connection-limit.ts";
import type { Receiver } from "../receiver.ts";
import { addressOf } from "./connections.ts";
import type { HeldSourceName } from "./messages.ts";
import type { HeldMemory, SocketHolder } from "./socket-holder.ts";

const PATH = "/upload";
const MEDIA_TYPE = "application/vnd.fdo.journal";
const CONNECTIONS_MAX = 64;
/** Without bytes for this long, an upload is ended. Uploads that follow a journal have pauses. */
const IDLE_MS_MAX = 3_600_000;
const MB = 1024 * 1024;
const HELD_LIMITS = { connectionBytesMax: 6 * MB, bytesMax: 64 * MB };

type Options = HeldSourceName & { listenOn: { host: string; port: number } };

/**
 * Receives what systemd-journal-upload sends with `POST /upload`: the holder holds the body as a connection, and the answer tells
 * that it is durable. @throws AppError if it cannot listen
 */
export async function openJournalHttpListener(
  holder: SocketHolder,
  { protocol, source, listenOn }: Options,
): Promise<Receiver> {
  const memory = holder.newMemory(HELD_LIMITS);
  // An upload lasts as long as the journal is followed.
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    const problem = problemOf(request);
    if (problem) answer(response, ...problem);
    else holdUpload(request, response, { holder, memory, protocol, source });
  });
  limitConnections(server, CONNECTIONS_MAX);
  server.setTimeout(IDLE_MS_MAX);
  const port = await listen(server, { ...listenOn, ifTaken: "fail" });
  return {
    address: `${protocol}://${hostOf(listenOn.host)}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function problemOf({ method, url, headers }: IncomingMessage): [number, string] | undefined {
  if (method !== "POST" || url !== PATH) {
    return [404, `Send entries of the journal with POST ${PATH}.`];
  }
  if (headers["content-type"] !== MEDIA_TYPE) {
    return [415, `Send the Journal Export Format, as ${MEDIA_TYPE}.`];
  }
  return undefined;
}

type Holding = HeldSourceName & { holder: SocketHolder; memory: HeldMemory };

function holdUpload(
  request: IncomingMessage,
  response: ServerResponse,
  { holder, memory, protocol, source }: Holding,
): void {
  const held = holder.open(
    {
      protocol,
      source,
      sender: addressOf(request.socket),
      pause: () => void request.pause(),
      resume: () => void request.resume(),
      reply: () => undefined,
      close: () => void request.destroy(),
      onRead: () => undefined,
      onEnd: () => answer(response, 202, "OK."),
    },
    memory,
  );
  request.on("error", () => undefined);
  request.on("data", (bytes: Buffer) => held.add(bytes));
  request.once("end", () => held.end("whole"));
  // Of an upload without its end, the last entry is sent again.
  request.once("close", () => held.end("broken"));
}

function answer(response: ServerResponse, status: number, text: string): void {
  // The rest of a refused upload is not read.
  if (status >= 400) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": "text/plain" });
  response.end(`${text}\n`);
}
