import type { IncomingMessage, ServerResponse } from "node:http";

import { dataHeaders } from "./security-headers.ts";

const RETRY_S = 2;

/**
 * Responds to requests while a program starts: `/livez` with 200, all others with 503 and Retry-After; browsers get a page
 * that reloads itself.
 */
export function startingListener(name: string) {
  const detail = `${name} is starting. Try again in ${RETRY_S} seconds.`;
  const problem = { type: "about:blank", title: "Service Unavailable", status: 503, detail };
  const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="${RETRY_S}">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>${name} is starting</title><main><h1>${name} is starting</h1><p>This page reloads itself.</p></main></html>
`;
  const unavailable = { status: 503, headers: { "retry-after": String(RETRY_S) } };
  const live = { status: 200, type: "application/json", text: JSON.stringify({ status: "ok" }) };
  const responses = {
    live: { ...live, headers: {} },
    page: { ...unavailable, type: "text/html; charset=utf-8", text: page },
    problem: { ...unavailable, type: "application/problem+json", text: JSON.stringify(problem) },
  };
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const isLive = /^\/livez(?:\?|$)/.test(incoming.url ?? "");
    const isPage = incoming.headers.accept?.includes("text/html") === true;
    const { status, headers, type, text } =
      responses[isLive ? "live" : isPage ? "page" : "problem"];
    outgoing.writeHead(status, {
      ...dataHeaders(),
      ...headers,
      "cache-control": "no-store",
      "content-type": type,
      "content-length": String(Buffer.byteLength(text)),
      // The next request should use a new connection, which may reach a server that is ready.
      connection: "close",
    });
    // The body is read first, because closing with unread data resets the connection.
    const { "content-length": length, "transfer-encoding": encoding } = incoming.headers;
    if ((length ?? encoding) === undefined) outgoing.end(text);
    else incoming.resume().once("end", () => outgoing.end(text));
  };
}
