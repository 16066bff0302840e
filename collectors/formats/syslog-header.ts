import type { FormatContext } from "../format.ts";
import { dayMs, monthOf, parseTime } from "./time.ts";

const DAY_MS = 86_400_000;
const BSD =
  /^(?:<\d{1,3}>)?([A-Z][a-z]{2}) ([ \d]\d|\d) (\d\d):(\d\d):(\d\d)(?:\.\d{1,6})? (?:(\S{1,255}) )?/;
const ISO = /^(?:<\d{1,3}>1? ?)?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,20}) (?:(\S{1,255}) )?/;
const BARE = /^([A-Za-z][\w./-]{0,127})\[(\d{1,10})\]: /;
const PROCESS = /^([\w./-]{1,128})(?:\[(\d{1,10})\])?: /;

export type SyslogHeader = {
  /** The time as logged, and as epoch ms (NaN if it is invalid). */
  time: string;
  timeMs: number;
  host: string | undefined;
  process: string | undefined;
  pid: string | undefined;
  /** With an ISO time, as written by relays and journals. */
  isIso: boolean;
  /** Length of the header in characters. */
  length: number;
};

/**
 * The header that a syslog daemon adds to a line: `Mar 14 10:11:12 host name[12]: ` (RFC 3164) or
 * with an ISO time. The former has no year: the latest one that is not in the future is used.
 */
export function syslogHeader(line: string, context: FormatContext): SyslogHeader | undefined {
  const bsd = BSD.exec(line);
  const found = bsd ?? ISO.exec(line);
  if (!found) return bareHeader(line);
  let host = bsd ? bsd[6] : found[2];
  let length = found[0].length;
  let process = PROCESS.exec(line.slice(length));
  // Without a host, the first word is the name of the process.
  if (!process && host !== undefined) {
    const shorter = length - host.length - 1;
    process = PROCESS.exec(line.slice(shorter));
    if (!process) return undefined;
    host = undefined;
    length = shorter;
  }
  if (!process) return undefined;
  length += process[0].length;
  const time = bsd
    ? line.slice(bsd[0].indexOf(bsd[1] ?? ""), bsd[0].length).slice(0, 15)
    : (found[1] ?? "");
  const bytes = Buffer.from(time);
  const timeMs = bsd ? bsdTime(bsd, context) : parseTime(bytes, 0, bytes.length, context.zone);
  return { time, timeMs, host, process: process[1], pid: process[2], isIso: bsd === null, length };
}

/** Without time and host: `haproxy[12]: `. */
function bareHeader(line: string): SyslogHeader | undefined {
  const found = BARE.exec(line);
  if (!found) return undefined;
  const [{ length }, process, pid] = found;
  return { time: "", timeMs: Number.NaN, host: undefined, process, pid, isIso: false, length };
}

function bsdTime(found: RegExpExecArray, { zone, nowMs }: FormatContext): number {
  const [, name = "", day = "", hours, minutes, seconds] = found;
  const month = monthOf(Buffer.from(name), 0);
  const clock = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  const year = new Date(nowMs).getUTCFullYear();
  for (let candidate = year + 1; candidate > year - 5; candidate -= 1) {
    const wallMs = dayMs(candidate, month, Number(day)) + clock;
    const ms = wallMs - zone.eastMs(wallMs);
    if (ms <= nowMs + DAY_MS) return ms;
  }
  return Number.NaN;
}
