import type { FactName } from "../domain/facts.ts";
import type { RawRow } from "../domain/report.ts";

/** What SQL of a report may be made of: the rest of it is what DuckDB and Redshift both speak. */
export type SqlParts = {
  /** The rows of a table, to stand behind FROM. */
  table(fact: FactName): string;
  /** Binds a text and gives what stands for it. Values of users never get into the SQL. */
  text(value: string): string;
  /** Binds a moment (epoch ms) as a TIMESTAMP in UTC. */
  time(atMs: number): string;
};

/** A question to the warehouse. */
export type WarehouseQuery = {
  facts: readonly FactName[];
  /** Columns of the answer, in order. Whole numbers come as bigint, whatever their size. */
  columns: readonly { name: string; type: "text" | "integer" }[];
  sql(parts: SqlParts): string;
};

export type QueryLimits = { rowsMax: number; waitMsMax: number };

/** A Parquet file of the lake, by its path there: `payments/2026-11-24/file_….parquet`. */
export type LakeFile = { path: string };

/**
 * Where reports are computed. Contract (contract.ts holds every engine to it): a file that was loaded is in every later
 * answer; loading it twice counts its rows once, and so do rows that come again under a key they had before.
 */
export type Warehouse = {
  engine: "duckdb" | "redshift";
  /** Takes files of one table in; all of them, or it rejects and may be called again. */
  load(fact: FactName, files: readonly LakeFile[]): Promise<void>;
  /**
   * @throws AppError unprocessable when there are more rows than `rowsMax` or it takes longer than `waitMsMax`,
   * unavailable when the engine cannot be asked now
   */
  run(query: WarehouseQuery, limits: QueryLimits): Promise<RawRow[]>;
  /** Rejects when it cannot answer. */
  ready(): Promise<void>;
  close(): Promise<void>;
};
