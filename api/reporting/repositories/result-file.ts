import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";

import type { Column, Row } from "../domain/report.ts";
import type { DuckCell, DuckColumn, LakeDuck } from "./lake-duck.ts";

/** Sums may exceed BIGINT; DECIMAL(38,0) holds sums of values up to 10^15. */
const TYPES: Readonly<Record<Column["type"], DuckColumn["type"]>> = {
  text: "VARCHAR",
  integer: "DECIMAL(38,0)",
  decimal: "DECIMAL(38,6)",
  date: "DATE",
  time: "TIMESTAMP",
};

/** Writes the rows of a report to a Parquet file. */
export async function parquetOf(
  duck: LakeDuck,
  columns: readonly Column[],
  rows: readonly Row[],
): Promise<Buffer> {
  const name = `tmp/result-${randomUUID()}.parquet`;
  const types = columns.map(({ name: column, type }) => ({ name: column, type: TYPES[type] }));
  await duck.write(
    name,
    types,
    rows.map((row) =>
      row.map((cell, index): DuckCell =>
        columns[index]?.type === "time" && cell !== null ? Date.parse(String(cell)) : cell,
      ),
    ),
  );
  const file = path.join(duck.folder, name);
  try {
    return await readFile(file);
  } finally {
    await rm(file, { force: true });
  }
}
