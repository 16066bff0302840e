import { FACTS, type FactName } from "../domain/facts.ts";
import type { RawRow } from "../domain/report.ts";
import type { LakeFile, Warehouse, WarehouseQuery } from "../warehouse/port.ts";
import { type LakeDuck, filesSql } from "./lake-duck.ts";
import { rowOf, timestampText } from "./warehouse-rows.ts";

const TYPES = { text: "VARCHAR", integer: "BIGINT", time: "TIMESTAMP" };

/**
 * The embedded engine: DuckDB reads the files of the lake directly, so there is nothing to load. `files` lists them
 * from PostgreSQL, where the list changes in the same transaction as the cursors.
 */
export function duckdbWarehouse(deps: {
  duck: LakeDuck;
  files(fact: FactName): Promise<readonly LakeFile[]>;
}): Warehouse {
  const { duck } = deps;
  return {
    engine: "duckdb",
    load: () => Promise.resolve(),
    async run(query: WarehouseQuery, limits): Promise<RawRow[]> {
      const tables = new Map<FactName, string>();
      for (const fact of query.facts)
        tables.set(fact, tableSql(duck, fact, await deps.files(fact)));
      const values: string[] = [];
      const bind = (value: string): string => `$${values.push(value)}`;
      const sql = query.sql({
        table: (fact) => tables.get(fact) ?? emptySql(fact),
        text: bind,
        time: (atMs) => `CAST(${bind(timestampText(atMs))} AS TIMESTAMP)`,
      });
      const rows = await duck.rows(sql, values, limits);
      return rows.map((row) => rowOf(query, row));
    },
    async ready() {
      await duck.rows("SELECT 1", [], { rowsMax: 1, waitMsMax: 5_000 });
    },
    // The lake is closed by its opener, because extracts also write to it.
    close: () => Promise.resolve(),
  };
}

/** With all current columns, even if every file is older than some of them. */
function tableSql(duck: LakeDuck, fact: FactName, files: readonly LakeFile[]): string {
  if (files.length === 0) return emptySql(fact);
  const paths = files.map(({ path }) => path);
  return `(${emptyColumns(fact)} UNION ALL BY NAME SELECT * FROM ${filesSql(duck.folder, paths)})`;
}

const emptySql = (fact: FactName): string => `(${emptyColumns(fact)})`;

function emptyColumns(fact: FactName): string {
  const columns = FACTS[fact].columns.map(
    ({ name, type }) => `CAST(NULL AS ${TYPES[type]}) AS ${name}`,
  );
  return `SELECT ${columns.join(", ")} WHERE 1 = 0`;
}
