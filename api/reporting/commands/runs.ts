import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";
import type { JobRun } from "#platform/jobs/define-job.ts";
import type { Queryable } from "#platform/postgres/database.ts";

import type { ReportingDeps } from "../deps.ts";
import { type Format, RESULT_DAYS, RUN_DAYS } from "../domain/run.ts";
import { type Run, endRun, findRun, deleteRuns, insertRun } from "../repositories/runs-store.ts";
import { reportNamed } from "./reports.ts";
import { fileOf, runReport } from "./run-report.ts";

const DAY_MS = 86_400_000;
const LIMITS = { rowsMax: 100_000, waitMsMax: 45_000 };
const RESULT_BYTES_MAX = 32 * 1024 * 1024;
const ATTEMPTS_MAX = 5;

export type RunOrder = {
  report: string;
  parameters: Readonly<Record<string, string>>;
  format: Format;
  scheduleId: string | null;
  nowMs: number;
};

/** Queues a run, which any process computes after the transaction commits. */
export async function orderRun(
  tx: Queryable,
  { jobs }: Pick<ReportingDeps, "jobs">,
  order: RunOrder,
): Promise<Run> {
  const { nowMs, ...rest } = order;
  const run = await insertRun(tx, {
    ...rest,
    id: newId("run"),
    asOfMs: nowMs,
    createdAtMs: nowMs,
  });
  await jobs.add(tx, { kind: "run", payload: { runId: run.id }, runAtMs: nowMs });
  return run;
}

/** Computes a queued run. Idempotent: the first result is kept. */
export async function performRun(
  deps: ReportingDeps,
  { runId }: { runId: string },
  { attempt }: Pick<JobRun, "attempt">,
): Promise<void> {
  const { database, clock } = deps;
  const run = await findRun(database, runId);
  if (run === undefined || run.status !== "waiting") return;
  try {
    const { result, rows, dataUntil } = await computed(deps, run);
    await finish(deps, run, { rows, result, dataUntil, atMs: clock.nowMs() });
  } catch (error) {
    const isTransient = !(error instanceof AppError) || error.code === "unavailable";
    if (isTransient && attempt < ATTEMPTS_MAX) throw error;
    if (!(error instanceof AppError))
      deps.log.error("a run has failed", { "run.id": runId, error });
    const message = error instanceof AppError ? error.message : "Internal error; see the log.";
    await finish(deps, run, { error: message.slice(0, 1_000), atMs: clock.nowMs() });
  }
}

async function computed(deps: ReportingDeps, run: Run) {
  const report = reportNamed(run.report);
  if (report === undefined)
    throw new AppError("not_found", `The report ${run.report} no longer exists.`);
  const request = { parameters: run.parameters, nowMs: run.asOfMs, limits: LIMITS };
  const answer = await runReport(deps, report, request);
  const result = await fileOf(deps.duck, run.format, { ...answer, report, request });
  if (result.byteLength > RESULT_BYTES_MAX) {
    const message = `The result has more than ${RESULT_BYTES_MAX} bytes: use fewer days, a longer step or a filter.`;
    throw new AppError("unprocessable", message);
  }
  return { result, rows: answer.rows.length, dataUntil: answer.dataUntil };
}

type End =
  | { atMs: number; error: string }
  | Omit<Extract<Parameters<typeof endRun>[1], { result: Buffer }>, "id">;

async function finish(deps: ReportingDeps, run: Run, end: End): Promise<void> {
  const status = "error" in end ? "failed" : "succeeded";
  await deps.database.transaction(async (tx) => {
    if (!(await endRun(tx, { id: run.id, ...end }))) return;
    await deps.publish(tx, {
      type: `run.${status}`,
      subject: run.id,
      atMs: end.atMs,
      data: { runId: run.id, report: run.report, scheduleId: run.scheduleId },
    });
  });
}

export const deleteOldRuns = ({ database, clock }: ReportingDeps): Promise<void> =>
  deleteRuns(database, {
    resultMs: clock.nowMs() - RESULT_DAYS * DAY_MS,
    runMs: clock.nowMs() - RUN_DAYS * DAY_MS,
  });
