import type { DuckDBValue, JS } from "@duckdb/node-api";

import { type Question, storeClosed } from "./questions.ts";

export type DuckOptions = {
  folder: string;
  /** For temporary files. */
  temporary: string;
  memoryLimitMb: number;
  threads: number;
  /** Whether rows keep their order if several threads read them, which requires memory. Default true. */
  keepsOrder?: boolean;
};
export type Parameter = string | number;
export type Row = readonly JS[];
/** A query with the values of `$1` …. */
export type BoundSql = { text: string; parameters: readonly Parameter[] };

/** `quick` reads of boards, `searches` through many events, and `maintenance`, which merges files. */
export type Work = "quick" | "searches" | "maintenance";

/** For which question a statement runs, and as which kind of work. */
export type Use = { work: Work; question: Question };

/** DuckDB as a query engine over files, without a database and without access to files outside the store's folder. */
export interface Engine extends AsyncDisposable {
  /**
   * The rows of a query with the parameters `$1` …. Integers are numbers if these are exact.
   * @throws the reason of the question's signal if it aborts before the end
   */
  rows(sql: string, parameters?: readonly Parameter[], use?: Use): Promise<Row[]>;

  /**
   * Passes the result to `take` in batches of some thousand rows, column by column, until it returns false. Returns
   * whether the end was reached.
   */
  read(
    sql: string | BoundSql,
    take: (columns: DuckDBValue[][]) => boolean,
    use?: Use,
  ): Promise<boolean>;

  /**
   * Copies files in the order of their rows, with memory for a few row groups: by a single thread, which needs nothing to
   * keep the order.
   */
  copyInOrder(sql: string, parameters: readonly Parameter[]): Promise<void>;

  /** To be called when all questions have ended. A statement that does not react to interrupts is not waited for. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * An engine that the first statement opens: loading DuckDB takes a third of the time that a command needs to start, and
 * storing events does not need it.
 */
export class Duck implements Engine {
  readonly #options: DuckOptions;
  #opened: Promise<Engine> | undefined;
  #isClosed = false;

  constructor(options: DuckOptions) {
    this.#options = options;
  }

  async rows(sql: string, parameters?: readonly Parameter[], use?: Use): Promise<Row[]> {
    const engine = await this.#engine();
    return engine.rows(sql, parameters, use);
  }

  async read(
    sql: string | BoundSql,
    take: (columns: DuckDBValue[][]) => boolean,
    use?: Use,
  ): Promise<boolean> {
    const engine = await this.#engine();
    return engine.read(sql, take, use);
  }

  async copyInOrder(sql: string, parameters: readonly Parameter[]): Promise<void> {
    const engine = await this.#engine();
    await engine.copyInOrder(sql, parameters);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const engine = await this.#opened?.catch(() => undefined);
    await engine?.[Symbol.asyncDispose]();
  }

  async #engine(): Promise<Engine> {
    if (!this.#opened && this.#isClosed) throw storeClosed();
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open(): Promise<Engine> {
    try {
      const { openEngine } = await import("./duck-engine.ts");
      return await openEngine(this.#options);
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }
}

/** Whether DuckDB reached its memory limit. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Out of Memory Error");
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

/** The bytes of a BLOB. */
export function blobBytes(value: DuckDBValue | undefined): Uint8Array | undefined {
  return typeof value === "object" && value !== null && "bytes" in value ? value.bytes : undefined;
}

/** The elements of a list. */
export function listItems(value: DuckDBValue): readonly DuckDBValue[] | undefined {
  return typeof value === "object" && value !== null && "items" in value ? value.items : undefined;
}
