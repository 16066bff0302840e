import { isIP } from "node:net";

import type { RowWriter } from "./text-line.ts";

const REQUEST = /^([A-Za-z_-]{1,32}) (\S+)(?: HTTP\/([\d.]{1,8}))?$/;
const CAPTURES = /^ \{([^}]{0,8192})\}/;
const TLS = / (\S{1,256})\/(TLS|SSL)v(\d(?:\.\d)?)\/(\S{1,128})$/;

export function putSource(
  row: RowWriter,
  address: string | undefined,
  port: string | undefined,
): void {
  row.text("source.address", address);
  if (address !== undefined && isIP(address) !== 0) row.text("source.ip", address);
  row.number("source.port", port);
}

export function putTarget(row: RowWriter, target: string | undefined): void {
  if (target === undefined) return;
  row.text("destination.address", target);
  if (isIP(target) !== 0) row.text("destination.ip", target);
  else row.text("destination.domain", target);
}

/** -1 means that the step was not reached, so that there is no duration. */
export function putTotal(row: RowWriter, totalMs: string | undefined): void {
  const total = Number(totalMs);
  if (total >= 0) row.number("event.duration", total * 1e6);
}

export function putConnections(row: RowWriter, counts: readonly (string | undefined)[]): void {
  const [active, frontend, backend, server, retries, serverQueue, backendQueue] =
    counts.map(Number);
  row.number("haproxy.connections.active", active);
  row.extra("haproxy.connections.frontend", frontend);
  row.extra("haproxy.connections.backend", backend);
  row.extra("haproxy.connections.server", server);
  row.extra("haproxy.connections.retries", retries);
  row.extra("haproxy.server_queue", serverQueue);
  row.number("haproxy.backend_queue", backendQueue);
}

/** ` {request headers} {response headers} "request"`, each optional; then TLS in the HTTPS log. */
export function putRequest(row: RowWriter, text: string): void {
  let rest = text;
  for (const side of ["request", "response"]) {
    const captured = CAPTURES.exec(rest);
    if (!captured) break;
    rest = rest.slice(captured[0].length);
    const headers = (captured[1] ?? "").split("|").filter((header) => header !== "");
    if (headers.length > 0) row.extra(`haproxy.http.${side}.captured_headers`, headers);
  }
  const open = rest.indexOf('"');
  if (open < 0) return;
  const close = rest.lastIndexOf('"');
  const request = rest.slice(open + 1, close > open ? close : undefined);
  row.extra("haproxy.http.request.raw_request_line", request);
  const parts = REQUEST.exec(request);
  row.text("http.request.method", parts?.[1]);
  row.text("url.original", parts?.[2]);
  row.text("http.version", parts?.[3]);
  const tls = close > open ? TLS.exec(rest.slice(close + 1, close + 1024)) : null;
  row.text("tls.version_protocol", tls?.[2]?.toLowerCase());
  row.text("tls.version", tls?.[3]);
  row.text("tls.cipher", tls?.[4]);
}
