import type { IncomingMessage, ServerResponse } from "node:http";

import { dataHeaders } from "./security-headers.ts";

const RETRY_S = 2;

/**
 * Answers while a program cannot serve yet: `/livez` with 200, everything else with 503 and Retry-After, for browsers
 * as a page that reloads itself.
 */
export function answerStarting(name: string) {
  const detail = `${name} is starting. Try again in ${RETRY_S} seconds.`;
  const problem = { type: "about:blank", title: "Service Unavailable", status: 503, detail };
  const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="${RETRY_S}">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>${name} is starting</title><h1>${name} is starting</h1><p>This page reloads itself.</p></html>
`;
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const isLive = /^\/livez(?:\?|$)/.test(incoming.url ?? "");
    const isPage = incoming.headers.accept?.includes("text/html") === true;
    const [type, text] = isLive
      ? ["application/json", JSON.stringify({ status: "ok" })]
      : isPage
        ? ["text/html; charset=utf-8", page]
        : ["application/problem+json", JSON.stringify(problem)];
    outgoing.writeHead(isLive ? 200 : 503, {
      ...dataHeaders(),
      "cache-control": "no-store",
      "content-type": type,
      "content-length": String(Buffer.byteLength(text)),
      // The next request may be for a server that is ready, over a new connection.
      connection: "close",
      ...(isLive ? {} : { "retry-after": String(RETRY_S) }),
    });
    outgoing.end(text);
  };
}
