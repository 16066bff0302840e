import { textOf } from "../bytes.ts";
import { putPriority } from "../put-priority.ts";
import type { RowWriter } from "../text-line.ts";
import { HEAD_LENGTH_MAX } from "../text-line.ts";
import { systemLine, type SystemLine } from "./header.ts";

const NO_HEADER =
  "not a line of a syslog daemon: it does not begin with a time such as `Mar 14 10:11:12`";

/** Writes the header and the message of a line, and returns the line; or why it is rejected. */
export function putLine(text: string, row: RowWriter): SystemLine | string {
  const line = systemLine(text.slice(0, HEAD_LENGTH_MAX), row.context);
  if (!line) return NO_HEADER;
  if (!Number.isNaN(line.timeMs)) {
    const refused = row.time(line.timeMs, text);
    if (refused !== undefined) return refused;
  }
  if (line.priority) {
    putPriority(row.batch, line.priority);
    row.extra("log.syslog.priority", line.priority.facility * 8 + line.priority.severity);
  }
  row.text("host.name", line.host);
  row.text("host.hostname", line.host);
  row.text("process.name", line.process);
  row.number("process.pid", line.pid);
  row.extra("log.syslog.version", line.version);
  const message = line.message + text.slice(HEAD_LENGTH_MAX);
  row.text("message", message);
  return { ...line, message };
}

const KERNEL = /^\[ {0,4}\d{1,8}\.\d/;

/** Whether a line begins with a time or a priority; others continue the event before. */
export function beginsLine(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] ?? 0;
  if (first === 0x3c) return true;
  if (end - start < 16) return false;
  if (first === 0x5b) return KERNEL.test(textOf(bytes, start, start + 16));
  const isMonth = first >= 0x41 && first <= 0x5a && bytes[start + 3] === 0x20;
  return (
    (isMonth && bytes[start + 9] === 0x3a) ||
    (bytes[start + 4] === 0x2d && bytes[start + 7] === 0x2d)
  );
}

/** A time without a year has that of the clock, on which documents that are compared must not depend. */
const WITHOUT_YEAR = /^(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d /;

export function removeGuessedTime(document: Record<string, unknown>): void {
  const original = document["event.original"];
  if (typeof original === "string" && WITHOUT_YEAR.test(original)) delete document["@timestamp"];
}
