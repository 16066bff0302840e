import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

import { dataHeaders } from "./security-headers.ts";

type HeaderRecord = Readonly<Record<string, string>>;

/** They say how a page may behave, and nothing of JSON. */
const OF_PAGES = new Set(["referrer-policy", "cross-origin-opener-policy", "permissions-policy"]);

/** Headers of every answer, put together once. */
export type AnswerHeaders = {
  plain: HeaderRecord;
  json: HeaderRecord;
  plainFlat: readonly string[];
  jsonFlat: readonly string[];
};

export function answerHeaders(more: HeaderRecord): AnswerHeaders {
  const plain = { ...dataHeaders(), "cache-control": "no-store", ...more };
  const data = Object.entries(plain).filter(([name]) => !OF_PAGES.has(name));
  const json = { ...Object.fromEntries(data), "content-type": "application/json" };
  return { plain, json, plainFlat: flatHeaders(plain), jsonFlat: flatHeaders(json) };
}

/** Names and values in turn, as Node writes them with the least work; what an answer has of its own counts first. */
export function flatHeaders(shared: HeaderRecord, own: HeaderRecord = {}): string[] {
  const flat: string[] = [];
  for (const name in shared) if (own[name] === undefined) flat.push(name, shared[name] ?? "");
  for (const name in own) flat.push(name, own[name] ?? "");
  return flat;
}

/** An answer as it is sent. */
export type Whole = {
  status: number;
  headers: string[];
  text: string;
  encoding: "latin1" | "utf8";
  /** Of its body. */
  bytes: number;
};

/** `headers` are names and values in turn. */
export function wholeAnswer(status: number, text: string, headers: readonly string[]): Whole {
  const bytes = Buffer.byteLength(text);
  // No Content and Not Modified have no body, so none that is empty either.
  const length = status === 204 || status === 304 ? [] : ["content-length", String(bytes)];
  // The same bytes where all is ASCII, for less work.
  const encoding = bytes === text.length ? "latin1" : "utf8";
  return { status, headers: headers.concat(length), text, encoding, bytes };
}

/** Sends a whole answer at once. */
export function sendWhole(
  outgoing: ServerResponse,
  { status, headers, text, encoding }: Whole,
): void {
  outgoing.writeHead(status, headers);
  outgoing.end(text, encoding);
}

/**
 * Sends an answer that a handler made itself, such as a stream, with the headers that it did not set. Resolves when it
 * is sent or the client has gone.
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
    // The first event of a stream may be long in coming; that it is open should be known now.
    outgoing.flushHeaders();
    await pipeline(response.body, outgoing);
  } catch {
    // The client has gone, or the stream broke where no status can say so any more: cut off is how it looks then.
    outgoing.destroy();
  }
}
