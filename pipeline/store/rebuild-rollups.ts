import { Batch } from "#collectors/batch.ts";

import { FrameAccumulator } from "../fold/accumulator.ts";
import { cellColumns } from "./cell-columns.ts";
import type { Duck } from "./duck.ts";
import { writeSafe } from "./files.ts";
import { writeParquet } from "./parquet/write-parquet.ts";
import { addStoredRows, STORED_ROW_SQL } from "./stored-rows.ts";

/** Rows that are folded together; the same as in a stored batch, so that memory is bounded. */
const ROWS_AT_ONCE = 131_072;
const ROWS_PER_CHUNK = 4_096;

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
  await duck.read(`SELECT ${STORED_ROW_SQL} FROM ${filesSql}`, (columns) => {
    addStoredRows(batch, columns);
    if (batch.rows >= ROWS_AT_ONCE) flush();
    return true;
  });
  flush();
  return files;
}
