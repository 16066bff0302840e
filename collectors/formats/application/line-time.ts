import type { Zone } from "#collectors/zone.ts";

import { jsonTime } from "../json-time.ts";
import { DAY_MS } from "../time.ts";

const CLOCK = String.raw`\d\d:\d\d:\d\d(?:[.,]\d{1,9})?`;
const ZONE = String.raw`(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w:]))?`;
/** The times that logging libraries write at the beginning of a line, or after a bracket. */
const ISO = new RegExp(String.raw`^\d{4}[-/]\d\d[-/]\d\d[T ]${CLOCK}${ZONE}`);
const SHORT_YEAR = new RegExp(String.raw`^(\d\d)/(\d\d)/(\d\d) (${CLOCK})`);
const DAY_FIRST = new RegExp(
  String.raw`^(\d\d)[/ -]([A-Z][a-z]{2})[/ -](\d{4})[ :](${CLOCK})(${ZONE})`,
);
const MONTH_FIRST =
  /^([A-Z][a-z]{2}) (\d{1,2}), (\d{4}),? (\d{1,2}):(\d\d):(\d\d)(?:\.\d{1,3})? ([AP]M)\b/;
const AMERICAN = /^(\d\d)\/(\d\d)\/(\d{4}),? (\d{1,2}):(\d\d):(\d\d) ([AP]M)\b/;
/** Also zerolog's `10:11AM`. */
const CLOCK_ONLY = new RegExp(String.raw`^(?:${CLOCK}|\d{1,2}:\d\d[AP]M)(?=[ \]|])`);
const HEAD_CHARS = 48;

export type LineTime = {
  /** Epoch ms; NaN if the text has no date. */
  ms: number;
  /** Number of characters. */
  length: number;
};

/** The time at the beginning of a text; undefined if there is none. `zone` applies if it has none. */
export function lineTime(line: string, zone: Zone): LineTime | undefined {
  const text = line.slice(0, HEAD_CHARS);
  const iso = ISO.exec(text)?.[0];
  if (iso !== undefined) return { ms: jsonTime(iso, zone), length: iso.length };
  return otherTime(text, zone);
}

function otherTime(text: string, zone: Zone): LineTime | undefined {
  const [short, yy, mm, dd, clock] = SHORT_YEAR.exec(text) ?? [];
  if (short !== undefined) return timeIn(`20${yy}-${mm}-${dd}T${clock}`, short, zone);
  const [dayFirst, day, month, year, time, suffix] = DAY_FIRST.exec(text) ?? [];
  if (dayFirst !== undefined)
    return timeIn(`${day}/${month}/${year}:${time}${suffix}`, dayFirst, zone);
  const [monthFirst, name, date = "", itsYear, ...clockA] = MONTH_FIRST.exec(text) ?? [];
  if (monthFirst !== undefined)
    return timeIn(
      `${date.padStart(2, "0")}/${name}/${itsYear}:${hours24(clockA)}`,
      monthFirst,
      zone,
    );
  const [american, monthOf, dayOf, yearOf, ...clockB] = AMERICAN.exec(text) ?? [];
  if (american !== undefined)
    return timeIn(`${yearOf}-${monthOf}-${dayOf}T${hours24(clockB)}`, american, zone);
  const only = CLOCK_ONLY.exec(text)?.[0];
  return only === undefined ? undefined : { ms: Number.NaN, length: only.length };
}

const timeIn = (text: string, { length }: string, zone: Zone): LineTime => ({
  ms: jsonTime(text, zone),
  length,
});

/** `10:11:12` of the hour, minute and second before or after noon. */
function hours24([hour, minute, second, half]: readonly (string | undefined)[]): string {
  const hours = (Number(hour) % 12) + (half === "PM" ? 12 : 0);
  return `${String(hours).padStart(2, "0")}:${minute}:${second}`;
}

const YEARS_BACK = 5;

/** Epoch ms of `03-14T10:11:12` in the latest year in which it is not in the future. */
export function timeWithoutYear(
  text: string,
  { zone, nowMs }: { zone: Zone; nowMs: number },
): number {
  const year = new Date(nowMs).getUTCFullYear();
  for (let back = -1; back < YEARS_BACK; back += 1) {
    const ms = jsonTime(`${year - back}-${text}`, zone);
    if (ms <= nowMs + DAY_MS) return ms;
  }
  return Number.NaN;
}
