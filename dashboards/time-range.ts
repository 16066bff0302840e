import { toEpochMs, wallClock, type WallClock, type Zone } from "./zone.ts";

/** A range in the syntax of the URL: epoch ms, or relative to now (`now-15m`, `now`, `now+3h`). */
export type RangeText = { from: string; to: string };

export type ParsedRange = ({ ok: true } & RangeText) | { ok: false; reason: string };

type Context = { nowMs: number; zone: Zone };
type Span = { fromMs: number; toMs: number };

export const PRESETS = ["5m", "15m", "30m", "1h", "6h", "24h", "7d", "30d"] as const;
export const NEXT_HOURS: RangeText = { from: "now", to: "now+3h" };

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const RANGE_MS_MIN = 1000;
const AMOUNT_MAX = 100_000;

const LAST =
  /^(?:(?:in )?the )?(?:last |past |now-|-)?(\d+(?:\.\d+)?|an?|one)? ?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|y|years?)(?: ago)?(?: to now)?$/;
const NEXT =
  /^(?:in )?(?:the )?(?:next |now ?\+)(\d+(?:\.\d+)?|an?|one)? ?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)$/;
const RELATIVE = /^now(?:[-+]\d{1,6}[smhd])?$/;
/** As the box itself shows dates: "17 May 2015". */
const NAMED_DATE = /\b(\d\d?) (jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* (\d{4})\b/g;
const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const DATE = /^(\d{4})-(\d\d?)(?:-(\d\d?))?$/;
const TIME = /^(\d\d?):(\d\d)(?::(\d\d))?$/;
const EPOCH = /^\d{9,13}$/;
const SEPARATOR = / (?:to|until|till|-|–|—|→) | ?\.\. ?|\//;

const HINT =
  'try "last 2 hours", "next 3 hours", "yesterday 14:00", or "2026-05-17 10:00 to 12:00"';

/** "2015-5-17" for "17 may 2015". */
function isoDate(named: string): string {
  const [day = "", month = "", year = ""] = named.split(" ");
  return [year, MONTHS.indexOf(month.slice(0, 3)) + 1, day].join("-");
}

/** Parses a range written by a person. Times are in the viewer's chosen zone. */
export function parseTimeRange(text: string, given: Context): ParsedRange {
  const isUtc = / utc$/i.test(text.trim());
  const context: Context = isUtc ? { ...given, zone: "utc" } : given;
  const words = text
    .trim()
    .replace(/ utc$/i, "")
    .toLowerCase()
    .replaceAll(NAMED_DATE, isoDate)
    .replaceAll("t", (t, at, all: string) =>
      /\d/.test(all[at - 1] ?? "") && /\d/.test(all[at + 1] ?? "") ? " " : t,
    );
  if (words === "") return { ok: false, reason: `nothing to read: ${HINT}` };
  const relative = fromOrToNow(words);
  if (relative) return relative;
  const [first = "", second, ...more] = words.split(SEPARATOR).map((part) => part.trim());
  if (more.length > 0) return { ok: false, reason: `more than two times: ${HINT}` };
  return second === undefined ? single(first, context) : between(first, second, context);
}

/** Epoch ms of one end of a range in the URL; undefined if it is invalid. */
export function resolveTime(text: string, nowMs: number): number | undefined {
  if (text === "now") return nowMs;
  const relative = /^now([-+])(\d{1,6})([smhd])$/.exec(text);
  if (relative) {
    const [, sign, amount, unit = ""] = relative;
    return nowMs + (sign === "-" ? -1 : 1) * Number(amount) * unitMs(unit);
  }
  const atMs = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isFinite(atMs) ? atMs : undefined;
}

/** Shifts a range by its length. */
export function shiftRange(range: Span, direction: -1 | 1): RangeText {
  const stepMs = (range.toMs - range.fromMs) * direction;
  return absolute(range.fromMs + stepMs, range.toMs + stepMs);
}

/** Doubles the length of a range around its centre. */
export function zoomOut(range: Span): RangeText {
  const halfMs = (range.toMs - range.fromMs) / 2;
  return absolute(range.fromMs - halfMs, range.toMs + halfMs);
}

export function absolute(fromMs: number, toMs: number): RangeText {
  const from = Math.max(0, Math.floor(Math.min(fromMs, toMs)));
  const to = Math.max(Math.ceil(Math.max(fromMs, toMs)), from + RANGE_MS_MIN);
  return { from: String(from), to: String(to) };
}

function fromOrToNow(words: string): ParsedRange | undefined {
  const last = LAST.exec(words);
  const match = last ?? NEXT.exec(words);
  if (!match) return undefined;
  const [, amountText = "1", unitText = "m"] = match;
  const amount = /^\d/.test(amountText) ? Number(amountText) : 1;
  if (amount <= 0 || amount > AMOUNT_MAX) {
    return { ok: false, reason: `"${words}" is out of range: between 1 and ${AMOUNT_MAX}` };
  }
  const length = lengthText(amount, unitText.charAt(0));
  return last
    ? { ok: true, from: `now-${length}`, to: "now" }
    : { ok: true, from: "now", to: `now+${length}` };
}

/** "90m" for 1.5 hours: the syntax of the URL has whole numbers. */
function lengthText(amount: number, unit: string): string {
  if (unit === "y") return `${Math.round(amount * 365.25)}d`;
  if (unit === "w") return lengthText(amount * 7, "d");
  if (Number.isInteger(amount)) return `${amount}${unit}`;
  const ms = amount * unitMs(unit);
  return ms % UNIT_MS.m === 0
    ? `${ms / UNIT_MS.m}m`
    : `${Math.max(1, Math.round(ms / UNIT_MS.s))}s`;
}

function single(words: string, context: Context): ParsedRange {
  if (words === "now") return { ok: true, from: "now-5m", to: "now" };
  const span = spanOf(words, context);
  return span ? rangeOf(span.fromMs, span.toMs) : unreadable(words);
}

function between(first: string, second: string, context: Context): ParsedRange {
  if (RELATIVE.test(first)) return fromRelative(first, second, context);
  const from = spanOf(first, context);
  if (!from) return unreadable(first);
  if (second === "now") return { ok: true, from: String(from.fromMs), to: "now" };
  const to = TIME.test(second)
    ? timeOn(from.fromMs, second, context.zone)
    : spanOf(second, context);
  if (!to) return unreadable(second);
  const toMs = /\d:\d/.test(second) || EPOCH.test(second) ? to.fromMs : to.toMs;
  if (toMs <= from.fromMs) return { ok: false, reason: "the end is not after the start" };
  return rangeOf(from.fromMs, toMs);
}

function fromRelative(from: string, to: string, { nowMs }: Context): ParsedRange {
  if (!RELATIVE.test(to)) return unreadable(to);
  if ((resolveTime(to, nowMs) ?? 0) > (resolveTime(from, nowMs) ?? 0))
    return { ok: true, from, to };
  return { ok: false, reason: "the end is not after the start" };
}

/** A whole day or month; a single time means the hour that starts there. */
function spanOf(words: string, context: Context): Span | undefined {
  if (EPOCH.test(words)) {
    const atMs = words.length > 10 ? Number(words) : Number(words) * 1000;
    return { fromMs: atMs, toMs: atMs + UNIT_MS.h };
  }
  const [dayWords = "", timeWords, ...more] = words.replace(/z$/, "").split(/\s+/);
  if (more.length > 0) return undefined;
  if (TIME.test(dayWords) && timeWords === undefined) {
    return timeOn(context.nowMs, dayWords, context.zone);
  }
  const day = dayOf(dayWords, context);
  if (!day || timeWords === undefined) return day;
  return timeOn(day.fromMs, timeWords, context.zone);
}

function dayOf(words: string, { nowMs, zone }: Context): Span | undefined {
  const today = { ...wallClock(nowMs, zone), hour: 0, minute: 0, second: 0 };
  if (words === "today") return days(today, zone);
  if (words === "yesterday") return days({ ...today, day: today.day - 1 }, zone);
  const [, year, month, day] = DATE.exec(words) ?? [];
  if (!year || Number(month) < 1 || Number(month) > 12) return undefined;
  const start = { ...today, year: Number(year), month: Number(month), day: Number(day ?? 1) };
  if (wallClock(toEpochMs(start, zone), zone).day !== start.day) return undefined;
  if (day !== undefined) return days(start, zone);
  const toMs = toEpochMs({ ...start, month: start.month + 1 }, zone);
  return { fromMs: toEpochMs(start, zone), toMs };
}

function days(start: WallClock, zone: Zone): Span {
  const toMs = toEpochMs({ ...start, day: start.day + 1 }, zone);
  return { fromMs: toEpochMs(start, zone), toMs };
}

function timeOn(dayMs: number, words: string, zone: Zone): Span | undefined {
  const [, hour, minute, second = "0"] = TIME.exec(words) ?? [];
  if (Number(hour) > 24 || Number(minute) > 59 || Number(second) > 59 || !hour) return undefined;
  const clock = { hour: Number(hour), minute: Number(minute), second: Number(second) };
  const fromMs = toEpochMs({ ...wallClock(dayMs, zone), ...clock }, zone);
  return { fromMs, toMs: fromMs + UNIT_MS.h };
}

function rangeOf(fromMs: number, toMs: number): ParsedRange {
  return { ok: true, ...absolute(fromMs, toMs) };
}

function unreadable(words: string): ParsedRange {
  return { ok: false, reason: `cannot read "${words}": ${HINT}` };
}

function unitMs(unit: string): number {
  return unit === "s" || unit === "m" || unit === "h" || unit === "d" ? UNIT_MS[unit] : Number.NaN;
}
