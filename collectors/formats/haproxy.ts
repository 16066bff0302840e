import { isIP } from "node:net";

import type { Batch } from "../batch.ts";
import type { Format } from "../format.ts";
import { headerZone, type Zone } from "../zone.ts";
import { includes, isSet, valueIn } from "./evidence.ts";
import { clfLine, putClf } from "./haproxy-clf.ts";
import { putConnections, putRequest, putSource, putTarget, putTotal } from "./haproxy-fields.ts";
import { readHaproxyJson } from "./haproxy-json.ts";
import { readNotice } from "./haproxy-notice.ts";
import { putPriority } from "./put-priority.ts";
import { isoTime, syslogHeader, type SyslogHeader } from "./syslog-header.ts";
import { priorityOf } from "./syslog-priority.ts";
import { openTextLine, type RowWriter } from "./text-line.ts";
import { parseTime } from "./time.ts";
import { ERROR_TRAITS } from "./traits.ts";

const ISO_HEADER = /^(?:<\d{1,3}>)?(?:1 )?\d{4}-/;
const PEER = String.raw`^(\S{1,260}):(\d{1,5}) \[([^\]]{10,40})\] (\S{1,256})`;
const BACKEND = String.raw` ([^\s/]{1,256})\/(\S{1,256})`;
const CONNECTIONS = String.raw`(\d{1,10})\/(\d{1,10})\/(\d{1,10})\/(\d{1,10})\/\+?(\d{1,10}) (\d{1,10})\/(\d{1,10})`;
const MS = String.raw`\+?(-?\d{1,12})`;
const HTTP = new RegExp(
  String.raw`${PEER}${BACKEND} (?:(\S{1,256}) )?${MS}\/${MS}\/${MS}\/${MS}\/${MS} (-?\d{1,3}) \+?(\d{1,15}) (\S{1,1024}) (\S{1,1024}) (\S{2,4}) ${CONNECTIONS}`,
);
const TCP = new RegExp(
  String.raw`${PEER}${BACKEND} (?:(\S{1,256}) )?${MS}\/${MS}\/${MS} \+?(\d{1,15}) (\S{2}) ${CONNECTIONS}`,
);
const FAILED = new RegExp(String.raw`${PEER}: (\S.{0,500})$`);
const CONNECT =
  /^Connect from (\S{1,260}):(\d{1,5}) to (\S{1,260}):(\d{1,5}) \(([^\s/]{1,256})\/(\w{1,16})\)$/;
/** Formats `iso`, `timed`, `short` and `priority` of HAProxy: a time, a level, or both, without host and process. */
const SHORT_HEAD =
  /^(?:<\d{1,3}>)?(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) )?/;
/** A closing brace, and a space after it. */
const JSON_END = new Set([0x7d, 0x20]);
/** The part of a line before the request. */
const HEAD_LENGTH_MAX = 8192;
const REFUSED = "not a HAProxy line: neither the HTTP nor the TCP log, nor a connection error";

export const haproxyLog: Format = {
  dataset: "haproxy.log",
  title: "HAProxy log",
  requests: "edge",
  hasOtherEvents: true,
  readsHeader: true,
  traits: ERROR_TRAITS,
  detection: {
    path: /haproxy/i,
    evidence(batch, line) {
      if (isNoticeOfOther(batch)) return -1;
      if (includes(line, '"" "" ') && isSet(batch, "haproxy.server_name")) return 4;
      return JSON_END.has(line.at(-1) ?? 0) && includes(line, "{") ? 4 : 0;
    },
  },
  usualPaths: ["/var/log/haproxy.log"],
  related: {
    "related.ip": ["source.ip", "destination.ip"],
    "related.hosts": ["destination.domain"],
  },
  // Elastic's module uses the shipper's time as @timestamp, and stores the line's own time in event.created. It reads
  // the host's name only from headers with an ISO time.
  toElastic(document) {
    if (!ISO_HEADER.test(String(document["event.original"]))) delete document["host.hostname"];
    document["event.created"] = document["@timestamp"];
    delete document["@timestamp"];
    if (String(document["event.type"]) === "access") delete document["event.type"];
  },
  open(batch, context) {
    return openTextLine(batch, context, read);
  },
};

/** Daemons such as systemd start their lines with the same words: `Stopping`, `Loading`. */
function isNoticeOfOther(batch: Batch): boolean {
  if (isSet(batch, "haproxy.server_name") || isSet(batch, "source.address")) return false;
  const name = valueIn(batch, "process.name");
  return name !== "" && !/ha-?proxy|hapee/i.test(name);
}

/** The body of a line, and what its header states. */
type Body = {
  head: string;
  header: SyslogHeader | undefined;
  /** Zone of times without one: that of the header. */
  zone: Zone;
};

function read(line: string, row: RowWriter): string | undefined {
  const start = line.slice(0, HEAD_LENGTH_MAX);
  const header = syslogHeader(start, row.context) ?? shortHeader(start, row);
  const text = header ? line.slice(header.length) : line;
  const zone = zoneOf(header, row.context.zone);
  const body = { head: text.slice(0, HEAD_LENGTH_MAX), header, zone };
  const reason = text.startsWith("{")
    ? readJson(text, body, row)
    : (readHttp(text, body, row) ?? readCommon(text, body, row) ?? readOther(body, row));
  const refused = reason === undefined || reason === "" ? undefined : reason;
  if (refused === undefined && header?.priority) putPriority(row.batch, header.priority);
  if (refused === undefined && header && !isShort(header)) {
    row.text("host.name", header.host);
    row.text("host.hostname", header.host);
    row.text("process.name", header.process ?? "haproxy");
    row.number("process.pid", header.pid);
  }
  return refused;
}

/** Without a time of its own, the line has that of its header. */
function readJson(text: string, { header, zone }: Body, row: RowWriter): string | undefined {
  if (header && !Number.isNaN(header.timeMs)) row.time(header.timeMs, header.time);
  return readHaproxyJson(text, row, zone);
}

function shortHeader(line: string, { context }: RowWriter): SyslogHeader | undefined {
  const [all, time = ""] = SHORT_HEAD.exec(line) ?? [""];
  if (all === "") return undefined;
  const names = { host: undefined, process: undefined, pid: undefined };
  const priority = priorityOf(all);
  return { time, ...isoTime(time, context), ...names, priority, length: all.length };
}

const isShort = ({ process, host }: SyslogHeader): boolean =>
  process === undefined && host === undefined;

/** HAProxy logs its local time without a zone, and the header of the same line has the offset of that zone. */
function zoneOf(header: SyslogHeader | undefined, zone: Zone): Zone {
  const eastMs = header?.eastMs;
  return eastMs === undefined ? zone : (zone.ofHeader?.(eastMs) ?? headerZone(eastMs));
}

/** Undefined for other kinds of lines; "" if it was written; otherwise the reason for the rejection. */
function readHttp(text: string, body: Body, row: RowWriter): string | undefined {
  const found = HTTP.exec(body.head);
  if (!found) return undefined;
  const [
    all,
    ,
    ,
    ,
    ,
    ,
    ,
    target,
    request,
    wait,
    connect,
    response,
    total,
    status,
    bytes,
    cookie,
    setCookie,
    state,
  ] = found;
  const refused = putPeer(row, found, body.zone);
  if (refused !== undefined) return refused;
  putTarget(row, target);
  row.extra("haproxy.http.request.time_wait_ms", Number(request));
  row.extra("haproxy.total_waiting_time_ms", Number(wait));
  row.extra("haproxy.connection_wait_time_ms", Number(connect));
  row.extra("haproxy.http.request.time_wait_without_data_ms", Number(response));
  putTotal(row, total);
  if (Number(status) > 0) row.number("http.response.status_code", status);
  row.number("http.response.bytes", bytes);
  row.extra("haproxy.bytes_read", Number(bytes));
  row.extra("haproxy.http.request.captured_cookie", cookie);
  row.extra("haproxy.http.response.captured_cookie", setCookie);
  row.extra("haproxy.termination_state", state);
  putConnections(row, found.slice(-7));
  // Otherwise its level would decide.
  row.text("event.type", "access");
  putRequest(row, text.slice(all.length));
  return "";
}

/** In CLF. */
function readCommon(text: string, { zone }: Body, row: RowWriter): string | undefined {
  const line = text.includes('"" "" ') ? clfLine(text) : undefined;
  if (!line) return undefined;
  const bytes = Buffer.from(line.time);
  const refused = row.time(parseTime(bytes, 0, bytes.length, zone), line.time);
  if (refused !== undefined) return refused;
  putSource(row, line.address, line.port);
  putClf(row, line);
  putConnections(row, line.connections);
  putRequest(row, ` "${line.request}"`);
  return "";
}

function readOther({ head, header, zone }: Body, row: RowWriter): string | undefined {
  const tcp = TCP.exec(head);
  if (tcp) {
    const [, , , , , , , target, wait, connect, total, bytes, state] = tcp;
    putTarget(row, target);
    row.extra("haproxy.total_waiting_time_ms", Number(wait));
    row.extra("haproxy.connection_wait_time_ms", Number(connect));
    putTotal(row, total);
    row.extra("haproxy.bytes_read", Number(bytes));
    row.extra("haproxy.termination_state", state);
    putConnections(row, tcp.slice(-7));
    putConnectionType(row);
    return putPeer(row, tcp, zone);
  }
  const failed = FAILED.exec(head);
  if (failed) {
    row.text("message", failed[5]);
    row.text("log.level", "error");
    putConnectionType(row);
    return putPeer(row, failed, zone);
  }
  const connect = CONNECT.exec(head);
  if (connect) return putConnect(row, connect, header);
  return readNotice(head, header, row) ?? REFUSED;
}

function putConnect(
  row: RowWriter,
  connect: RegExpExecArray,
  header: SyslogHeader | undefined,
): string | undefined {
  const [, source, sourcePort, destination = "", destinationPort, frontend, mode] = connect;
  putSource(row, source, sourcePort);
  if (isIP(destination) !== 0) row.text("destination.ip", destination);
  row.number("destination.port", destinationPort);
  row.extra("haproxy.frontend_name", frontend);
  row.extra("haproxy.mode", mode);
  putConnectionType(row);
  if (header === undefined) return "no time: neither a syslog header nor an accept date";
  row.extra("haproxy.source", header.host);
  return row.time(header.timeMs, header.time);
}

function putConnectionType(row: RowWriter): void {
  row.text("event.category", "network");
  row.text("event.type", "connection");
}

/** Client, accept date, frontend, backend and server: the beginning of all kinds of lines. */
function putPeer(
  row: RowWriter,
  found: readonly (string | undefined)[],
  zone: Zone,
): string | undefined {
  const [, address, port, time = "", frontend, backend, server] = found;
  const bytes = Buffer.from(time);
  const refused = row.time(parseTime(bytes, 0, bytes.length, zone), time);
  if (refused !== undefined) return refused;
  putSource(row, address, port);
  row.extra("haproxy.frontend_name", frontend);
  if (found.length > 7) {
    row.extra("haproxy.backend_name", backend);
    row.text("haproxy.server_name", server);
  }
  return undefined;
}
