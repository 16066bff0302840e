import type { FactName } from "../domain/facts.ts";
import type { RawRow } from "../domain/report.ts";

/** Building blocks for the SQL of reports; the rest must be understood by both DuckDB and Redshift. */
export type SqlParts = {
  /** The rows of a table, for use after FROM. */
  table(fact: FactName): string;
  /** Binds a text and returns its placeholder. Values of users are never put into the SQL. */
  text(value: string): string;
  /** Binds a time (epoch ms) as a TIMESTAMP in UTC. */
  time(atMs: number): string;
};

/** A query to the warehouse. */
export type WarehouseQuery = {
  facts: readonly FactName[];
  /** Columns of the result, in order. Integers are returned as bigint. */
  columns: readonly { name: string; type: "text" | "integer" }[];
  sql(parts: SqlParts): string;
};

export type QueryLimits = { rowsMax: number; waitMsMax: number };

/** A Parquet file of the lake, by its path there: `payments/2026-11-24/file_….parquet`. */
export type LakeFile = { path: string };

/**
 * Computes reports. Contract (tested by contract.ts for every engine): a loaded file is in every later result; loading
 * it twice counts its rows once, and rows with an existing key replace the earlier ones.
 */
export type Warehouse = {
  engine: "duckdb" | "redshift";
  /** Loads files of one table: either all of them, or it rejects and may be called again. */
  load(fact: FactName, files: readonly LakeFile[]): Promise<void>;
  /**
   * @throws AppError unprocessable when there are more rows than `rowsMax` or it takes longer than `waitMsMax`,
   * unavailable when the engine cannot be reached
   */
  run(query: WarehouseQuery, limits: QueryLimits): Promise<RawRow[]>;
  /** Rejects when the engine is unavailable. */
  ready(): Promise<void>;
  close(): Promise<void>;
};
