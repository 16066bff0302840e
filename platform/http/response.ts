import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

import { dataHeaders } from "./security-headers.ts";

type HeaderRecord = Readonly<Record<string, string>>;

/** Security headers that are relevant only for pages. */
const OF_PAGES = new Set(["referrer-policy", "cross-origin-opener-policy", "permissions-policy"]);

/** The headers that all responses of a route share, prepared once; `Flat`: names and values in turn. */
export type ResponseHeaders = {
  plain: HeaderRecord;
  json: HeaderRecord;
  plainFlat: readonly string[];
  jsonFlat: readonly string[];
};

export function responseHeaders(more: HeaderRecord): ResponseHeaders {
  const plain = { ...dataHeaders(), "cache-control": "no-store", ...more };
  const data = Object.entries(plain).filter(([name]) => !OF_PAGES.has(name));
  const json = { ...Object.fromEntries(data), "content-type": "application/json" };
  return { plain, json, plainFlat: flatHeaders(plain), jsonFlat: flatHeaders(json) };
}

/** Alternating names and values, which Node writes fastest; `own` overrides `shared`. */
export function flatHeaders(shared: HeaderRecord, own: HeaderRecord = {}): string[] {
  const flat: string[] = [];
  for (const name in shared) if (own[name] === undefined) flat.push(name, shared[name] ?? "");
  for (const name in own) flat.push(name, own[name] ?? "");
  return flat;
}

/** A response with its whole body, ready to be sent. */
export type WholeResponse = {
  status: number;
  headers: string[];
  /** Bytes if it is compressed. */
  text: string | Uint8Array;
  encoding: "latin1" | "utf8";
  /** Length of the body. */
  bytes: number;
};

/** `headers` are alternating names and values. */
export function wholeResponse(
  status: number,
  text: string,
  headers: readonly string[],
): WholeResponse {
  const bytes = Buffer.byteLength(text);
  // No Content and Not Modified have no body, not even an empty one.
  const length = status === 204 || status === 304 ? [] : ["content-length", String(bytes)];
  // For ASCII the bytes are equal, and latin1 is faster to encode.
  const encoding = bytes === text.length ? "latin1" : "utf8";
  return { status, headers: headers.concat(length), text, encoding, bytes };
}

export function sendWhole(
  outgoing: ServerResponse,
  { status, headers, text, encoding }: WholeResponse,
): void {
  outgoing.writeHead(status, headers);
  outgoing.end(text, encoding);
}

/**
 * Sends a response built by a handler, such as a stream, with the shared headers that it does not set. Resolves
 * when it is sent or the client has disconnected.
 */
export async function sendResponse(
  outgoing: ServerResponse,
  response: Response,
  shared: HeaderRecord,
): Promise<void> {
  const own: Record<string, string | string[]> = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) own["set-cookie"] = cookies;
  try {
    outgoing.writeHead(response.status, { ...shared, ...own });
    if (response.body === null || outgoing.req.method === "HEAD") {
      outgoing.end();
      await response.body?.cancel();
      return;
    }
    // The first event of a stream may take long; the client should see immediately that the stream is open.
    outgoing.flushHeaders();
    await pipeline(response.body, outgoing);
  } catch {
    // The client disconnected, or the stream failed after the status was sent: the connection can only be closed.
    outgoing.destroy();
  }
}
