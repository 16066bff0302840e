import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";

import {
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBTimestampValue,
  VARCHAR,
} from "@duckdb/node-api";

import { AppError } from "#platform/errors.ts";

export type DuckColumn = {
  name: string;
  type: "VARCHAR" | "BIGINT" | "TIMESTAMP" | "DECIMAL(38,6)" | "DECIMAL(38,0)" | "DATE";
};
/** A TIMESTAMP is epoch ms; DECIMAL and DATE are text. */
export type DuckCell = string | number | bigint | null;

const CONNECTIONS = 2;
const WAITING_MAX = 16;
const MEMORY_MB = 256;
const THREADS = 2;
const BUSY_MS = 2_000;

/** DuckDB in memory over the lake's folder, without access to other files, the network or extensions. */
export class LakeDuck {
  readonly folder: string;
  readonly #instance: DuckDBInstance;
  readonly #idle: DuckDBConnection[];
  readonly #waiting: ((connection: DuckDBConnection) => void)[] = [];

  private constructor(folder: string, instance: DuckDBInstance, idle: DuckDBConnection[]) {
    this.folder = folder;
    this.#instance = instance;
    this.#idle = idle;
  }

  /** @throws when the folder cannot be created */
  static async open(folder: string): Promise<LakeDuck> {
    await mkdir(path.join(folder, "tmp"), { recursive: true, mode: 0o700 });
    const instance = await DuckDBInstance.create(":memory:", {
      threads: String(THREADS),
      memory_limit: `${MEMORY_MB}MB`,
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const connections: DuckDBConnection[] = [];
    for (let i = 0; i < CONNECTIONS; i += 1) connections.push(await instance.connect());
    for (const statement of [
      `SET temp_directory = ${literal(path.join(folder, "tmp", `spill-${randomUUID()}`))}`,
      "SET TimeZone = 'UTC'",
      // A lake file is never modified.
      "SET parquet_metadata_cache = true",
      `SET allowed_directories = [${literal(folder)}]`,
      "SET enable_external_access = false",
      "SET lock_configuration = true",
    ]) {
      await connections[0]?.run(statement);
    }
    return new LakeDuck(folder, instance, connections);
  }

  /**
   * The rows of a query; `$1` … are texts. Numbers are returned as exact text.
   * @throws AppError unprocessable when it takes longer than `waitMsMax` or has more than `rowsMax` rows
   */
  async rows(
    sql: string,
    values: readonly string[],
    limits: { rowsMax: number; waitMsMax: number },
  ): Promise<unknown[][]> {
    return this.#with(async (connection) => {
      const late = { is: false };
      const timer = setTimeout(() => {
        late.is = true;
        connection.interrupt();
      }, limits.waitMsMax);
      try {
        const types = values.map(() => VARCHAR);
        const result = await connection.stream(sql, [...values], types);
        const rows: unknown[][] = [];
        for await (const some of result.yieldRowsJson()) {
          rows.push(...some);
          if (rows.length > limits.rowsMax) throw tooManyRows(limits.rowsMax);
          if (late.is) throw new Error("interrupted");
        }
        return rows;
      } catch (error) {
        throw late.is ? tooLong(limits.waitMsMax, error) : error;
      } finally {
        clearTimeout(timer);
      }
    });
  }

  /** Writes rows to a Parquet file atomically and durably; returns its size in bytes. */
  async write(
    to: string,
    columns: readonly DuckColumn[],
    rows: readonly (readonly DuckCell[])[],
  ): Promise<number> {
    return this.#with(async (connection) => {
      const table = `rows_${randomUUID().replaceAll("-", "")}`;
      const shape = columns.map(({ name, type }) => `${identifier(name)} ${type}`).join(", ");
      const plain = shape.replaceAll(/DECIMAL\(38,\d\)|DATE(?=,|$)/g, "VARCHAR");
      await connection.run(`CREATE TEMP TABLE ${table} (${plain})`);
      try {
        await append(connection, { table, columns, rows });
        const casts = columns.map(
          ({ name, type }) => `CAST(${identifier(name)} AS ${type}) AS ${identifier(name)}`,
        );
        return await this.#copy(connection, `SELECT ${casts.join(", ")} FROM ${table}`, to);
      } finally {
        await connection.run(`DROP TABLE ${table}`);
      }
    });
  }

  /** Merges files into one; columns that a file lacks are null. */
  async merge(to: string, files: readonly string[]): Promise<number> {
    return this.#with((connection) =>
      this.#copy(connection, `SELECT * FROM ${filesSql(this.folder, files)}`, to),
    );
  }

  async close(): Promise<void> {
    for (let i = 0; i < CONNECTIONS; i += 1) (await this.#take()).closeSync();
    this.#instance.closeSync();
  }

  async #copy(connection: DuckDBConnection, sql: string, to: string): Promise<number> {
    const target = path.join(this.folder, to);
    const made = path.join(this.folder, "tmp", `${randomUUID()}.parquet`);
    try {
      await connection.run(
        `COPY (${sql}) TO ${literal(made)} (FORMAT parquet, COMPRESSION snappy)`,
      );
      await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
      await using file = await open(made, "r+");
      await file.sync();
      const { size } = await file.stat();
      await rename(made, target);
      await using folder = await open(path.dirname(target), "r");
      await folder.sync();
      return size;
    } catch (error) {
      await rm(made, { force: true });
      throw error;
    }
  }

  async #with<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = await this.#take();
    try {
      return await work(connection);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(connection);
      else this.#idle.push(connection);
    }
  }

  async #take(): Promise<DuckDBConnection> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#waiting.length >= WAITING_MAX) {
      const message = "Too many reports are being computed: try again later.";
      throw new AppError("unavailable", message, { waitMs: BUSY_MS });
    }
    return new Promise<DuckDBConnection>((resolve) => this.#waiting.push(resolve));
  }
}

async function append(
  connection: DuckDBConnection,
  {
    table,
    columns,
    rows,
  }: {
    table: string;
    columns: readonly DuckColumn[];
    rows: readonly (readonly DuckCell[])[];
  },
): Promise<void> {
  const appender = await connection.createAppender(table);
  for (const row of rows) {
    for (const [index, { type }] of columns.entries()) {
      const cell = row[index] ?? null;
      if (cell === null) appender.appendNull();
      else if (type === "BIGINT") appender.appendBigInt(BigInt(cell));
      else if (type === "TIMESTAMP") {
        appender.appendTimestamp(new DuckDBTimestampValue(BigInt(cell) * 1_000n));
      } else appender.appendVarchar(String(cell));
    }
    appender.endRow();
  }
  appender.closeSync();
}

/** SQL that reads the rows of lake files. */
export const filesSql = (folder: string, files: readonly string[]): string =>
  `read_parquet([${files.map((file) => literal(path.join(folder, file))).join(", ")}], union_by_name = true)`;

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const tooManyRows = (rowsMax: number): AppError =>
  new AppError(
    "unprocessable",
    `The report has more than ${rowsMax} rows: use fewer days, a longer step or a filter.`,
  );

export const tooLong = (waitMsMax: number, cause: unknown): AppError =>
  new AppError(
    "unprocessable",
    `The report took longer than ${waitMsMax / 1_000} seconds: use fewer days, or create a run (POST …/runs).`,
    { cause },
  );
