import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import type { Report } from "../commands/reports.ts";
import { fileOf, jsonAnswer, runReport, shownDataUntil } from "../commands/run-report.ts";
import { orderRun } from "../commands/runs.ts";
import type { ReportingDeps } from "../deps.ts";
import { FORMATS, type Format, MEDIA, formatOf } from "../domain/run.ts";
import { READ, checkMayRead, reportsOf } from "./access.ts";
import { ReportAnswer, ReportEntry, RunAnswer, pageOfAll, reportEntry, shownRun } from "./wire.ts";

const LIMITS = { rowsMax: 10_000, waitMsMax: 20_000 };
const RULE = { allow: "permission", permission: READ, scoped: true } as const;

/** The catalogue, and for each report of it: compute it now, or order a run of it. */
export function reportRoutes(deps: ReportingDeps, reports: readonly Report[]): Route[] {
  return [
    catalogueRoute(),
    ...reports.flatMap((report) => [computeRoute(deps, report), orderRoute(deps, report)]),
  ];
}

const catalogueRoute = (): Route =>
  route({
    method: "GET",
    path: "/v1/reports",
    operationId: "listReports",
    tag: "Reports",
    summary: "The catalogue: every report that the caller may read, what it takes and shows",
    rule: RULE,
    query: pageQuery({}),
    answers: { 200: { description: "A page of the catalogue", body: pageOf(ReportEntry) } },
    async handle({ caller, query }) {
      const items = reportsOf(caller).map(reportEntry);
      return { status: 200, body: pageOfAll(items, query, ({ name }) => name) };
    },
  });

const formatParam = z
  .enum(FORMATS)
  .optional()
  .describe("json, csv or parquet; without it the Accept header decides.");

function computeRoute(deps: ReportingDeps, report: Report): Route {
  return route({
    method: "GET",
    path: `/v1/reports/${report.name}`,
    operationId: `compute${pascal(report.name)}`,
    tag: "Reports",
    summary: report.title,
    description: `${report.meaning} At most ${LIMITS.rowsMax} rows and ${LIMITS.waitMsMax / 1_000} s: what is larger is ordered as a run. As CSV, text that a spreadsheet could take for a formula has an apostrophe before it. CSV and Parquet tell the freshness of their data in the header data-until.`,
    rule: RULE,
    query: report.params.extend({ format: formatParam }),
    answers: {
      200: { description: "The report", body: ReportAnswer, media: [MEDIA.csv, MEDIA.parquet] },
    },
    async handle({ query, caller, nowMs, incoming }) {
      checkMayRead(caller, report.name);
      const { format: asked, ...values } = query;
      const format = formatOf(formatParam.parse(asked), incoming.headers.accept);
      if (format === undefined) {
        throw new AppError(
          "bad_request",
          "Accept: there is application/json, text/csv and application/vnd.apache.parquet",
        );
      }
      const ask = { parameters: parametersOf(values), nowMs, limits: LIMITS };
      report.check(ask.parameters, nowMs, "query");
      const answer = await runReport(deps, report, ask);
      if (format === "json") return { status: 200, body: jsonAnswer(report, ask, answer) };
      const bytes = await fileOf(deps.duck, format, { ...answer, report, ask });
      return fileResponse(bytes, {
        format,
        name: `${report.name}-${new Date(nowMs).toISOString().slice(0, 10)}`,
        headers: { "data-until": JSON.stringify(shownDataUntil(answer.dataUntil)) },
      });
    },
  });
}

function orderRoute(deps: ReportingDeps, report: Report): Route {
  return route({
    method: "POST",
    path: `/v1/reports/${report.name}/runs`,
    operationId: `order${pascal(report.name)}`,
    tag: "Runs",
    summary: `Orders a run: ${report.title}`,
    description:
      "The run is computed in the background; its result is kept for 30 days. Periods such as last-month are counted from the moment of the order.",
    rule: RULE,
    body: z.strictObject({
      format: z.enum(FORMATS).default("json"),
      parameters: leftOutIfNothingIsNeeded(report),
    }),
    idempotency: "optional",
    answers: { 202: { description: "The run, which waits to be computed", body: RunAnswer } },
    handle({ body, caller, nowMs, write }) {
      checkMayRead(caller, report.name);
      const parameters = parametersOf(body.parameters);
      report.check(parameters, nowMs, "body.parameters");
      return write(async (tx) => {
        const order = { report: report.name, parameters, format: body.format };
        const run = await orderRun(tx, deps, { ...order, scheduleId: null, nowMs });
        return {
          status: 202,
          headers: { location: `/v1/runs/${run.id}` },
          body: shownRun(run),
        };
      });
    },
  });
}

/** A file to be kept: never shown as a page, whatever is in it. */
export function fileResponse(
  bytes: Buffer,
  { format, name, headers }: { format: Format; name: string; headers: Record<string, string> },
): Response {
  return new Response(new Uint8Array(bytes), {
    headers: {
      "content-type": MEDIA[format],
      "content-length": String(bytes.byteLength),
      "content-disposition": `attachment; filename="${name}.${format}"`,
      "cache-control": "no-store",
      ...headers,
    },
  });
}

/** A document that said of what is needed that it may be left out would show an example that is refused. */
const leftOutIfNothingIsNeeded = ({ params }: Report) =>
  params.safeParse({}).success ? params.prefault({}) : params;

/** Parameters as texts again, with what was left out filled in. */
const parametersOf = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      typeof value === "string" || typeof value === "bigint" ? [[name, String(value)]] : [],
    ),
  );

const pascal = (name: string): string =>
  name.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
