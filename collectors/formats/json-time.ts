import type { Zone } from "../zone.ts";
import { parseTime } from "./time.ts";

/** Date and clock with optional parts: `2026-03-14T10:11Z`, `20260314T101112.5+01`, `2026-03-14`. */
const PARTIAL =
  /^(\d{4})[-/]?(\d\d)[-/]?(\d\d)(?:[Tt ]\s?(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9})\d*)?)?)?)?\s*(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/;
const EPOCH = /^\d{9,19}(\.\d{1,9})?$/;
/** The largest epoch that is in seconds, milliseconds and microseconds: in each unit a time after the year 5000. */
const SECONDS_MAX = 1e11;
const MS_MAX = 1e14;
const MICROSECONDS_MAX = 1e17;
const CHARS_MAX = 64;

/**
 * Epoch ms of a time in JSON: as in log lines, an ISO time with parts left out, or the time since 1970 as a number or text in
 * seconds, milliseconds, microseconds or nanoseconds, which its size distinguishes. NaN if it is none of these.
 */
export function jsonTime(value: unknown, zone: Zone): number {
  if (typeof value === "number") return Number.isFinite(value) ? epochMs(value) : Number.NaN;
  if (typeof value !== "string" || value.length > CHARS_MAX) return Number.NaN;
  const text = value.trim().replace(/^\[(.*)\]$/, "$1");
  if (EPOCH.test(text)) return epochMs(Number(text));
  const bytes = Buffer.from(text);
  const ms = parseTime(bytes, 0, bytes.length, zone);
  return Number.isNaN(ms) ? partialTime(text, zone) : ms;
}

function epochMs(value: number): number {
  if (value < 0) return Math.trunc(value);
  if (value < SECONDS_MAX) return Math.floor(value * 1000 + 1e-3);
  if (value < MS_MAX) return Math.floor(value);
  if (value < MICROSECONDS_MAX) return Math.floor(value / 1e3);
  return value < MICROSECONDS_MAX * 1e3 ? Math.floor(value / 1e6) : value;
}

function partialTime(text: string, zone: Zone): number {
  const found = PARTIAL.exec(text);
  if (!found) return Number.NaN;
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction, suffix] = found;
  const clock = `${hour}:${minute}:${second}${fraction === undefined ? "" : `.${fraction}`}`;
  const east = suffix === undefined || !/[a-z]/i.test(suffix) ? (suffix ?? "") : "Z";
  const bytes = Buffer.from(`${year}-${month}-${day}T${clock}${east}`);
  return parseTime(bytes, 0, bytes.length, zone);
}
