import { LANE_HEADER, PREVIEW_HEADER, RELEASE_HEADER } from "../lane.ts";

/** Headers that concern one connection only (RFC 9110, 7.6.1), and those that the edge sets itself. */
const OF_CONNECTION = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
];
const NOT_SENT: ReadonlySet<string> = new Set([
  ...OF_CONNECTION,
  "expect",
  "x-forwarded-for",
  LANE_HEADER,
  RELEASE_HEADER,
  PREVIEW_HEADER,
]);
const NOT_ANSWERED: ReadonlySet<string> = new Set(OF_CONNECTION);

export type RequestHead = {
  rawHeaders: readonly string[];
  /** The value of its header Connection, which names further headers that are not passed on. */
  connection: string | undefined;
  forwardedFor: string | undefined;
  peer: string;
};

/** Names and values in turn, without lane and release. Undefined if there is more than one host. */
export function forwardedHeaders(head: RequestHead): string[] | undefined {
  const { rawHeaders, connection, forwardedFor, peer } = head;
  const own = connection === undefined ? undefined : namedIn(connection);
  const headers: string[] = [];
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    const lower = name.toLowerCase();
    if (lower === "host") hosts += 1;
    if (NOT_SENT.has(lower) || own?.includes(lower) === true) continue;
    headers.push(name, rawHeaders[at + 1] ?? "");
  }
  if (hosts > 1) return undefined;
  headers.push("x-forwarded-for", forwardedFor === undefined ? peer : `${forwardedFor}, ${peer}`);
  return headers;
}

/** Most requests name no header, but only keep-alive or close. */
function namedIn(connection: string): string[] | undefined {
  const lower = connection.toLowerCase();
  if (lower === "keep-alive" || lower === "close") return undefined;
  const needed = new Set(["host", "content-length", "cookie", "authorization"]);
  return lower
    .split(",")
    .map((name) => name.trim())
    .filter((name) => !needed.has(name));
}

/** The headers of a response as texts, without those of its connection. */
export function answeredHeaders(raw: readonly Buffer[]): string[] {
  const headers: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toString("latin1") ?? "";
    if (NOT_ANSWERED.has(name.toLowerCase())) continue;
    headers.push(name, raw[at + 1]?.toString("latin1") ?? "");
  }
  return headers;
}
