import { readFileSync, realpathSync } from "node:fs";

import { systemClock } from "#platform/clock.ts";

import { zoneOf } from "./zone.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LOCALTIME = "/etc/localtime";
const ZONE_FOLDER = /\/zoneinfo\/(?:posix\/|right\/)?(.+)$/;
const ZONE_FILE_MAGIC = "TZif";
const NAME = "(?:[A-Za-z]{3,10}|<[A-Za-z0-9+-]{1,10}>)";
const OFFSET = String.raw`([+-]?\d{1,3}(?::\d\d){0,2})`;
const RULE = String.raw`M(\d\d?)\.(\d)\.(\d)(?:\/${OFFSET})?`;
/** `<+03>-3`, or with a second offset in summer: `CET-1CEST,M3.5.0,M10.5.0/3`. */
const POSIX = new RegExp(`^${NAME}${OFFSET}(?:${NAME}${OFFSET}?(?:,${RULE},${RULE})?)?$`);
/** If a zone with summer time has no rules, only January and July are compared. */
const DEFAULT_RULES = ["M4.1.0", "M10.1.0"];

type Machine = { tz: string | undefined; localtime: string; nowMs: number };

const thisMachine = (): Machine => ({
  tz: process.env["TZ"],
  localtime: LOCALTIME,
  nowMs: systemClock.nowMs(),
});

/**
 * The IANA name or offset of the time zone of this machine: TZ in all its notations, otherwise /etc/localtime. Undefined
 * if TZ has an unknown value. Node reads UTC from a TZ that is a path or has POSIX rules.
 */
export function machineZone(machine: Machine = thisMachine()): string | undefined {
  const { tz, localtime, nowMs } = machine;
  if (tz === undefined) {
    return zoneOfFile(localtime, nowMs) ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
  const text = tz.replace(/^:/, "");
  if (text === "") return "UTC";
  if (text.startsWith("/")) return zoneOfFile(text, nowMs);
  return isZone(text) ? text : posixZone(text, nowMs);
}

/** Of a link into the zone folder, or of a copy of one of its files. */
function zoneOfFile(path: string, nowMs: number): string | undefined {
  try {
    const name = ZONE_FOLDER.exec(realpathSync(path))?.[1];
    if (name !== undefined && isZone(name)) return name.replace("Etc/UTC", "UTC");
    const content = readFileSync(path, "latin1");
    if (!content.startsWith(ZONE_FILE_MAGIC)) return undefined;
    const rules = content.trimEnd().split("\n").at(-1) ?? "";
    return posixZone(rules, nowMs);
  } catch {
    return undefined; // Not every machine has the file.
  }
}

/** A zone with the offsets of POSIX rules in this year. */
function posixZone(text: string, nowMs: number): string | undefined {
  const found = POSIX.exec(text);
  if (!found) return undefined;
  // POSIX counts westwards.
  const standardMs = 0 - clockMs(found[1] ?? "");
  const hasSummer = !new RegExp(`^${NAME}${OFFSET}$`).test(text);
  if (!hasSummer) return offsetName(standardMs);
  const summerMs = found[2] === undefined ? standardMs + HOUR_MS : 0 - clockMs(found[2]);
  const isExact = found[3] !== undefined;
  const rules = isExact ? text.split(",").slice(1) : DEFAULT_RULES;
  const year = new Date(nowMs).getUTCFullYear();
  const changes = rules.map((rule) => changeMs(rule, year));
  const [startMs = 0, endMs = 0] = changes;
  const isSummer = (ms: number): boolean =>
    startMs < endMs ? ms >= startMs && ms < endMs : ms >= startMs || ms < endMs;
  const samples = [Date.UTC(year, 0, 1), Date.UTC(year, 6, 1)];
  if (isExact) samples.push(...changes.flatMap((ms) => [ms - DAY_MS, ms + DAY_MS]));
  const fits = (name: string): boolean => {
    const zone = zoneOf(name);
    return samples.every((ms) => zone.eastMs(ms) === (isSummer(ms) ? summerMs : standardMs));
  };
  return Intl.supportedValuesOf("timeZone").find(fits);
}

/** The local time of `M3.5.0/2`, month, week (5: the last one) and weekday, as if it were UTC. */
function changeMs(rule: string, year: number): number {
  const [, month = "", week = "", weekday = "", time = "2"] = new RegExp(RULE).exec(rule) ?? [];
  const first = Date.UTC(year, Number(month) - 1, 1);
  const toWeekday = (Number(weekday) - new Date(first).getUTCDay() + 7) % 7;
  let day = 1 + toWeekday + (Number(week) - 1) * 7;
  const days = new Date(Date.UTC(year, Number(month), 0)).getUTCDate();
  while (day > days) day -= 7;
  return Date.UTC(year, Number(month) - 1, day) + clockMs(time);
}

/** Of `-5:30`. */
function clockMs(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, "").split(":").map(Number);
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return text.startsWith("-") ? 0 - ms : ms;
}

function offsetName(eastMs: number): string {
  const minutes = Math.abs(eastMs) / 60_000;
  return `${eastMs < 0 ? "-" : "+"}${twoDigits(minutes / 60)}:${twoDigits(minutes % 60)}`;
}

const twoDigits = (part: number): string => String(Math.trunc(part)).padStart(2, "0");

export function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
