import { DuckDBListValue, type DuckDBValue } from "@duckdb/node-api";

import { Batch, isField, isTextField } from "#collectors/batch.ts";
import { FIELDS, type NumberField, type TextField } from "#collectors/fields.ts";

import { FrameAccumulator } from "../fold/accumulator.ts";
import { cellColumns } from "./cell-columns.ts";
import { type Duck, identifier } from "./duck.ts";
import { writeSafe } from "./files.ts";
import { writeParquet } from "./parquet/write-parquet.ts";

/** Rows that are folded together; the same as in a stored batch, so that memory is bounded. */
const ROWS_AT_ONCE = 131_072;
const ROWS_PER_CHUNK = 4_096;
/** Separates the values of a list in a column of text. */
const LIST_SEPARATOR = "\u001F";

/** Computes the cells of stored events again. Writes files with increments of the cells, and returns their paths. */
export async function rebuildRollups(
  duck: Duck,
  filesSql: string,
  newPath: () => Promise<string>,
): Promise<string[]> {
  const paths: string[] = [];
  for (const parts of await rollupsOf(duck, filesSql)) {
    const path = await newPath();
    await writeSafe(path, parts);
    paths.push(path);
  }
  return paths;
}

/** The bytes of the files. */
async function rollupsOf(duck: Duck, filesSql: string): Promise<Buffer[][]> {
  const names = Object.keys(FIELDS).filter(isField);
  const selected = names.map((name) =>
    FIELDS[name] === "date" ? `epoch_ms(${identifier(name)})` : identifier(name),
  );
  const batch = new Batch(ROWS_AT_ONCE + ROWS_PER_CHUNK);
  const frames = new FrameAccumulator(batch);
  const files: Buffer[][] = [];
  const flush = (): void => {
    frames.fold(0, batch.rows, false);
    const cells = frames.takeCells();
    if (cells.length > 0) files.push(writeParquet(cellColumns(cells), cells.length, {}).parts);
    batch.reset();
    frames.reset();
  };
  await duck.read(`SELECT ${selected.join(", ")} FROM ${filesSql}`, (columns) => {
    addRows(batch, names, columns);
    if (batch.rows >= ROWS_AT_ONCE) flush();
    return true;
  });
  flush();
  return files;
}

function addRows(
  batch: Batch,
  names: readonly (keyof typeof FIELDS)[],
  columns: readonly DuckDBValue[][],
): void {
  const first = batch.rows;
  const rows = columns[0]?.length ?? 0;
  batch.reserve(rows);
  for (const [i, name] of names.entries()) {
    const values = columns[i];
    if (!values) continue;
    if (isTextField(name)) addTexts(batch, name, { values, first });
    else addNumbers(batch, name, { values, first });
  }
  for (let row = 0; row < rows; row += 1) batch.commit();
}

type Values = { values: readonly DuckDBValue[]; first: number };

function addTexts(batch: Batch, name: TextField, { values, first }: Values): void {
  for (const [i, value] of values.entries()) {
    if (value === null) continue;
    const text =
      value instanceof DuckDBListValue ? value.items.join(LIST_SEPARATOR) : String(value);
    batch.text(name).putText(first + i, text);
  }
}

function addNumbers(batch: Batch, name: NumberField, { values, first }: Values): void {
  for (const [i, value] of values.entries()) {
    if (value !== null) batch.number(name).put(first + i, Number(value));
  }
}
