import { z } from "zod";

import { dayOf } from "./facts.ts";

export type Step = "hour" | "day" | "week" | "month";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Maximum number of steps in a report. */
const PERIODS_MAX = 2_500;
const YEARS_MAX = 20;

/** Half-open, epoch ms, whole UTC days. */
export type Range = { fromMs: number; toMs: number };

const PERIODS = [
  "today",
  "yesterday",
  "last-7-days",
  "last-30-days",
  "last-90-days",
  "this-month",
  "last-month",
  "last-12-months",
  "this-year",
  "last-year",
] as const;
type Period = (typeof PERIODS)[number];

const Day = z
  .string()
  .regex(/^[12]\d{3}-\d\d-\d\d$/, { error: "give a day, for example 2026-11-24" })
  .refine((it) => !Number.isNaN(Date.parse(it)) && dayOf(Date.parse(it)) === it, {
    error: "give a day that exists, for example 2026-11-24",
  })
  .meta({ example: "2026-11-01" });

/** Parameters for the range of a report: fixed days, or a period relative to the clock. */
export const rangeParams = {
  from: Day.optional().describe(
    "First day (UTC), inclusive. Default: the first day of the month twelve months ago.",
  ),
  to: Day.optional().describe("End day (UTC), exclusive. Default: tomorrow, which includes today."),
  period: z
    .enum(PERIODS)
    .optional()
    .describe("Instead of from and to: a range relative to the clock, for schedules."),
};
export type RangeParams = {
  from?: string | undefined;
  to?: string | undefined;
  period?: Period | undefined;
};

export type RangeMistake = { path: string; message: string };

/** The range of the parameters at the given time; the default is the last 12 months and this one. */
export function rangeOf(params: RangeParams, nowMs: number): Range | RangeMistake {
  const { from, to, period } = params;
  if (period !== undefined && (from !== undefined || to !== undefined)) {
    return { path: "period", message: "give either period or from and to, not both" };
  }
  if (period !== undefined) return periodRange(period, nowMs);
  const usual = periodRange("last-12-months", nowMs);
  const toMs = to === undefined ? startOf("day", nowMs) + DAY_MS : Date.parse(to);
  const fromMs = from === undefined ? Math.min(usual.fromMs, toMs - DAY_MS) : Date.parse(from);
  if (fromMs >= toMs) return { path: "from", message: "from must be before to" };
  if (toMs - fromMs > YEARS_MAX * 366 * DAY_MS) {
    return { path: "from", message: `give at most ${YEARS_MAX} years` };
  }
  return { fromMs, toMs };
}

function periodRange(period: Period, nowMs: number): Range {
  const today = startOf("day", nowMs);
  const tomorrow = today + DAY_MS;
  const month = startOf("month", nowMs);
  const year = Date.UTC(new Date(nowMs).getUTCFullYear(), 0, 1);
  const yearBefore = Date.UTC(new Date(nowMs).getUTCFullYear() - 1, 0, 1);
  const ranges: Record<Period, [from: number, to: number]> = {
    today: [today, tomorrow],
    yesterday: [today - DAY_MS, today],
    "last-7-days": [tomorrow - 7 * DAY_MS, tomorrow],
    "last-30-days": [tomorrow - 30 * DAY_MS, tomorrow],
    "last-90-days": [tomorrow - 90 * DAY_MS, tomorrow],
    "this-month": [month, tomorrow],
    "last-month": [startOf("month", month - DAY_MS), month],
    "last-12-months": [monthsBefore(month, 12), tomorrow],
    "this-year": [year, tomorrow],
    "last-year": [yearBefore, year],
  };
  const [fromMs, toMs] = ranges[period];
  return { fromMs, toMs };
}

/** Start of the step that contains a time; weeks begin on Monday (ISO 8601). All in UTC. */
export function startOf(step: Step, atMs: number): number {
  if (step === "hour") return Math.floor(atMs / HOUR_MS) * HOUR_MS;
  const day = Math.floor(atMs / DAY_MS) * DAY_MS;
  if (step === "day") return day;
  const date = new Date(day);
  if (step === "week") return day - ((date.getUTCDay() + 6) % 7) * DAY_MS;
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

function nextStart(step: Step, startMs: number): number {
  if (step === "month") return monthsBefore(startMs, -1);
  return startMs + { hour: HOUR_MS, day: DAY_MS, week: 7 * DAY_MS }[step];
}

function monthsBefore(monthMs: number, months: number): number {
  const date = new Date(monthMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - months, 1);
}

/** A step of a range: its name in reports, and its part inside the range. */
export type Bucket = { name: string } & Range;

/** The steps of a range, in order. Only the part of the first and last step inside the range is counted. */
export function bucketsOf(step: Step, range: Range): Bucket[] {
  const buckets: Bucket[] = [];
  for (let at = startOf(step, range.fromMs); at < range.toMs; at = nextStart(step, at)) {
    const toMs = Math.min(nextStart(step, at), range.toMs);
    buckets.push({ name: periodName(step, at), fromMs: Math.max(at, range.fromMs), toMs });
  }
  return buckets;
}

/** Undefined unless there are too many steps. */
export function tooManySteps(step: Step, { fromMs, toMs }: Range): RangeMistake | undefined {
  const lengthMs = { hour: HOUR_MS, day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS }[step];
  if ((toMs - fromMs) / lengthMs <= PERIODS_MAX) return undefined;
  const message = `more than ${PERIODS_MAX} steps: use a longer step or fewer days`;
  return { path: "step", message };
}

/** `2026-11-01`, and with hours `2026-11-01T10:00:00Z`. */
export const periodName = (step: Step, atMs: number): string =>
  step === "hour" ? `${new Date(atMs).toISOString().slice(0, 19)}Z` : dayOf(atMs);
