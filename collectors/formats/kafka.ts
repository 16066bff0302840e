import { isIPv4 } from "node:net";

import type { DatasetTraits, Format } from "../format.ts";
import { errorOfTrace } from "./application/stack-trace.ts";
import { OPEN_BRACKET, textOf } from "./bytes.ts";
import { onlyAfter, openTextLine, type RowWriter } from "./text-line.ts";
import { parseTime } from "./time.ts";

const TRAITS: DatasetTraits = {
  "event.kind": "event",
  "event.category": undefined,
  "event.type": "info",
  levelDecidesType: false,
  namesClients: false,
};
const HEAD =
  /^\[(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[,.]\d{3})\] (?:\[(TRACE|DEBUG|INFO|WARN|ERROR|FATAL) ?\] \[([^\]]{1,256})\] \[([\w.$-]{1,256})\] - |(TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +)/;
/** The class after a message, at the end of its last line. */
const CLASS = / ?\(([A-Za-z_$][\w$]*(?:\.[\w$-]+)+)(?::\d{1,6})?\)[ \t]*\r?(?:\n|$)/;
const COMPONENT = /^\[([^\]\n]{0,512})\][,:.]? +/;
/** Elastic's module finds it anywhere in the message. */
const ANY_COMPONENT = /\[([^\]\n]{0,512})\][,:.]? +/;
const TRACE_TITLE = /(?<![\w$.])([A-Za-z_$][\w$]{0,128}(?:\.[A-Za-z_$][\w$]{0,128}){0,32}):\s*(.*)/;
const AUTHENTICATION = /^Failed authentication with \/?([\d.]{7,15}) \(SSL handshake failed\)/;
const HEAD_CHARS_MAX = 1024;
const MESSAGE_CHARS_MAX = 65_536;
const NO_HEAD =
  "not a line of Kafka: no time in brackets and level, such as `[2026-03-14 10:11:12,345] INFO `";
/** Characters with which its lines begin. */
const FIRST = "[";

/** Kafka's own logs: server, controller, state-change, and those of ZooKeeper and Kafka Connect in the same layout. */
export const kafkaLog: Format = {
  dataset: "kafka.log",
  title: "Kafka log",
  requests: "none",
  traits: TRAITS,
  detection: {
    path: /kafka|zookeeper/i,
    evidence: (_batch, line) => (hasClass(textOf(line, 0, line.length)) ? 2 : 0),
  },
  usualPaths: ["/var/log/kafka/*.log", "/opt/kafka/logs/*.log"],
  related: { "related.ip": ["source.ip"] },
  open(batch, context) {
    return onlyAfter(FIRST, openTextLine(batch, context, read), NO_HEAD);
  },
  hasAnyText: true,
  begins: (bytes, start, end) =>
    bytes[start] === OPEN_BRACKET &&
    HEAD.test(textOf(bytes, start, Math.min(end, start + HEAD_CHARS_MAX))),
  toElastic: elasticDocument,
};

const hasClass = (text: string): boolean =>
  HEAD.exec(text)?.[4] !== undefined || CLASS.test(text.slice(0, MESSAGE_CHARS_MAX));

function read(text: string, row: RowWriter): string | undefined {
  const head = HEAD.exec(text.slice(0, HEAD_CHARS_MAX));
  if (!head) return NO_HEAD;
  const [all, time = "", bracketed, thread, bracketedClass, plain] = head;
  const bytes = Buffer.from(time);
  const refused = row.time(parseTime(bytes, 0, bytes.length, row.context.zone), time);
  if (refused !== undefined) return refused;
  const level = bracketed ?? plain ?? "";
  row.text("log.level", level);
  row.text("event.type", level === "ERROR" || level === "FATAL" ? "error" : "info");
  row.extra("kafka.log.thread", thread);
  const rest = text.slice(all.length);
  const parts = bracketedClass === undefined ? withClass(rest) : firstLine(rest);
  row.extra("kafka.log.class", bracketedClass ?? parts.className);
  const component = COMPONENT.exec(parts.message);
  row.extra("kafka.log.component", component?.[1]);
  const message = parts.message.slice(component?.[0].length ?? 0);
  row.text("message", message);
  putTrace(parts.trace, row);
  putAuthentication(message, row);
  return undefined;
}

type Parts = { message: string; trace: string; className?: string };

/** The message may have several lines, the trace follows the class. */
function withClass(text: string): Parts {
  const found = CLASS.exec(text.slice(0, MESSAGE_CHARS_MAX));
  if (!found) return { message: text, trace: "" };
  const [all, className = ""] = found;
  return {
    message: text.slice(0, found.index),
    trace: text.slice(found.index + all.length),
    className,
  };
}

function firstLine(text: string): Parts {
  const end = text.indexOf("\n");
  return end < 0
    ? { message: text, trace: "" }
    : { message: text.slice(0, end), trace: text.slice(end + 1) };
}

function putTrace(trace: string, row: RowWriter): void {
  if (trace.trim() === "") return;
  row.extra("error.stack_trace", trace);
  const title = errorOfTrace(trace);
  row.extra("error.type", title?.type);
  row.text("error.message", title?.message);
}

function putAuthentication(message: string, row: RowWriter): void {
  const address = AUTHENTICATION.exec(message)?.[1];
  if (address === undefined || !isIPv4(address)) return;
  row.text("source.address", address);
  row.text("source.ip", address);
  row.text("event.category", "authentication");
  row.text("event.outcome", "failure");
}

/** Elastic's module names the parts of a trace otherwise, and has a component in any event. */
function elasticDocument(document: Record<string, unknown>): void {
  const trace = document["error.stack_trace"];
  const title = typeof trace === "string" ? TRACE_TITLE.exec(trace.slice(0, 4096)) : null;
  if (title) {
    document["kafka.log.trace.class"] = title[1];
    document["kafka.log.trace.message"] = title[2];
  }
  for (const name of ["error.stack_trace", "error.type", "error.message", "source.address"])
    delete document[name];
  document["event.type"] = String(document["event.type"]);
  if (document["event.outcome"] !== undefined) {
    document["event.type"] = "logon-failed";
    document["event.action"] = "start";
  }
  const message = String(document["message"]);
  const hasComponent = document["kafka.log.component"] !== undefined;
  const found = hasComponent ? null : ANY_COMPONENT.exec(message);
  document["kafka.log.component"] ??= found?.[1] ?? "unknown";
  if (!hasComponent && !found) return;
  // Of a message with a component it has the first line.
  [document["message"]] = message.slice(found ? found.index + found[0].length : 0).split("\n", 1);
}
