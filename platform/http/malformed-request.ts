import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

import type { Log } from "../log.ts";
import { problemHeaders, refusal } from "./problem.ts";
import { HEADERS_MS, REQUEST_MS } from "./server.ts";

type Refusal = { status: number; title: string; detail: string };

const BY_CODE: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    title: "Request Header Fields Too Large",
    detail: "The request line and headers are too long: send at most 16 KiB.",
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    title: "Content Too Large",
    detail: "The chunk extensions are too long: send none.",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    title: "Request Timeout",
    detail: `The request was too slow: send its headers within ${HEADERS_MS / 1_000} seconds and the whole request within ${REQUEST_MS / 1_000}.`,
  },
};
const EXPECTATION: Refusal = {
  status: 417,
  title: "Expectation Failed",
  detail: "The only supported expectation is 100-continue.",
};

/** Responds to malformed requests with problem details, and logs them; Node's own response would be empty. */
export function rejectMalformedRequests(
  server: Server,
  { headers, log }: { headers: Readonly<Record<string, string>>; log: Log },
): void {
  const responseOf = (reason: Refusal): { body: string; headers: Record<string, string> } => {
    const body = JSON.stringify(refusal(reason, log));
    return {
      body,
      headers: {
        ...headers,
        ...problemHeaders(undefined),
        "content-length": String(Buffer.byteLength(body)),
        connection: "close",
      },
    };
  };
  server.on("clientError", (error: Error, socket: Duplex) => {
    // While another response is being sent, this one would become part of it. Node stores that response on the socket.
    const isResponding = Boolean(Reflect.get(socket, "_httpMessage"));
    if (isResponding || !socket.writable) return void socket.destroy();
    const reason = refusalOf(error);
    const response = responseOf(reason);
    const lines = Object.entries(response.headers).map(([name, value]) => `${name}: ${value}`);
    const first = `HTTP/1.1 ${reason.status} ${reason.title}`;
    socket.end([first, ...lines, "", response.body].join("\r\n"), () => socket.destroy());
  });
  server.on("checkExpectation", (_: IncomingMessage, outgoing: ServerResponse) => {
    const response = responseOf(EXPECTATION);
    outgoing.writeHead(EXPECTATION.status, response.headers).end(response.body);
  });
}

function refusalOf(error: Error): Refusal {
  const known = "code" in error ? BY_CODE[String(error.code)] : undefined;
  if (known !== undefined) return known;
  // The parser's reason is one of a few fixed texts.
  const reason = "reason" in error ? ` (${String(error.reason)})` : "";
  return {
    status: 400,
    title: "Bad Request",
    detail: `This is not a valid HTTP/1.1 request${reason}.`,
  };
}
