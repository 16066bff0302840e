import type { Zone } from "../zone.ts";
import { excerpt, isDigit } from "./bytes.ts";

export const DAY_MS = 86_400_000;
export const EARLIEST_MS = Date.UTC(1995, 0, 1);
/** Range of a JavaScript Date, ms before and after 1970. */
const DATE_MS_MAX = 8.64e15;
const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Month 1 … 12 of its three letters, case-insensitive; 0 if there is none. */
export function monthOf(bytes: Uint8Array, at: number): number {
  const a = bytes[at]! | 0x20;
  const b = bytes[at + 1]! | 0x20;
  const c = bytes[at + 2]! | 0x20;
  for (let i = 0; i < 36; i += 3) {
    const same = MONTHS.charCodeAt(i) === a && MONTHS.charCodeAt(i + 1) === b;
    if (same && MONTHS.charCodeAt(i + 2) === c) return i / 3 + 1;
  }
  return 0;
}

/** Two digits as a number; NaN if they are not digits. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 0x30;
  const ones = bytes[at + 1]! - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

export function dayMs(year: number, month: number, day: number): number {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= DAYS_IN_MONTH[month - 1]!))
    return Number.NaN;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0)))
    return Number.NaN;
  return Date.UTC(year, month - 1, day);
}

/** Milliseconds of the day at `HH:MM:SS`; a leap second (60) is valid and means the next second. */
function clockMs(bytes: Uint8Array, at: number): number {
  const hours = twoDigits(bytes, at);
  const minutes = twoDigits(bytes, at + 3);
  const seconds = twoDigits(bytes, at + 6);
  if (!(hours <= 23 && minutes <= 59 && seconds <= 60)) return Number.NaN;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** Epoch ms of a local time of which the year is the latest one that is not in the future; NaN if there is none. */
export function timeWithoutYear(
  { month, day, clockMs: ofDayMs }: { month: number; day: number; clockMs: number },
  { zone, nowMs }: { zone: Zone; nowMs: number },
): number {
  const year = new Date(nowMs).getUTCFullYear();
  for (let candidate = year + 1; candidate > year - 5; candidate -= 1) {
    const wallMs = dayMs(candidate, month, day) + ofDayMs;
    const ms = wallMs - zone.eastMs(wallMs);
    if (ms <= nowMs + DAY_MS) return ms;
  }
  return Number.NaN;
}

/** Why a time is implausible (more than a day in the future, or before 1995); otherwise undefined. */
export function implausible(ms: number, nowMs: number): string | undefined {
  if (Number.isNaN(ms)) return "time cannot be read";
  if (ms > nowMs + DAY_MS) return `time is in the future: ${written(ms)}`;
  if (ms < EARLIEST_MS) return `time is before 1995: ${written(ms)}`;
  return undefined;
}

/** As ISO 8601, or the number if it is out of range. */
const written = (ms: number): string =>
  Math.abs(ms) <= DATE_MS_MAX ? new Date(ms).toISOString() : String(ms);

/**
 * Parses `14/Mar/2026:10:11:12 +0000` (and ISO times through `parseTime`). Caches the day and the zone of the last
 * time, because neighbouring lines share them.
 */
export class ClfTimeReader {
  readonly #context: { readonly zone: Zone };
  #dayKeyA = 0;
  #dayKeyB = 0;
  #dayKeyC = 0;
  #dayMs = Number.NaN;
  #zoneKey = 0;
  #zoneMs = Number.NaN;

  /** The zone of times without one may be another for each line: that of its syslog header. */
  constructor(context: { readonly zone: Zone }) {
    this.#context = context;
  }

  /** Epoch ms of the time in the 26 bytes from `at` on; NaN if they are not a time of this format. */
  read26(bytes: Uint8Array, at: number): number {
    const a = word(bytes, at);
    const b = word(bytes, at + 4);
    const c = word(bytes, at + 7);
    if (a !== this.#dayKeyA || b !== this.#dayKeyB || c !== this.#dayKeyC) {
      const year = twoDigits(bytes, at + 7) * 100 + twoDigits(bytes, at + 9);
      const separated = bytes[at + 2] === 0x2f && bytes[at + 6] === 0x2f;
      this.#dayMs = separated
        ? dayMs(year, monthOf(bytes, at + 3), twoDigits(bytes, at))
        : Number.NaN;
      this.#dayKeyA = a;
      this.#dayKeyB = b;
      this.#dayKeyC = c;
    }
    const zone = word(bytes, at + 22);
    if (zone !== this.#zoneKey || bytes[at + 21] !== 0x2b) {
      this.#zoneMs = offsetMs(bytes, at + 21, at + 26);
      this.#zoneKey = bytes[at + 21] === 0x2b ? zone : 0;
    }
    return this.#dayMs + clockMs(bytes, at + 12) - this.#zoneMs;
  }

  /** Epoch ms of the time in [start, end), in any notation of access logs; NaN if there is none. */
  read(bytes: Uint8Array, start: number, end: number): number {
    if (end - start === 26 && bytes[start + 2] === 0x2f) return this.read26(bytes, start);
    return parseTime(bytes, start, end, this.#context.zone);
  }

  /** Why this time is invalid, with the time itself. */
  reason(bytes: Uint8Array, start: number, end: number, nowMs: number): string {
    const why = implausible(this.read(bytes, start, end), nowMs) ?? "time cannot be read";
    return why === "time cannot be read" ? `${why}: ${excerpt(bytes, start, end)}` : why;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Milliseconds east of UTC of `+HH:MM`, `+HHMM`, `+HH` or `Z` in [at, end); NaN if it is none of these. */
export function offsetMs(bytes: Uint8Array, at: number, end: number): number {
  const sign = bytes[at];
  if ((sign === 0x5a || sign === 0x7a) && end === at + 1) return 0;
  if (sign !== 0x2b && sign !== 0x2d) return Number.NaN;
  const hours = twoDigits(bytes, at + 1);
  const minutesAt = bytes[at + 3] === 0x3a ? at + 4 : at + 3;
  const minutes = end <= at + 3 ? 0 : twoDigits(bytes, minutesAt);
  if (end > at + 3 && end !== minutesAt + 2) return Number.NaN;
  if (!(hours <= 15 && minutes <= 59)) return Number.NaN;
  const ms = (hours * 60 + minutes) * 60_000;
  return sign === 0x2b ? ms : -ms;
}

/**
 * Epoch ms of the time in [start, end): `14/Mar/2026:10:11:12.345 +0000`, `2026-03-14T10:11:12.345Z`,
 * `2026/03/14 10:11:12` with or without zone and fraction, or seconds since 1970 such as `1773483072.345`.
 * NaN if it is none of these. `zone` applies if the text has none.
 */
export function parseTime(bytes: Uint8Array, start: number, end: number, zone: Zone): number {
  let at = start;
  let day: number;
  if (end - start >= 20 && bytes[start + 2] === 0x2f) {
    const year = twoDigits(bytes, start + 7) * 100 + twoDigits(bytes, start + 9);
    day = dayMs(year, monthOf(bytes, start + 3), twoDigits(bytes, start));
    at = start + 12;
  } else if (end - start >= 19 && (bytes[start + 4] === 0x2d || bytes[start + 4] === 0x2f)) {
    const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2);
    day = dayMs(year, twoDigits(bytes, start + 5), twoDigits(bytes, start + 8));
    at = start + 11;
  } else return epochSeconds(bytes, start, end);
  const ms = day + clockMs(bytes, at);
  at += 8;
  let fraction = 0;
  if (bytes[at] === 0x2e || bytes[at] === 0x2c) {
    at += 1;
    for (let scale = 100; at < end && isDigit(bytes[at]); at += 1, scale /= 10) {
      fraction += scale * (bytes[at]! - 0x30);
    }
  }
  while (at < end && bytes[at] === 0x20) at += 1;
  const east = at >= end ? zone.eastMs(ms) : offsetMs(bytes, at, end);
  return ms + Math.floor(fraction + 1e-6) - east;
}

function epochSeconds(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 9 || end - start > 24) return Number.NaN;
  let text = "";
  for (let i = start; i < end; i += 1) text += String.fromCharCode(bytes[i]!);
  if (!/^\d{9,10}(\.\d{1,9})?$/.test(text)) return Number.NaN;
  return Math.floor(Number(text) * 1000 + 1e-3);
}
