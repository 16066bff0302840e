import type { FormatContext } from "../format.ts";
import { structuredData } from "./structured-data.ts";
import { namedPriority, type Priority, priorityOf } from "./syslog-priority.ts";
import { monthOf, offsetMs, parseTime, timeWithoutYear } from "./time.ts";

const BSD =
  /^(?:<\d{1,3}>)?([A-Z][a-z]{2}) ([ \d]\d|\d) (\d\d):(\d\d):(\d\d)(?:\.\d{1,6})? (?:(\S{1,255}) )?/;
const ISO = /^(?:<\d{1,3}>1? ?)?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,20}) (?:(\S{1,255}) )?/;
/** RFC 5424: priority, version, time, host, application, process id, message id; a dash is no value. */
const RFC_5424 = /^<\d{1,3}>1 (\S{1,40}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) /;
/** Decoded as UTF-8, or as a character for each byte. */
const BYTE_ORDER_MARK = /^(?:\uFEFF|\u00EF\u00BB\u00BF)/;
const ZONE = /(?:Z|[+-]\d\d:?\d\d)$/;
const BARE = /^([A-Za-z][\w./-]{0,127})\[(\d{1,10})\]: /;
const PROCESS = /^([\w./-]{1,128})(?:\[(\d{1,10})\])?: /;
const PRIORITY = /^<\d{1,3}>/;
/** The level of a line of PostgreSQL, such as `LOG:  `, is no process. */
const LEVEL = /[A-Z]{3}[1-5]?: $/;
/** Nor is a level a host: `2026-03-14 10:11:12,345 ERROR shop.pay: declined` is a line of an application. */
export const LEVEL_AS_HOST =
  /^\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERR|ERROR|CRIT|CRITICAL|FATAL|SEVERE|ALERT|EMERG|PANIC)\]?$/;
/** Nor is one of .NET's levels a process: `2026-03-14T10:11:12Z info: Shop.Cart[7] opened`. */
export const LEVEL_AS_PROCESS = /^(?:trce|dbug|info|warn|fail|crit)$/;

export type SyslogHeader = {
  /** The time as logged, and as epoch ms (NaN if it is invalid). */
  time: string;
  timeMs: number;
  host: string | undefined;
  process: string | undefined;
  pid: string | undefined;
  /** The offset of the time, milliseconds east of UTC; undefined if it has none. */
  eastMs: number | undefined;
  priority: Priority | undefined;
  /** The message id and the structured data of RFC 5424, as ECS fields. */
  fields?: Readonly<Record<string, string>> | undefined;
  /** Length of the header in characters. */
  length: number;
};

/**
 * The header that a syslog daemon adds to a line: `Mar 14 10:11:12 host name[12]: ` (RFC 3164), the same with an ISO
 * time, or `<134>1 2026-03-14T10:11:12Z host name 12 - - ` (RFC 5424). The first has no year: the latest one that is not
 * in the future is used.
 */
export function syslogHeader(line: string, context: FormatContext): SyslogHeader | undefined {
  const modern = RFC_5424.exec(line);
  if (modern) return modernHeader(line, modern, context);
  const bsd = BSD.exec(line);
  const found = bsd ?? ISO.exec(line);
  if (!found) return bareHeader(line);
  let host = bsd ? bsd[6] : found[2];
  if (!bsd && LEVEL_AS_HOST.test(host ?? "")) return undefined;
  let length = found[0].length;
  const named = namedPriority(line.slice(length));
  length += named?.length ?? 0;
  let process = processOf(line.slice(length));
  // Without a host, the first word is the name of the process.
  if (!process && host !== undefined) {
    const shorter = found[0].length - host.length - 1;
    process = processWithoutHost(line.slice(shorter));
    if (!process) return undefined;
    host = undefined;
    length = shorter;
  }
  if (!process) return undefined;
  length += process[0].length;
  const time = bsd
    ? line.slice(bsd[0].indexOf(bsd[1] ?? ""), bsd[0].length).slice(0, 15)
    : (found[1] ?? "");
  const timed = bsd ? { timeMs: bsdTime(bsd, context), eastMs: undefined } : isoTime(time, context);
  const priority = priorityOf(line) ?? named?.priority;
  return { time, ...timed, host, process: process[1], pid: process[2], priority, length };
}

function modernHeader(
  line: string,
  [all, time = "", host, process, pid, messageId]: RegExpExecArray,
  context: FormatContext,
): SyslogHeader {
  const data = structuredData(line.slice(all.length));
  let length = all.length + data.length;
  if (line[length] === " ") length += 1;
  length += BYTE_ORDER_MARK.exec(line.slice(length))?.[0].length ?? 0;
  const names = { host: valueOf(host), process: valueOf(process), pid: valueOf(pid) };
  const fields = fieldsOf(valueOf(messageId), data.fields);
  return { time, ...isoTime(time, context), ...names, priority: priorityOf(line), fields, length };
}

function fieldsOf(
  messageId: string | undefined,
  data: Readonly<Record<string, string>> | undefined,
): SyslogHeader["fields"] {
  return messageId === undefined ? data : { "log.syslog.msgid": messageId, ...data };
}

const valueOf = (text: string | undefined): string | undefined => (text === "-" ? undefined : text);

/** An ISO time with its offset. */
export function isoTime(
  time: string,
  { zone }: Pick<FormatContext, "zone">,
): { timeMs: number; eastMs: number | undefined } {
  const bytes = Buffer.from(time);
  const at = ZONE.exec(time)?.index;
  return {
    timeMs: parseTime(bytes, 0, bytes.length, zone),
    eastMs: at === undefined ? undefined : offsetMs(bytes, at, bytes.length),
  };
}

function processOf(text: string): RegExpExecArray | null {
  const found = PROCESS.exec(text);
  return found && text[found[0].length] === " " && LEVEL.test(found[0]) ? null : found;
}

function processWithoutHost(text: string): RegExpExecArray | null {
  const found = processOf(text);
  return LEVEL_AS_PROCESS.test(found?.[1] ?? "") ? null : found;
}

/** Without time and host: `haproxy[12]: `. */
function bareHeader(line: string): SyslogHeader | undefined {
  const found = BARE.exec(line);
  if (!found) return undefined;
  const [{ length }, process, pid] = found;
  const time = { time: "", timeMs: Number.NaN, eastMs: undefined };
  return { ...time, host: undefined, process, pid, priority: undefined, length };
}

/**
 * The header of a message with a priority of whose other parts some are missing, as RFC 3164 allows it:
 * `<13>Mar 14 10:11:12 host `, `<13>name[12]: ` or `<13>`.
 */
export function partialSyslogHeader(
  line: string,
  context: FormatContext,
): SyslogHeader | undefined {
  const priority = priorityOf(line);
  if (!priority) return undefined;
  const none = { process: undefined, pid: undefined, eastMs: undefined, priority };
  const timed = BSD.exec(line);
  if (timed) {
    const [{ length }, , , , , , host] = timed;
    return { ...none, time: timed[0], timeMs: bsdTime(timed, context), host, length };
  }
  const start = PRIORITY.exec(line)?.[0].length ?? 0;
  const [named = "", process, pid] = PROCESS.exec(line.slice(start)) ?? [];
  const length = start + named.length;
  return { ...none, time: "", timeMs: Number.NaN, host: undefined, process, pid, length };
}

function bsdTime(found: RegExpExecArray, context: FormatContext): number {
  const [, name = "", day = "", hours, minutes, seconds] = found;
  const month = monthOf(Buffer.from(name), 0);
  const clockMs = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return timeWithoutYear({ month, day: Number(day), clockMs }, context);
}

/** Epoch ms of `Mar 14 10:11:12`; NaN if the text is no such time. */
export function syslogTime(text: string, context: FormatContext): number {
  const found = BSD.exec(`${text} `);
  return found ? bsdTime(found, context) : Number.NaN;
}
