import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { hostOf, listen } from "#platform/listen.ts";
import type { Log } from "#platform/log.ts";

import { addressOf } from "../holder/connections.ts";
import type { Receiver } from "../receiver.ts";
import { isEmpty, type Refuse } from "../sockets/decoder.ts";
import type { Keep } from "../sockets/keep-events.ts";
import { journalStream } from "./journal-decoder.ts";

const PATH = "/upload";
const MEDIA_TYPE = "application/vnd.fdo.journal";
const CONNECTIONS_MAX = 64;
/** Without bytes for this long, an upload is ended. Uploads that follow a journal have pauses. */
const IDLE_MS_MAX = 3_600_000;

type Options = {
  listenOn: { host: string; port: number };
  keep: Keep;
  refuse: Refuse;
  log: Log;
};

/** Receives what systemd-journal-upload sends: `POST /upload`. @throws AppError if it cannot listen */
export async function openJournalHttp(options: Options): Promise<Receiver> {
  const { listenOn, log } = options;
  // An upload lasts as long as the journal is followed.
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    upload(request, response, options).catch((error: unknown) => {
      log.debug("an upload of the journal failed", { error });
      if (response.headersSent) response.destroy();
      else answer(response, 503, "The entries cannot be stored now. Send them again later.");
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(IDLE_MS_MAX);
  const port = await listen(server, { ...listenOn, ifTaken: "fail" });
  return {
    address: `journal+http://${hostOf(listenOn.host)}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function upload(
  request: IncomingMessage,
  response: ServerResponse,
  { keep, refuse }: Options,
): Promise<void> {
  if (request.method !== "POST" || request.url !== PATH) {
    return answer(response, 404, `Send entries of the journal with POST ${PATH}.`);
  }
  if (request.headers["content-type"] !== MEDIA_TYPE) {
    return answer(response, 415, `Send the Journal Export Format, as ${MEDIA_TYPE}.`);
  }
  const sender = addressOf(request.socket);
  const decoder = journalStream(refuse, sender);
  for await (const bytes of request) {
    const decoded = decoder.push(bytes);
    if (!isEmpty(decoded)) await keep({ sent: [{ sender, ...decoded }] });
  }
  const rest = decoder.end();
  if (!isEmpty(rest)) await keep({ sent: [{ sender, ...rest }] });
  return answer(response, 202, "OK.");
}

function answer(response: ServerResponse, status: number, text: string): void {
  // The rest of a refused upload is not read.
  if (status >= 400) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": "text/plain" });
  response.end(`${text}\n`);
}
