import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { cutPage, decodeCursor } from "#platform/http/cursor.ts";
import { type Route, route } from "#platform/http/route.ts";
import { idOf, pageOf, pageQuery } from "#platform/http/schema.ts";

import { REPORTS } from "../commands/reports.ts";
import { shownDataUntil } from "../commands/run-report.ts";
import type { ReportingDeps } from "../deps.ts";
import { MEDIA, RUN_STATUSES } from "../domain/run.ts";
import { findRun, listRuns, resultOf } from "../repositories/runs-store.ts";
import { READ, mayRead, namesOf } from "./access.ts";
import { fileResponse } from "./reports.ts";
import { ReportAnswer, RunAnswer, shownRun } from "./wire.ts";

const RULE = { allow: "permission", permission: READ, scoped: true } as const;
const RunId = z.strictObject({ runId: idOf("run") });
export const NewestFirst = z.tuple([z.number().min(0).max(4e12), z.string().max(40)]);

export const runRoutes = (deps: ReportingDeps): Route[] => [
  listRoute(),
  getRoute(),
  resultRoute(deps),
];

const listRoute = (): Route =>
  route({
    method: "GET",
    path: "/v1/runs",
    operationId: "listRuns",
    tag: "Runs",
    summary: "Lists the runs of reports that the caller may read, newest first",
    rule: RULE,
    query: pageQuery({
      report: z.enum(REPORTS.map(({ name }) => name)).optional(),
      status: z.enum(RUN_STATUSES).optional(),
      scheduleId: idOf("rsc").optional(),
    }),
    reads: "replica",
    responses: { 200: { description: "A page of runs", body: pageOf(RunAnswer) } },
    async handle({ query, caller, read }) {
      const { report, status, scheduleId, limit } = query;
      const [createdAtMs, id] = decodeCursor(NewestFirst, query.cursor) ?? [];
      const after = createdAtMs === undefined || id === undefined ? undefined : { createdAtMs, id };
      const filter = { report, status, scheduleId, limit, after, reports: namesOf(caller) };
      const page = cutPage(await listRuns(read, filter), limit, {
        item: shownRun,
        cursor: (run) => [run.createdAtMs, run.id],
      });
      return { status: 200, body: page };
    },
  });

const getRoute = (): Route =>
  route({
    method: "GET",
    path: "/v1/runs/{runId}",
    operationId: "getRun",
    tag: "Runs",
    summary: "Returns a run with its status and the location of its result",
    rule: RULE,
    params: RunId,
    reads: "replica",
    responses: { 200: { description: "The run", body: RunAnswer } },
    async handle({ params, caller, read }) {
      const run = await findRun(read, params.runId);
      if (run === undefined || !mayRead(caller, run.report)) throw unknownRun();
      return { status: 200, body: shownRun(run) };
    },
  });

const resultRoute = (deps: ReportingDeps): Route =>
  route({
    method: "GET",
    path: "/v1/runs/{runId}/result",
    operationId: "getRunResult",
    tag: "Runs",
    summary: "Downloads the result of a run in the requested format",
    rule: RULE,
    params: RunId,
    responses: {
      200: { description: "The file", body: ReportAnswer, media: [MEDIA.csv, MEDIA.parquet] },
    },
    async handle({ params, caller }) {
      const run = await findRun(deps.database, params.runId);
      if (run === undefined || !mayRead(caller, run.report)) throw unknownRun();
      const bytes = await resultOf(deps.database, run.id);
      if (bytes === undefined) throw new AppError("not_found", missingResultReason(run));
      const day = new Date(run.asOfMs).toISOString().slice(0, 10);
      const until = JSON.stringify(shownDataUntil(run.dataUntil ?? {}));
      const headers = { "data-until": until, etag: `"${run.id}"` };
      return fileResponse(bytes, { format: run.format, name: `${run.report}-${day}`, headers });
    },
  });

function missingResultReason(run: { status: string; error: string | null }): string {
  if (run.status === "waiting") return "The run is not finished: try again later.";
  if (run.status === "failed") return `The run failed: ${run.error ?? ""}`;
  return "The result has expired: create a new run.";
}

const unknownRun = (): AppError =>
  new AppError("not_found", "Unknown run: GET /v1/runs lists the runs.");
