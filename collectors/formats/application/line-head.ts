import type { Zone } from "#collectors/zone.ts";

import { jsonTime } from "../json-time.ts";
import { levelName } from "./levels.ts";
import { lineTime, timeWithoutYear } from "./line-time.ts";
import { phpHead } from "./php-head.ts";

/** What a logging library writes before the message of an event. */
export type LineHead = {
  /** Epoch ms; NaN if the line has no date. */
  ms: number;
  level: string;
  logger?: string | undefined;
  thread?: string | undefined;
  pid?: string | undefined;
  /** The rest of the line. */
  message: string;
};

type HeadContext = { zone: Zone; nowMs: number };

const LEVELS =
  "TRACE|TRC|TRCE|DEBUG|DBG|DBUG|VERBOSE|VRB|INFO|INF|INFORMATION|NOTICE|WARN|WRN|WARNING|ERROR|ERR|CRITICAL|CRIT|CRT|ALERT|EMERGENCY|EMERG|FATAL|FTL|SEVERE|PANIC|DPANIC|SUCCESS|LOG";
const ANY_CASE = new RegExp(`^(?:${LEVELS})$`, "i");
/** `app.INFO` of Monolog, `INFO/MainProcess` of Celery. */
const COMPOSED = new RegExp(String.raw`^(?:([\w.-]{1,60})\.)?(${LEVELS})(?:/([\w-]{1,60}))?$`);
const LEVEL_FIRST = new RegExp(
  String.raw`^\[?(${LEVELS})\]?:?\s{1,8}(?:\[([^\]\d][^\]]{0,80})\]\s{1,4})?\[?(?=\d|[A-Z][a-z]{2} )`,
);
/** Python's default, and uvicorn and others without a time. */
const WITHOUT_TIME = new RegExp(
  String.raw`^(?:\[(${LEVELS})\] {1,4}|(${LEVELS}|error|warn|info|http|verbose|debug|silly):(?:([\w.]{1,120}):| {1,10}))(?=\S)`,
);
/** .NET's console, whose message is on the next lines, or on the same one. */
const DOTNET = /^(trce|dbug|info|warn|fail|crit): ([\w.`+]{1,200})\[\d{1,9}\](?:$| (?=\S))/;
/** Go's `log`: `2026/03/14 10:11:12.345678 main.go:42: text`, without a level. */
const GO =
  /^(\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d{6})?) (?:([\w./-]{1,200}\.go:\d{1,7}): )?(?=\S)/;
/** The programs of Kubernetes: `I0314 10:11:12.123456   12345 file.go:12] text`. */
const KLOG =
  /^([IWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d{1,9}) {1,8}(\d{1,10}) ([\w./-]{1,120}:\d{1,7})\] /;
/** `[Nest] 12  - 03/14/2026, 10:11:12 AM     LOG [Factory] text`, and Ruby's `I, [2026-…`. */
const BEFORE_TIME = /^(?:\[Nest\] (\d{1,10}) {1,4}- |[A-Z], )/;
const PARTS_MAX = 8;
const SEPARATORS = /^[\s|,:\]-]*/;
const PART = /^(?:\[([^\]]{0,160})\]|\(([^)]{0,160})\)|([^\s|[\]]{1,160}))/;
const NAME = /^[a-z_][\w.$-]*$|^[A-Za-z_$][\w$]*(?:[.:]{1,2}[\w$]+)+$/;
const HEAD_CHARS = 1024;

/** The head of a line; undefined if it does not begin with a time and a level, or in another known way. */
export function lineHead(line: string, context: HeadContext): LineHead | undefined {
  const text = line.slice(0, HEAD_CHARS);
  const head = timeFirst(text, context) ?? levelFirst(text, context) ?? special(text, context);
  if (!head) return undefined;
  return { ...head, message: head.message + line.slice(HEAD_CHARS) };
}

function timeFirst(text: string, { zone }: HeadContext): LineHead | undefined {
  const before = BEFORE_TIME.exec(text);
  const from = before?.[0].length ?? 0;
  const start = text[from] === "[" ? from + 1 : from;
  const time = lineTime(text.slice(start), zone);
  if (!time) return undefined;
  const found = untilLevel(text.slice(start + time.length));
  if (!found) return undefined;
  const head = named(found);
  return { ...head, ms: time.ms, pid: head.pid ?? before?.[1] };
}

type BeforeMessage = Omit<LineHead, "ms" | "message"> & { rest: string };

/** Reads the parts between the time and the level: threads in brackets, process numbers and names. */
function untilLevel(text: string): BeforeMessage | undefined {
  let rest = text;
  let pid: string | undefined;
  let thread: string | undefined;
  let logger: string | undefined;
  for (let index = 0; index < PARTS_MAX; index += 1) {
    rest = rest.replace(SEPARATORS, "");
    const part = PART.exec(rest);
    if (!part) return undefined;
    const [all, bracketed, parenthesised, word] = part;
    const value = (bracketed ?? parenthesised ?? word ?? "").trim();
    const level = levelIn(value, { isFirst: index === 0, isWord: word !== undefined });
    rest = rest.slice(all.length);
    if (level)
      return {
        pid,
        thread: level.thread ?? thread,
        logger: level.logger ?? logger,
        level: level.name,
        rest,
      };
    if (/^#?\d{1,10}$/.test(value)) pid ??= value.replace("#", "");
    else if (word === undefined) thread ??= value;
    else if (logger === undefined && (NAME.test(value) || /^\s{1,30}[|-] /.test(rest)))
      logger = value;
    else return undefined;
  }
  return undefined;
}

type FoundLevel = { name: string; logger: string | undefined; thread: string | undefined };

/** A word in lower case is a level only after the time, or in brackets: otherwise it may be a word of the message. */
function levelIn(
  part: string,
  { isFirst, isWord }: { isFirst: boolean; isWord: boolean },
): FoundLevel | undefined {
  const plain = part.replace(/:$/, "");
  const [, logger, upper, thread] = COMPOSED.exec(plain) ?? [];
  const mayBeLower = isFirst || !isWord;
  const word = upper ?? (mayBeLower && ANY_CASE.test(plain) ? plain : undefined);
  const name = word === undefined ? undefined : nameOf(word);
  return name === undefined ? undefined : { name, logger, thread };
}

const nameOf = (word: string): string | undefined => (word === "LOG" ? "info" : levelName(word));

const SPRING = /^(\d{1,10}) --- ((?:\[[^\]]{0,120}\] ?){1,3})\s{0,8}(\S{1,200})\s{0,60}: /;
const BRACKET = /^\[([^\]]{0,160})\]\s{0,8}/;
/** A name before the message: one with parts, or with spaces around what separates it. */
const LOGGER =
  /^([A-Za-z_$][\w$<>/-]{0,120}(?:(?:\.|::)[\w$<>/-]{1,120}){1,20}(?:[:@(#][\w.$<>-]{1,80}\)?){0,3}|[A-Za-z_$][\w$.-]{0,120}(?=\s{1,60}[:-] ))(?:\s{0,60}[:-] {1,4}|: {1,4})/;

/** What follows the level: process, thread and logger, and the message. */
function named({ rest, ...head }: BeforeMessage): Omit<LineHead, "ms"> {
  const text = rest.replace(/^\]?\s*(?:(?:--?|:|\|)\s+)*(?:: )?/, "");
  if (text.includes("\t")) return tabbed(text, head);
  const [spring, pid, brackets = "", logger] = SPRING.exec(text) ?? [];
  if (spring !== undefined) {
    const thread = brackets.trim().replace(/^.*\[/, "").replace("]", "").trim();
    return { ...head, pid, thread, logger, message: text.slice(spring.length) };
  }
  let message = text;
  for (;;) {
    const [bracket, value = ""] = BRACKET.exec(message) ?? [];
    if (bracket === undefined || message.length === bracket.length) break;
    const name = value.trim();
    if (head.logger === undefined && NAME.test(name) && /[.:]/.test(name)) head.logger = name;
    else if (head.thread === undefined) head.thread = name;
    else break;
    message = message.slice(bracket.length).replace(/^(?:[-:] )/, "");
  }
  const [all, found] = LOGGER.exec(message) ?? [];
  if (all === undefined || head.logger !== undefined) return { ...head, message };
  return { ...head, logger: found, message: message.slice(all.length) };
}

/** zap's lines for people: `time LEVEL logger caller message` with tabs. */
function tabbed(text: string, head: Omit<LineHead, "ms" | "message">): Omit<LineHead, "ms"> {
  const parts = text.split("\t");
  const caller = parts.findIndex((part) => /^[\w./@-]{1,200}\.\w{1,5}:\d{1,7}$/.test(part));
  const message = parts.slice(caller + 1).join("\t");
  const logger = caller === 1 ? parts[0] : head.logger;
  return { ...head, logger, message };
}

function levelFirst(text: string, { zone }: HeadContext): LineHead | undefined {
  const [all, word, thread] = LEVEL_FIRST.exec(text) ?? [];
  const level = word === undefined ? undefined : nameOf(word);
  if (all === undefined || level === undefined) return undefined;
  const time = lineTime(text.slice(all.length), zone);
  if (!time) return undefined;
  const rest = text.slice(all.length + time.length);
  return { ...named({ level, thread, rest }), ms: time.ms };
}

function special(text: string, context: HeadContext): LineHead | undefined {
  const ms = Number.NaN;
  const [dotnet, short, category] = DOTNET.exec(text) ?? [];
  if (dotnet !== undefined) {
    const message = text.slice(dotnet.length);
    return { ms, level: levelName(short) ?? "info", logger: category, message };
  }
  const [plain, bracketed, word = bracketed, logger] = WITHOUT_TIME.exec(text) ?? [];
  const level = word === undefined ? undefined : nameOf(word);
  if (plain !== undefined && level !== undefined)
    return { ms, level, logger, message: text.slice(plain.length) };
  const [klog, letter, month, day, clock, pid, file] = KLOG.exec(text) ?? [];
  if (klog === undefined) return withoutLevel(text, context);
  return {
    ms: timeWithoutYear(`${month}-${day}T${clock}`, context),
    level: levelName(letter) ?? "info",
    pid,
    logger: file,
    message: text.slice(klog.length),
  };
}

/** Lines of libraries that have no levels, or other ones. */
function withoutLevel(text: string, { zone }: HeadContext): LineHead | undefined {
  const [go, goTime = "", file] = GO.exec(text) ?? [];
  if (go !== undefined)
    return {
      ms: jsonTime(goTime, zone),
      level: "info",
      logger: file,
      message: text.slice(go.length),
    };
  return phpHead(text, zone);
}
