import { ROLLUP_LEVELS_S, type RollupCell } from "../rollup.ts";
import { mergeSketches } from "../sketches/merge-sketches.ts";
import { CELL_ORDER, cellColumns } from "./cell-columns.ts";
import { asNumber, asText, cellFilesSql, type Duck, quoted, type Row } from "./duck.ts";
import { syncFile, writeSafe } from "./files.ts";
import type { Statement } from "./filter-sql.ts";
import { isCrowdedSql, limitedNamesSql } from "./limit-names-sql.ts";
import { writeParquet } from "./parquet/write-parquet.ts";

/** Small, because a query reads a few measures of a few hours out of a file with all of them. */
const ROW_GROUP_ROWS = 8192;
/** Sketches have up to 2 KiB: this many are merged at a time, so that memory does not grow with the files. */
const SKETCHES_AT_ONCE = 20_000;

type Files = {
  /** Rollup files, at least one. */
  paths: readonly string[];
  /** The condition of the cells that are kept. */
  stays: Statement;
  /** Returns the path of a new scratch file, which the caller removes. */
  newPath(): Promise<string>;
};

/** Merges the cells of rollup files into a new file: numbers in DuckDB, sketches here. Undefined if no cell is kept. */
export async function mergeRollupFiles(
  duck: Duck,
  { paths, stays, newPath }: Files,
): Promise<{ path: string; rows: number } | undefined> {
  const from = `FROM ${cellFilesSql(paths)} WHERE ${stays.text}`;
  const sketches: string[] = [];
  for (const range of await sketchRanges(duck, { ...stays, text: from })) {
    const rows = await duck.rows(
      `SELECT level_s, t, dataset, measure, key, sum(value), list(sketch)
       ${from} AND sketch IS NOT NULL AND t >= ${range.from} AND t < ${range.to} GROUP BY ALL`,
      stays.parameters,
    );
    const { parts } = writeParquet(cellColumns(rows.map(mergedSketch)), rows.length, {});
    const path = await newPath();
    await writeSafe(path, parts);
    sketches.push(path);
  }
  // Summed before they are sorted with the sketches: both at once need several times the memory.
  const numbers = await newPath();
  await copyCells(duck, numbers, {
    text: `SELECT level_s, t, dataset, measure, key, sum(value) AS value, NULL::BLOB AS sketch
      ${from} AND sketch IS NULL GROUP BY ALL`,
    parameters: stays.parameters,
  });
  const limited = await limitedNames(duck, numbers, newPath);
  const path = await newPath();
  const rows = await copyCells(duck, path, {
    text: `SELECT * FROM ${cellFilesSql([limited, ...sketches])} ORDER BY ${CELL_ORDER}`,
    parameters: [],
  });
  if (rows === 0) return undefined;
  await syncFile(path);
  return { path, rows };
}

/** The file, or another one if it has more names than `NAME_LIMITS` allows. */
async function limitedNames(duck: Duck, path: string, newPath: Files["newPath"]): Promise<string> {
  const files = cellFilesSql([path]);
  const crowded = await duck.rows(isCrowdedSql(files), []);
  if (crowded.length === 0) return path;
  const limited = await newPath();
  await copyCells(duck, limited, { text: limitedNamesSql(files), parameters: [] });
  return limited;
}

/** Writes the cells of a query to a file; returns their number. */
async function copyCells(
  duck: Duck,
  path: string,
  { text, parameters }: Statement,
): Promise<number> {
  const [count] = await duck.rows(
    `COPY (${text}) TO ${quoted(path)}
    (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`,
    parameters,
  );
  return asNumber(count?.[0]);
}

/** Ranges of time, in seconds, that cover all sketches, each with about SKETCHES_AT_ONCE of them. */
async function sketchRanges(
  duck: Duck,
  { text, parameters }: Statement,
): Promise<{ from: number; to: number }[]> {
  const counts = await duck.rows(
    `SELECT t, count(*) ${text} AND sketch IS NOT NULL GROUP BY t ORDER BY t`,
    parameters,
  );
  const ranges: { from: number; to: number }[] = [];
  let count = SKETCHES_AT_ONCE;
  for (const [t, more] of counts) {
    const last = ranges.at(-1);
    if (last && count < SKETCHES_AT_ONCE) {
      last.to = asNumber(t) + 1;
    } else {
      ranges.push({ from: asNumber(t), to: asNumber(t) + 1 });
      count = 0;
    }
    count += asNumber(more);
  }
  return ranges;
}

function mergedSketch([levelS, t, dataset, measure, key, value, sketches]: Row): RollupCell {
  const level = ROLLUP_LEVELS_S.find((known) => known === asNumber(levelS));
  if (level === undefined) {
    throw new Error(`a rollup file has a cell of the unknown level ${asText(levelS)}`);
  }
  const parts = Array.isArray(sketches)
    ? sketches.filter((part) => part instanceof Uint8Array)
    : [];
  return {
    levelS: level,
    t: asNumber(t),
    dataset: asText(dataset) ?? "",
    measure: asText(measure) ?? "",
    key: asText(key) ?? "",
    value: asNumber(value),
    sketch: mergeSketches(parts),
  };
}
