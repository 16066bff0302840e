import type { Format } from "#collectors/format.ts";
import { UTC } from "#collectors/zone.ts";

import { SPACE, textOf } from "../bytes.ts";
import { flatten, parseJsonLine } from "../json-line.ts";
import { openTextLine, type RowWriter } from "../text-line.ts";
import { implausible } from "../time.ts";
import { withoutColours } from "./colours.ts";
import { putApplicationFields, putLevel } from "./fields.ts";
import { lineHead, type LineHead } from "./line-head.ts";
import {
  beginsUncaught,
  errorOfTrace,
  errorTitle,
  mayBeginTrace,
  splitTrace,
} from "./stack-trace.ts";
import { parseTraceparent, traceId } from "./trace-ids.ts";
import { APPLICATION_TRAITS } from "./traits.ts";

const TAB = 0x09;
const HEAD_BYTES = 1024;
const TRACEPARENT = /\btraceparent["']?[=:]\s{0,2}["']?([\da-f-]{55})/i;
const TRACE_ID = /\btrace_?id["']?[=:]\s{0,2}["']?([\da-f-]{16,36})\b/i;
const SPAN_ID = /\bspan_?id["']?[=:]\s{0,2}["']?([\da-f]{16}|\d{17,20})\b/i;
/** Spring Boot: `[shop,4bf92f3577b34da6a3ce929d0e0e4736,00f067aa0ba902b7]`, with a dash in later versions. */
const SPRING_IDS = /\[(?:[\w-]{0,60},)?([\da-f]{32}|[\da-f]{16})[,-]([\da-f]{16})\]/;
const OBJECT_CHARS_MAX = 16_384;
const NOW = { zone: UTC, nowMs: 253_402_300_799_999 };

/** Lines of an application for people: a time, a level and a message, with the stack trace on the lines after it. */
export const appLog: Format = {
  dataset: "app.log",
  title: "application log as text, with stack traces",
  requests: "none",
  isGeneric: true,
  traits: APPLICATION_TRAITS,
  open(batch, context) {
    return openTextLine(batch, context, read);
  },
  begins(bytes, start, end) {
    const head = withoutColours(textOf(bytes, start, Math.min(end, start + HEAD_BYTES)));
    return beginsUncaught(head) || lineHead(head, NOW) !== undefined;
  },
  /** Indented lines, and the title of a trace, which alone is an event. */
  continues(bytes, start, end) {
    const first = bytes[start];
    if (first === SPACE || first === TAB) return true;
    const line = textOf(bytes, start, Math.min(end, start + HEAD_BYTES));
    return mayBeginTrace(line) && !beginsUncaught(line);
  },
};

function read(event: string, row: RowWriter): string | undefined {
  const text = withoutColours(event);
  const lineEnd = text.indexOf("\n");
  const first = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const rest = lineEnd < 0 ? "" : text.slice(lineEnd + 1);
  const head = lineHead(first, row.context);
  if (head) return putEvent(row, head, rest);
  if (!mayBeginTrace(first))
    return "not a line of an application: it does not begin with a time and a level, or a stack trace";
  putTrace(row, text);
  return undefined;
}

function putEvent(row: RowWriter, head: LineHead, rest: string): string | undefined {
  if (!Number.isNaN(head.ms)) {
    const why = implausible(head.ms, row.context.nowMs);
    if (why !== undefined) return why;
    row.batch.number("@timestamp").put(row.batch.rows, head.ms);
  }
  // .NET indents the message, which is on its own lines.
  const { message, trace } = splitTrace(
    head.message === "" ? rest.replaceAll(/^ {6}/gm, "") : rest,
  );
  const whole = [head.message, message].filter((part) => part !== "").join("\n");
  putIds(row, head);
  putObject(row, head.message);
  putLevel(row, head.level);
  row.text("message", whole);
  row.extra("log.logger", head.logger);
  row.extra("process.thread.name", head.thread);
  row.number("process.pid", head.pid);
  if (trace !== undefined) putError(row, trace, head.message);
  return undefined;
}

/** A trace alone: the title is the message. */
function putTrace(row: RowWriter, text: string): void {
  const error = errorOfTrace(text);
  putLevel(row, "error");
  row.text("message", error ? [error.type, error.message].filter(Boolean).join(": ") : text);
  row.extra("error.type", error?.type);
  row.text("error.message", error?.message);
  row.extra("error.stack_trace", text);
}

/** The title may be in the message: `payment failed: TypeError: no cart`. */
function putError(row: RowWriter, trace: string, message: string): void {
  const titled = errorOfTrace(trace);
  const error = titled ?? titleIn(message);
  row.extra("error.type", error?.type);
  row.text("error.message", error?.message ?? message);
  row.extra("error.stack_trace", titled || !error ? trace : `${message}\n${trace}`);
}

function titleIn(message: string): ReturnType<typeof errorTitle> {
  const parts = message.slice(0, 1024).split(/(?<=: )|(?<= - )/);
  for (let from = 0; from < Math.min(parts.length, 6); from += 1) {
    const title = errorTitle(parts.slice(from).join(""));
    if (title) return title;
  }
  return undefined;
}

function putIds(row: RowWriter, { message, thread = "" }: LineHead): void {
  const text = `[${thread}] ${message.slice(0, HEAD_BYTES)}`;
  const parent = parseTraceparent(TRACEPARENT.exec(text)?.[1] ?? "");
  const [, trace, span] = SPRING_IDS.exec(text) ?? [];
  row.text("trace.id", parent?.trace ?? traceId(TRACE_ID.exec(text)?.[1] ?? trace));
  row.text("span.id", parent?.span ?? traceId(SPAN_ID.exec(text)?.[1] ?? span));
}

/** A JSON object after the message, as winston and zap write it. The event has the level and the message of its line. */
function putObject(row: RowWriter, message: string): void {
  const from = message.indexOf('{"');
  if (from < 0 || !message.endsWith("}") || message.length - from > OBJECT_CHARS_MAX) return;
  const bytes = Buffer.from(message.slice(from));
  const parsed = parseJsonLine(bytes, 0, bytes.length);
  const fields = "object" in parsed ? flatten(parsed.object) : undefined;
  if (fields) putApplicationFields(row, new Map([["level", "info"], ...fields]));
}
