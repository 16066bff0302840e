import type { Format, FormatContext } from "../format.ts";
import { isDigit, OPEN_BRACKET, textOf } from "./bytes.ts";
import { jsonTime } from "./json-time.ts";
import { onlyAfter, openTextLine, type RowWriter } from "./text-line.ts";
import { monthOf, parseTime, timeWithoutYear } from "./time.ts";
import { DATABASE_TRAITS } from "./traits.ts";

const TIME = String.raw`\d{1,2} [A-Z][a-z]{2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{3})?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d)|\d{13}`;
/** Since 3.0 with the role; version 2 writes the process in brackets on Windows; Valkey has more notations of times. */
const HEAD = new RegExp(String.raw`^(?:(\d{1,10}):([MSCX]) |\[(\d{1,10})\] )?(${TIME}) ([.*#-]) ?`);
const SIGNAL = /^(\d{1,10}):signal-handler \((\d{9,10})\) /;
const LOGFMT =
  /^pid=(\d{1,10}) role=(\w{1,20}) timestamp="([^"]{1,40})" level=(\w{1,10}) message="(.*)"$/s;
const LOGFMT_HEAD = /^pid=\d{1,10} role=/;
/** Of `pid=`. */
const LETTER_P = 0x70;
const DAY_TIME = /^(\d{1,2}) ([A-Z][a-z]{2}) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?$/;
const HEAD_CHARS_MAX = 128;
const LEVELS: Readonly<Record<string, string>> = {
  ".": "debug",
  "-": "verbose",
  "*": "notice",
  "#": "warning",
};
const ROLES: Readonly<Record<string, string>> = {
  M: "master",
  S: "slave",
  C: "child",
  X: "sentinel",
};
const NO_HEAD = "not a Redis line: no time and level, such as `12 Mar 2026 10:11:12.345 * `";
/** Characters with which its lines begin. */
const FIRST = "0123456789[p";

/** The log of Redis, Valkey and Sentinel. */
export const redisLog: Format = {
  dataset: "redis.log",
  title: "Redis log",
  requests: "none",
  hasAnyText: true,
  traits: DATABASE_TRAITS,
  detection: { path: /redis|valkey|sentinel/i, evidence: () => 2 },
  usualPaths: ["/var/log/redis/*.log", "/var/log/valkey/*.log", "/opt/homebrew/var/log/redis.log"],
  open(batch, context) {
    return onlyAfter(FIRST, openTextLine(batch, context, read), NO_HEAD);
  },
  begins(bytes, start, end) {
    const first = bytes[start];
    if (!isDigit(first) && first !== OPEN_BRACKET && first !== LETTER_P) return false;
    const text = textOf(bytes, start, Math.min(end, start + HEAD_CHARS_MAX));
    return HEAD.test(text) || SIGNAL.test(text) || LOGFMT_HEAD.test(text);
  },
  toElastic(document) {
    const [, , , windowsPid, time = ""] = HEAD.exec(String(document["event.original"])) ?? [];
    if (windowsPid !== undefined) delete document["process.pid"];
    // The year that is added depends on when the line is read.
    if (DAY_TIME.exec(time)?.[3] === undefined) delete document["@timestamp"];
  },
};

function read(text: string, row: RowWriter): string | undefined {
  const head = HEAD.exec(text.slice(0, HEAD_CHARS_MAX));
  if (head) {
    const [all, pid, role = "", windowsPid, time = "", level = ""] = head;
    row.number("process.pid", pid ?? windowsPid);
    row.extra("redis.log.role", ROLES[role]);
    row.text("log.level", LEVELS[level]);
    row.text("message", text.slice(all.length));
    return row.time(redisTime(time, row.context), time);
  }
  const logfmt = LOGFMT.exec(text);
  return logfmt ? putLogfmt(logfmt, row) : readSignal(text, row);
}

function putLogfmt(found: RegExpExecArray, row: RowWriter): string | undefined {
  const [, pid, role, time = "", level, message] = found;
  row.number("process.pid", pid);
  row.extra("redis.log.role", role);
  row.text("log.level", level);
  row.text("message", message);
  return row.time(redisTime(time, row.context), time);
}

/** What the handler of a fatal signal writes. */
function readSignal(text: string, row: RowWriter): string | undefined {
  const found = SIGNAL.exec(text);
  if (!found) return NO_HEAD;
  const [all, pid, seconds = ""] = found;
  row.number("process.pid", pid);
  row.text("message", text.slice(all.length));
  return row.time(Number(seconds) * 1000, seconds);
}

function redisTime(text: string, context: FormatContext): number {
  const found = DAY_TIME.exec(text);
  if (!found) return jsonTime(/^\d+$/.test(text) ? Number(text) : text, context.zone);
  const [, day = "", name = "", year, hours, minutes, seconds, fraction = "0"] = found;
  const month = monthOf(Buffer.from(name), 0);
  if (year === undefined) {
    const clock = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
    const clockMs = clock * 1000 + Number(fraction);
    return timeWithoutYear({ month, day: Number(day), clockMs }, context);
  }
  const date = [year, String(month).padStart(2, "0"), day.padStart(2, "0")].join("-");
  const bytes = Buffer.from(`${date} ${hours}:${minutes}:${seconds}.${fraction}`);
  return parseTime(bytes, 0, bytes.length, context.zone);
}
