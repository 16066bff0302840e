import { z } from "zod";

import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { iso, isoOrNull } from "#platform/http/schema.ts";

import type { Report } from "../commands/reports.ts";
import { shownDataUntil } from "../commands/run-report.ts";
import { SOURCES } from "../domain/facts.ts";
import { FORMATS, RUN_STATUSES } from "../domain/run.ts";
import { nextTimes } from "../domain/timetable.ts";
import type { Run } from "../repositories/runs-store.ts";
import type { Schedule } from "../repositories/schedules-store.ts";

export const Moment = z.iso.datetime();

const After = z.tuple([z.string().max(100)]);

/** A page of a short list in memory; the cursor is the name of the previous page's last item. */
export function pageOfAll<Item>(
  items: readonly Item[],
  { limit, cursor }: { limit: number; cursor?: string | undefined },
  nameOf: (item: Item) => string,
): { items: Item[]; next: string | null } {
  const [after] = decodeCursor(After, cursor) ?? [];
  const start = after === undefined ? 0 : items.findIndex((it) => nameOf(it) === after) + 1;
  const rest = items.slice(start, start + limit + 1);
  return cutPage(rest, limit, { item: (item) => item, cursor: (item) => [nameOf(item)] });
}

const DataUntil = z
  .partialRecord(z.enum(SOURCES), Moment.nullable())
  .describe("For each source of the report, the time up to which its data is complete.");

const Column = z
  .strictObject({
    name: z.string(),
    type: z.enum(["text", "integer", "decimal", "date", "time"]),
    unit: z.enum(["minor units", "count", "ratio", "ms", "minor units per request", "none"]),
    meaning: z.string(),
  })
  .meta({ id: "Column" });

const Cell = z
  .union([z.string(), z.int(), z.null()])
  .describe("Integers as numbers, beyond 2^53 − 1 as text; decimals, dates and times as text.");

export const ReportAnswer = z
  .strictObject({
    report: z.string(),
    title: z.string(),
    parameters: z.record(z.string(), z.string()),
    asOf: Moment.describe("Reference time of relative periods such as last-month."),
    dataUntil: DataUntil,
    columns: z.array(Column),
    rows: z.array(z.record(z.string(), Cell)),
  })
  .meta({ id: "ReportAnswer" });

export const ReportEntry = z
  .strictObject({
    name: z.string(),
    title: z.string(),
    meaning: z.string(),
    sources: z.array(z.enum(SOURCES)),
    columns: z.array(Column),
    parameters: z.record(z.string(), z.unknown()).describe("JSON Schema of its parameters."),
  })
  .meta({ id: "Report" });

export function reportEntry(report: Report): z.input<typeof ReportEntry> {
  const { name, title, meaning, sources, columns, params } = report;
  const parameters = z.toJSONSchema(params, { io: "input" });
  return {
    name,
    title,
    meaning,
    sources: [...sources],
    columns: [...columns],
    parameters: { ...parameters },
  };
}

export const RunAnswer = z
  .strictObject({
    id: z.string(),
    report: z.string(),
    parameters: z.record(z.string(), z.string()),
    format: z.enum(FORMATS),
    scheduleId: z.string().nullable(),
    status: z.enum(RUN_STATUSES),
    asOf: Moment,
    createdAt: Moment,
    finishedAt: Moment.nullable(),
    dataUntil: DataUntil.nullable(),
    rows: z.int().nullable(),
    bytes: z.int().nullable(),
    error: z.string().nullable(),
    result: z.string().nullable().describe("Location of the result; null until there is one."),
  })
  .meta({ id: "Run" });

export function shownRun(run: Run): z.input<typeof RunAnswer> {
  const { asOfMs, createdAtMs, finishedAtMs, dataUntil, hasResult, ...rest } = run;
  return {
    ...rest,
    asOf: iso(asOfMs),
    createdAt: iso(createdAtMs),
    finishedAt: isoOrNull(finishedAtMs),
    dataUntil: dataUntil === null ? null : shownDataUntil(dataUntil),
    result: hasResult ? `/v1/runs/${run.id}/result` : null,
  };
}

export const ScheduleAnswer = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    report: z.string(),
    parameters: z.record(z.string(), z.string()),
    format: z.enum(FORMATS),
    cron: z.string(),
    timeZone: z.string(),
    paused: z.boolean(),
    nextRuns: z.array(Moment).describe("The next three; none while it is paused."),
    lastRun: z
      .strictObject({ id: z.string(), status: z.enum(RUN_STATUSES).nullable() })
      .nullable()
      .describe("The last run; without a status after the run has expired."),
    version: z.int(),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: "Schedule" });

const NEXT_RUNS = 3;

export function shownSchedule(schedule: Schedule, nowMs: number): z.input<typeof ScheduleAnswer> {
  const { nextAtMs, lastRunId, lastRunStatus, createdAtMs, updatedAtMs, ...rest } = schedule;
  const later = nextAtMs === null ? [] : nextTimes(schedule, Math.max(nextAtMs, nowMs), NEXT_RUNS);
  const nextRuns = nextAtMs === null ? [] : [nextAtMs, ...later].slice(0, NEXT_RUNS);
  return {
    ...rest,
    nextRuns: nextRuns.map(iso),
    lastRun: lastRunId === null ? null : { id: lastRunId, status: lastRunStatus },
    createdAt: iso(createdAtMs),
    updatedAt: iso(updatedAtMs),
  };
}
