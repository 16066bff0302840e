import type { Queryable } from "#platform/postgres/database.ts";

import { csvOf } from "../domain/csv.ts";
import type { Source } from "../domain/facts.ts";
import type { Cell, Column, Row } from "../domain/report.ts";
import type { DataUntil, Format } from "../domain/run.ts";
import { listExtracts } from "../repositories/extracts-store.ts";
import type { LakeDuck } from "../repositories/lake-duck.ts";
import { unloadedSince } from "../repositories/lake-store.ts";
import { parquetOf } from "../repositories/result-file.ts";
import type { QueryLimits, Warehouse } from "../warehouse/port.ts";
import type { Parameters, Report } from "./reports.ts";

export type ReportDeps = { database: Queryable; duck: LakeDuck; warehouse: Warehouse };
export type ReportRequest = {
  parameters: Parameters;
  /** Reference time of relative periods such as last-month. */
  nowMs: number;
  limits: QueryLimits;
};
export type ReportAnswer = { rows: Row[]; dataUntil: DataUntil };

/** Computes a report now. Its data may be newer than `dataUntil`, never older. */
export async function runReport(
  { database, warehouse }: ReportDeps,
  report: Report,
  { parameters, nowMs, limits }: ReportRequest,
): Promise<ReportAnswer> {
  report.check(parameters, nowMs);
  const dataUntil = await dataUntilOf(database, report.sources, warehouse.engine);
  const rows = await report.compute(parameters, { warehouse, nowMs, limits });
  return { rows, dataUntil };
}

/**
 * The time up to which the data of each source is complete. DuckDB reads the lake itself; Redshift has everything
 * before the first day with a file that is not loaded yet.
 */
async function dataUntilOf(
  db: Queryable,
  sources: readonly Source[],
  engine: Warehouse["engine"],
): Promise<DataUntil> {
  const extracts = (await listExtracts(db)).filter(({ source }) => sources.includes(source));
  const unloaded = engine === "duckdb" ? new Map<Source, number>() : await unloadedSince(db);
  return Object.fromEntries(
    extracts.map(({ source, dataUntilMs }) => {
      const since = unloaded.get(source);
      const known = dataUntilMs === null || since === undefined;
      return [source, known ? dataUntilMs : Math.min(dataUntilMs, since)];
    }),
  );
}

/** `{ billing: "2026-11-24T12:00:00.000Z" }` */
export const shownDataUntil = (dataUntil: DataUntil): Record<string, string | null> =>
  Object.fromEntries(
    Object.entries(dataUntil).map(([source, atMs]) => [
      source,
      atMs === null ? null : new Date(atMs).toISOString(),
    ]),
  );

/** A cell in JSON: a number if that is exact, otherwise its digits as text. */
const jsonCell = (cell: Cell): string | number | null =>
  typeof cell === "bigint" && Number.isSafeInteger(Number(cell)) ? Number(cell) : stringCell(cell);
const stringCell = (cell: Cell): string | null => (cell === null ? null : String(cell));

const jsonRows = (
  columns: readonly Column[],
  rows: readonly Row[],
): Record<string, string | number | null>[] =>
  rows.map((row) =>
    Object.fromEntries(columns.map(({ name }, index) => [name, jsonCell(row[index] ?? null)])),
  );

/** The metadata and rows of a report. */
export function reportBody(
  report: Report,
  request: ReportRequest,
  { rows, dataUntil }: ReportAnswer,
) {
  return {
    report: report.name,
    title: report.title,
    parameters: Object.fromEntries(
      Object.entries(request.parameters).map(([name, value]) => [name, String(value)]),
    ),
    asOf: new Date(request.nowMs).toISOString(),
    dataUntil: shownDataUntil(dataUntil),
    columns: [...report.columns],
    rows: jsonRows(report.columns, rows),
  };
}

/** The result as the bytes of a file. */
export async function fileOf(
  duck: LakeDuck,
  format: Format,
  answer: ReportAnswer & { report: Report; request: ReportRequest },
): Promise<Buffer> {
  const { report, rows } = answer;
  if (format === "parquet") return parquetOf(duck, report.columns, rows);
  if (format === "csv") return Buffer.from(csvOf(report.columns, rows));
  return Buffer.from(`${JSON.stringify(reportBody(report, answer.request, answer))}\n`);
}
