import { z } from "zod";

import { AppError } from "#platform/errors.ts";
import { type Route, route } from "#platform/http/route.ts";
import { pageOf, pageQuery } from "#platform/http/schema.ts";

import type { Report } from "../commands/reports.ts";
import { fileOf, reportBody, runReport, shownDataUntil } from "../commands/run-report.ts";
import { orderRun } from "../commands/runs.ts";
import type { ReportingDeps } from "../deps.ts";
import { FORMATS, type Format, MEDIA, formatOf } from "../domain/run.ts";
import { READ, checkMayRead, reportsOf } from "./access.ts";
import { ReportAnswer, ReportEntry, RunAnswer, pageOfAll, reportEntry, shownRun } from "./wire.ts";

const LIMITS = { rowsMax: 10_000, waitMsMax: 20_000 };
const RULE = { allow: "permission", permission: READ, scoped: true } as const;

/** Lists the catalogue, and for each report computes it or queues a run. */
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
    summary: "Lists the reports that the caller may read, with their parameters and columns",
    rule: RULE,
    query: pageQuery({}),
    responses: { 200: { description: "A page of the catalogue", body: pageOf(ReportEntry) } },
    async handle({ caller, query }) {
      const items = reportsOf(caller).map(reportEntry);
      return { status: 200, body: pageOfAll(items, query, ({ name }) => name) };
    },
  });

const formatParam = z
  .enum(FORMATS)
  .optional()
  .describe("json, csv or parquet; defaults to the Accept header.");

function computeRoute(deps: ReportingDeps, report: Report): Route {
  return route({
    method: "GET",
    path: `/v1/reports/${report.name}`,
    operationId: `compute${pascal(report.name)}`,
    tag: "Reports",
    summary: report.title,
    description: `${report.meaning} At most ${LIMITS.rowsMax} rows and ${LIMITS.waitMsMax / 1_000} s: for larger reports create a run. In CSV, text that a spreadsheet might read as a formula is prefixed with an apostrophe. For CSV and Parquet, the header data-until has the freshness of the data.`,
    rule: RULE,
    query: report.params.extend({ format: formatParam }),
    responses: {
      200: { description: "The report", body: ReportAnswer, media: [MEDIA.csv, MEDIA.parquet] },
    },
    async handle({ query, caller, nowMs, incoming }) {
      checkMayRead(caller, report.name);
      const { format: requestedFormat, ...values } = query;
      const format = formatOf(formatParam.parse(requestedFormat), incoming.headers.accept);
      if (format === undefined) {
        throw new AppError(
          "bad_request",
          "Accept: available are application/json, text/csv and application/vnd.apache.parquet",
        );
      }
      const request = { parameters: parametersOf(values), nowMs, limits: LIMITS };
      report.check(request.parameters, nowMs, "query");
      const answer = await runReport(deps, report, request);
      if (format === "json") return { status: 200, body: reportBody(report, request, answer) };
      const bytes = await fileOf(deps.duck, format, { ...answer, report, request });
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
    summary: `Creates a run: ${report.title}`,
    description:
      "The run is computed in the background; its result is kept for 30 days. Relative periods such as last-month refer to the time of this request.",
    rule: RULE,
    body: z.strictObject({
      format: z.enum(FORMATS).default("json"),
      parameters: withOptionalDefault(report),
    }),
    idempotency: "optional",
    responses: { 202: { description: "The queued run", body: RunAnswer } },
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

/** Sent as an attachment, so that browsers never render it as a page. */
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

/** Marks the parameters as optional only if none is required; otherwise the documented example would be rejected. */
const withOptionalDefault = ({ params }: Report) =>
  params.safeParse({}).success ? params.prefault({}) : params;

/** Parameters as strings, including defaults. */
const parametersOf = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      typeof value === "string" || typeof value === "bigint" ? [[name, String(value)]] : [],
    ),
  );

const pascal = (name: string): string =>
  name.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
