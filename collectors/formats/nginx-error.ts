import { isIP } from "node:net";

import type { Format } from "../format.ts";
import { splitHostPort } from "./address.ts";
import { isDigit } from "./bytes.ts";
import { HEAD_LENGTH_MAX, openTextLine, type RowWriter } from "./text-line.ts";
import { parseTime } from "./time.ts";
import { ERROR_TRAITS } from "./traits.ts";

const HEAD =
  /^(\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:[.,]\d{1,6})?) \[([a-z]{3,8})\] (\d{1,10})#(\d{1,20}): (?:\*(\d{1,20}) )?/;
/** Fields of the request that nginx appends, each after a comma. */
const FIELD = /, (client|server|request|upstream|host|referrer|subrequest|login|zone): /g;
const REQUEST = /^([A-Za-z_-]{1,32}) (\S{1,8192})(?: HTTP\/([\d.]{1,8}))?$/;

export const nginxError: Format = {
  dataset: "nginx.error",
  title: "nginx error log",
  requests: "none",
  traits: ERROR_TRAITS,
  detection: { path: /nginx/i },
  usualPaths: [
    "/var/log/nginx/error.log",
    "/usr/local/var/log/nginx/error.log",
    "/opt/homebrew/var/log/nginx/error.log",
  ],
  open(batch, context) {
    return openTextLine(batch, context, read);
  },
  begins: (bytes, start, end) =>
    end - start > 20 &&
    bytes[start + 4] === 0x2f &&
    bytes[start + 7] === 0x2f &&
    isDigit(bytes[start]) &&
    bytes[start + 13] === 0x3a,
};

function read(line: string, row: RowWriter): string | undefined {
  const head = HEAD.exec(line.slice(0, 128));
  if (!head)
    return "not an nginx error line: it does not begin with `2026/03/14 10:11:12 [error] 12#34: `";
  const [all, time = "", level, pid, thread, connection] = head;
  const bytes = Buffer.from(time);
  const refused = row.time(parseTime(bytes, 0, bytes.length, row.context.zone), time);
  if (refused !== undefined) return refused;
  row.text("log.level", level);
  row.number("process.pid", pid);
  row.number("process.thread.id", thread);
  if (connection !== undefined) row.extra("nginx.error.connection_id", Number(connection));
  row.text("message", line.slice(all.length));
  putFields(line.slice(all.length, HEAD_LENGTH_MAX), row);
  return undefined;
}

function putFields(message: string, row: RowWriter): void {
  const found = [...message.matchAll(FIELD)].slice(-12);
  for (const [index, match] of found.entries()) {
    const from = match.index + match[0].length;
    putField(
      row,
      match[1] ?? "",
      unquoted(message.slice(from, found[index + 1]?.index ?? message.length)),
    );
  }
}

function unquoted(text: string): string {
  return text.startsWith('"')
    ? text.slice(1, text.endsWith('"') && text.length > 1 ? -1 : undefined)
    : text;
}

function putField(row: RowWriter, name: string, value: string): void {
  if (name === "client") {
    const { host, port } = splitHostPort(value);
    row.text("source.address", host);
    if (isIP(host) !== 0) row.text("source.ip", host);
    row.number("source.port", port);
  } else if (name === "request") {
    const request = REQUEST.exec(value);
    row.text("http.request.method", request?.[1]);
    row.text("url.original", request?.[2]);
    row.text("http.version", request?.[3]);
  } else if (name === "host") {
    row.text("url.domain", splitHostPort(value).host);
  } else if (name === "upstream") {
    row.text("nginx.upstream.address", value);
  } else if (name === "referrer") row.text("http.request.referrer", value);
  else row.extra(`nginx.error.${name}`, value);
}
