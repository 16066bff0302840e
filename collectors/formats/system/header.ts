import type { FormatContext } from "#collectors/format.ts";

import { isoTime, LEVEL_AS_HOST, LEVEL_AS_PROCESS } from "../syslog-header.ts";
import { type Priority, priorityOf } from "../syslog-priority.ts";
import { monthOf, timeWithoutYear } from "../time.ts";

/** With a priority or without one; the time may have a fraction, and an ISO time a zone. */
const TIMED =
  /^(?:<\d{1,3}>)?(?:([A-Z][a-z]{2}) ([ \d]\d|\d) (\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?|(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,20})) +/;
const RFC_5424 = /^<\d{1,3}>(\d{1,2}) (\S{1,40}) (\S{1,255}) (\S{1,128}) (\S{1,128}) (\S{1,128}) /;
/** Valid structured data, and what programs write in its place. */
const DATA = /^(?:-|(?:\[(?:[^\]\\]|\\.){0,4096}\]){1,32})(?: |$)/;
const KERNEL = /^(?:<\d{1,3}>)?\[ {0,4}\d{1,8}\.\d{6}\] /;
const HOST = /^(\S{1,255}) /;
/** Names have no spaces, except on macOS before a process id or with the name of a service: `launchd[1] (name[12]): `. */
const PROCESS =
  /^(?:([^\s:[\]]{1,128})|([^:[\]]{1,64})(?=\[)|([^:]{1,200}\)))(?:\[(\d{1,10})\])?:(?: +|$)/;
/** A daemon's own line about repeated ones, which macOS writes without a host. */
const REPEATED = /^-{2,3} ?last message repeated/;

export type SystemLine = {
  /** Epoch ms; NaN if the line has none. */
  timeMs: number;
  host: string | undefined;
  process: string | undefined;
  pid: string | undefined;
  priority: Priority | undefined;
  /** The version, the message id and the structured data of RFC 5424. */
  version?: string | undefined;
  messageId?: string | undefined;
  data?: string | undefined;
  message: string;
};

/**
 * A line that a syslog daemon wrote to a file, with whatever header: RFC 5424, RFC 3164, and the latter with an ISO time
 * or without a process. Undefined if it begins with no time.
 */
export function systemLine(line: string, context: FormatContext): SystemLine | undefined {
  const modern = RFC_5424.exec(line);
  if (modern) return modernLine(line, modern, context);
  const found = TIMED.exec(line);
  if (!found) return kernelLine(line);
  const rest = line.slice(found[0].length);
  const priority = priorityOf(line);
  const timeMs = timeOf(found, context);
  const none = { timeMs, priority, host: undefined, process: undefined, pid: undefined };
  if (REPEATED.test(rest)) return { ...none, message: rest };
  // Without a host, the process follows the time.
  const first = HOST.exec(rest)?.[1];
  const host = first?.endsWith(":") === true ? undefined : first;
  if (LEVEL_AS_HOST.test(host ?? "")) return undefined;
  const text = host === undefined ? rest : rest.slice(host.length + 1).trimStart();
  const after = processOf(text, PROCESS.exec(text));
  if (host === undefined && LEVEL_AS_PROCESS.test(after.process ?? "")) return undefined;
  return { ...none, host, ...after };
}

/** A line of `dmesg`, whose time is that since the start of the machine. */
function kernelLine(line: string): SystemLine | undefined {
  const [all] = KERNEL.exec(line) ?? [];
  if (all === undefined) return undefined;
  const none = { timeMs: Number.NaN, host: undefined, pid: undefined };
  return { ...none, priority: priorityOf(line), process: "kernel", message: line };
}

function processOf(
  text: string,
  found: RegExpExecArray | null,
): Pick<SystemLine, "process" | "pid" | "message"> {
  const [{ length } = "", name, named, service, pid] = found ?? [];
  return { process: name ?? named ?? service, pid, message: text.slice(length) };
}

function timeOf(found: RegExpExecArray, context: FormatContext): number {
  const [, name, day, hours, minutes, seconds, iso] = found;
  if (name === undefined) return isoTime(iso ?? "", context).timeMs;
  const clockMs = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  const month = monthOf(Buffer.from(name), 0);
  return timeWithoutYear({ month, day: Number(day), clockMs }, context);
}

function modernLine(line: string, found: RegExpExecArray, context: FormatContext): SystemLine {
  const [all, version, time = "", host, process, pid, messageId] = found;
  const rest = line.slice(all.length);
  const data = DATA.exec(rest)?.[0] ?? "";
  return {
    timeMs: time === "-" ? Number.NaN : isoTime(time, context).timeMs,
    priority: priorityOf(line),
    version,
    host: valueOf(host),
    process: valueOf(process),
    pid: valueOf(pid),
    messageId: valueOf(messageId),
    data: valueOf(data.trimEnd()),
    message: rest
      .slice(data.length)
      .replace(/^\uFEFF/, "")
      .trimStart(),
  };
}

const valueOf = (text: string | undefined): string | undefined =>
  text === "-" || text === "" ? undefined : text;
