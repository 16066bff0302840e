import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import type { WholeResponse } from "./response.ts";

const gzipped = promisify(gzip);
/** Shorter bodies fit into a packet anyway. */
const BYTES_MIN = 1_024;
const LENGTH_FIELDS = 2;
/** gzip or anything, unless its quality is 0. */
const ACCEPTS = /(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[\d.]+\s*)?(?:,|$)/i;

/** The response with a compressed body, if the client accepts that. Streams are never compressed, as they must flush. */
export async function compressed(
  { headers, method }: IncomingMessage,
  result: WholeResponse | Response | Promise<WholeResponse | Response>,
): Promise<WholeResponse | Response> {
  const response = await result;
  if (response instanceof Response || response.bytes < BYTES_MIN || method === "HEAD") {
    return response;
  }
  if (!ACCEPTS.test(headers["accept-encoding"] ?? "")) return response;
  const body = await gzipped(response.text);
  // The last two are the name and the value of the length.
  const others = response.headers.slice(0, -LENGTH_FIELDS);
  const own = ["content-encoding", "gzip", "vary", "accept-encoding"];
  const length = ["content-length", String(body.length)];
  return { ...response, text: body, bytes: body.length, headers: [...others, ...own, ...length] };
}
