import { randomUUID } from "node:crypto";
import { join } from "node:path";

import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
  DOUBLE,
  type JS,
  VARCHAR,
} from "@duckdb/node-api";

export type DuckOptions = { folder: string; memoryLimitMb: number; threads: number };
export type Parameter = string | number;
export type Row = readonly JS[];

/** Concurrent queries share the memory limit, so only a few run at a time; others wait. */
const CONNECTIONS = 3;

/** DuckDB as a query engine over files, without a database and without access to files outside the store's folder. */
export class Duck implements AsyncDisposable {
  readonly #instance: DuckDBInstance;
  readonly #idle: DuckDBConnection[];
  readonly #waiting: ((connection: DuckDBConnection) => void)[] = [];

  private constructor(instance: DuckDBInstance, connections: DuckDBConnection[]) {
    this.#instance = instance;
    this.#idle = connections;
  }

  static async open(options: DuckOptions): Promise<Duck> {
    // DuckDB creates the folder on demand, and removes it when it is closed.
    const scratch = join(options.folder, "tmp", `duckdb-${randomUUID()}`);
    const instance = await DuckDBInstance.create(":memory:", {
      threads: String(options.threads),
      memory_limit: `${options.memoryLimitMb}MB`,
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const connections: DuckDBConnection[] = [];
    for (let i = 0; i < CONNECTIONS; i += 1) connections.push(await instance.connect());
    const [first] = connections;
    for (const statement of [
      `SET temp_directory = ${quoted(scratch)}`,
      "SET parquet_metadata_cache = true",
      `SET allowed_directories = [${quoted(options.folder)}]`,
      "SET enable_external_access = false",
      "SET lock_configuration = true",
    ]) {
      await first?.run(statement);
    }
    return new Duck(instance, connections);
  }

  /** The rows of a query with the parameters `$1` …. Integers are numbers if these are exact. */
  async rows(sql: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    const connection = await this.#take();
    try {
      const types: DuckDBType[] = parameters.map((value) =>
        typeof value === "string" ? VARCHAR : DOUBLE,
      );
      const reader = await connection.runAndReadAll(sql, [...parameters], types);
      return reader.getRowsJS();
    } finally {
      this.#give(connection);
    }
  }

  /**
   * Passes the result to `take` in batches of some thousand rows, column by column, until it returns false. Returns
   * whether the end was reached.
   */
  async read(sql: string, take: (columns: DuckDBValue[][]) => boolean): Promise<boolean> {
    const connection = await this.#take();
    try {
      const result = await connection.stream(sql);
      for await (const chunk of result) if (!take(chunk.getColumns())) return false;
      return true;
    } finally {
      this.#give(connection);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let i = 0; i < CONNECTIONS; i += 1) (await this.#take()).closeSync();
    this.#instance.closeSync();
  }

  async #take(): Promise<DuckDBConnection> {
    return (
      this.#idle.pop() ??
      (await new Promise<DuckDBConnection>((resolve) => this.#waiting.push(resolve)))
    );
  }

  #give(connection: DuckDBConnection): void {
    const next = this.#waiting.shift();
    if (next) next(connection);
    else this.#idle.push(connection);
  }
}

/** The rows of event files; columns that a file lacks are null. */
export function eventFilesSql(paths: readonly string[]): string {
  return `read_parquet([${paths.map(quoted).join(", ")}], union_by_name = true)`;
}

/** The rows of rollup files, which all have the same columns. */
export function cellFilesSql(paths: readonly string[]): string {
  return `read_parquet([${paths.map(quoted).join(", ")}])`;
}

/** A text as an SQL literal. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A field name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function asNumber(value: JS | undefined): number {
  return typeof value === "bigint" || typeof value === "number" ? Number(value) : 0;
}

export function asText(value: JS | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

export function asList(value: JS | undefined): readonly JS[] {
  return Array.isArray(value) ? value : [];
}
