import { AppError } from "#platform/errors.ts";
import { checkVersion } from "#platform/http/etag.ts";
import { newId } from "#platform/ids.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { ReportingDeps } from "../deps.ts";
import { nextTime, timetableMistake } from "../domain/timetable.ts";
import {
  type Schedule,
  type ScheduleContent,
  deleteSchedule,
  insertSchedule,
  lockSchedule,
  scheduleHasRun,
  updateSchedule,
} from "../repositories/schedules-store.ts";
import { reportNamed } from "./reports.ts";
import { orderRun } from "./runs.ts";

type Deps = Pick<ReportingDeps, "jobs" | "publish">;
type Change = {
  content: ScheduleContent;
  nowMs: number;
  /** Throws when the caller may not read the report. */
  mayRead(report: string): void;
};

export async function createSchedule(tx: Queryable, deps: Deps, change: Change): Promise<Schedule> {
  const { content, nowMs } = change;
  const nextAtMs = checked(change);
  const schedule = await insertSchedule(tx, { ...content, id: newId("rsc"), nextAtMs, nowMs });
  await queueNextRun(tx, deps, schedule);
  await publishEvent(tx, deps, { schedule, what: "created", nowMs });
  return schedule;
}

export async function changeSchedule(
  tx: Queryable,
  deps: Deps,
  change: Change & { before: Schedule; ifMatch: number | undefined },
): Promise<Schedule> {
  const { content, nowMs, ifMatch } = change;
  const before = await lockSchedule(tx, change.before.id);
  if (before === undefined) throw unknownSchedule();
  checkVersion(ifMatch, before.version);
  const nextAtMs = checked(change);
  const schedule = await updateSchedule(tx, { ...content, id: before.id, nextAtMs, nowMs });
  await queueNextRun(tx, deps, schedule);
  await publishEvent(tx, deps, { schedule, what: "changed", nowMs });
  return schedule;
}

export async function removeSchedule(
  tx: Queryable,
  deps: Deps,
  { id, ifMatch, nowMs }: { id: string; ifMatch: number | undefined; nowMs: number },
): Promise<void> {
  const schedule = await lockSchedule(tx, id);
  if (schedule === undefined) throw unknownSchedule();
  checkVersion(ifMatch, schedule.version);
  await deleteSchedule(tx, id);
  await publishEvent(tx, deps, { schedule, what: "deleted", nowMs });
}

/**
 * Queues the run that is due. After an outage or a delay it queues one run for all missed times and continues with the
 * next future time.
 */
export async function performSchedule(
  deps: ReportingDeps,
  { scheduleId, atMs }: { scheduleId: string; atMs: number },
): Promise<void> {
  const nowMs = deps.clock.nowMs();
  await deps.database.transaction(async (tx) => {
    const schedule = await lockSchedule(tx, scheduleId);
    // Changed, paused or deleted since: that change has queued the next time.
    if (schedule === undefined || schedule.nextAtMs !== atMs) return;
    const run = await orderRun(tx, deps, { ...schedule, scheduleId, nowMs });
    const nextAtMs = nextTime(schedule, nowMs) ?? null;
    await scheduleHasRun(tx, { id: scheduleId, runId: run.id, nextAtMs });
    await queueNextRun(tx, deps, { ...schedule, nextAtMs });
  });
}

/** @throws AppError bad_request that names the field */
function checked({ content, nowMs, mayRead }: Change): number | null {
  const report = reportNamed(content.report);
  if (report === undefined)
    throw bad("report", "unknown report: GET /v1/reports lists the reports");
  mayRead(report.name);
  report.check(content.parameters, nowMs, "body.parameters");
  const mistake = timetableMistake(content, nowMs);
  if (mistake !== undefined) throw bad(mistake.path, mistake.message);
  return content.paused ? null : (nextTime(content, nowMs) ?? null);
}

function bad(field: string, message: string): AppError {
  const path = `body.${field}`;
  return new AppError("bad_request", `${path}: ${message}`, {
    fields: [{ path, code: "invalid", message }],
  });
}

async function queueNextRun(
  tx: Queryable,
  { jobs }: Deps,
  { id, nextAtMs }: Schedule,
): Promise<void> {
  if (nextAtMs === null) return;
  await jobs.add(tx, {
    kind: "schedule",
    payload: { scheduleId: id, atMs: nextAtMs },
    runAtMs: nextAtMs,
    key: `schedule ${id} ${nextAtMs}`,
  });
}

const publishEvent = (
  tx: Queryable,
  { publish }: Deps,
  {
    schedule,
    what,
    nowMs,
  }: { schedule: Schedule; what: "created" | "changed" | "deleted"; nowMs: number },
): Promise<void> =>
  publish(tx, {
    type: `schedule.${what}`,
    subject: schedule.id,
    atMs: nowMs,
    data: { scheduleId: schedule.id, report: schedule.report, name: schedule.name },
  });

export const unknownSchedule = (): AppError =>
  new AppError("not_found", "Unknown schedule: GET /v1/schedules lists the schedules.");
