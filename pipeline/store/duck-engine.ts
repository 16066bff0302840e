import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
  DOUBLE,
  VARCHAR,
} from "@duckdb/node-api";

import { AppError } from "#platform/errors.ts";

import { ConnectionPool } from "./connection-pool.ts";
import {
  type BoundSql,
  type DuckOptions,
  type Engine,
  isOutOfMemory,
  type Parameter,
  quoted,
  type Row,
  type Use,
  type Work,
} from "./duck.ts";
import { type Question, storeClosed } from "./questions.ts";

/**
 * Work of one kind never waits for work of another. Concurrent statements share the memory limit, so there are few
 * connections.
 */
const CONNECTIONS: Record<Work, number> = { quick: 2, searches: 2, maintenance: 1 };
/** One asker's searches leave a connection to other askers. */
const SEARCHES_PER_ASKER = 1;

type Pools = Record<Work, ConnectionPool<DuckDBConnection>>;

/** An interrupt has no effect between the stages of a statement, so it is repeated until the statement has ended. */
const INTERRUPT_EVERY_MS = 50;
/** A statement that does not react to interrupts in this time is left to the end of the process. */
const CLOSE_MS_MAX = 1_500;

export async function openEngine(options: DuckOptions): Promise<Engine> {
  // DuckDB creates the folder on demand, and removes it when it is closed.
  const scratch = join(options.temporary, `duckdb-${randomUUID()}`);
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(options.threads),
    memory_limit: `${options.memoryLimitMb}MB`,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    preserve_insertion_order: String(options.keepsOrder ?? true),
  });
  const first = await instance.connect();
  for (const statement of [
    `SET temp_directory = ${quoted(scratch)}`,
    "SET parquet_metadata_cache = true",
    // The operating system caches files too, outside the memory of this process.
    "SET enable_external_file_cache = false",
    // Freed memory is returned to the operating system also while no statement runs.
    "SET allocator_background_threads = true",
    `SET allowed_directories = [${quoted(options.folder)}, ${quoted(options.temporary)}]`,
    "SET enable_external_access = false",
    "SET lock_configuration = true",
  ]) {
    await first.run(statement);
  }
  first.closeSync();
  const connect = async (work: Work): Promise<DuckDBConnection[]> => {
    const connections: DuckDBConnection[] = [];
    for (let i = 0; i < CONNECTIONS[work]; i += 1) connections.push(await instance.connect());
    return connections;
  };
  const pools = {
    quick: new ConnectionPool(await connect("quick")),
    searches: new ConnectionPool(await connect("searches"), SEARCHES_PER_ASKER),
    maintenance: new ConnectionPool(await connect("maintenance")),
  };
  return new DuckEngine(options, { instance, pools });
}

/** An open DuckDB with its connections. */
class DuckEngine implements Engine {
  readonly #options: DuckOptions;
  readonly #instance: DuckDBInstance;
  readonly #pools: Pools;
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  readonly #maintenance: Use = {
    work: "maintenance",
    question: { signal: this.#closing.signal, asker: undefined, started: () => undefined },
  };

  constructor(
    options: DuckOptions,
    { instance, pools }: { instance: DuckDBInstance; pools: Pools },
  ) {
    this.#options = options;
    this.#instance = instance;
    this.#pools = pools;
  }

  async rows(
    sql: string,
    parameters: readonly Parameter[] = [],
    use: Use = this.#maintenance,
  ): Promise<Row[]> {
    return this.#runWithMemory(use, async (connection) => {
      const reader = await connection.runAndReadAll(sql, [...parameters], typesOf(parameters));
      return reader.getRowsJS();
    });
  }

  async read(
    sql: string | BoundSql,
    take: (columns: DuckDBValue[][]) => boolean,
    use: Use = this.#maintenance,
  ): Promise<boolean> {
    return this.#run(use, async (connection) => {
      const result =
        typeof sql === "string"
          ? await connection.stream(sql)
          : await connection.stream(sql.text, [...sql.parameters], typesOf(sql.parameters));
      for await (const chunk of result) {
        use.question.signal.throwIfAborted();
        if (!take(chunk.getColumns())) return false;
      }
      return true;
    });
  }

  async copyInOrder(sql: string, parameters: readonly Parameter[]): Promise<void> {
    await using engine = await openEngine({ ...this.#options, threads: 1, keepsOrder: false });
    await engine.rows(sql, parameters, this.#maintenance);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(storeClosed());
    const ended = new AbortController();
    const late = delay(CLOSE_MS_MAX, true, { signal: ended.signal }).catch(() => false);
    const isLate = await Promise.race([Promise.allSettled(this.#running).then(() => false), late]);
    ended.abort();
    for (const pool of Object.values(this.#pools)) for (const it of pool.idle) it.closeSync();
    if (!isLate) this.#instance.closeSync();
  }

  /** Searches that run at the same time share the memory: if it is not enough, the statement is repeated alone. */
  async #runWithMemory<T>(use: Use, statement: RunStatement<T>): Promise<T> {
    try {
      return await this.#run(use, statement);
    } catch (error) {
      if (use.work === "maintenance" || !isOutOfMemory(error)) throw error;
    }
    const run = this.#runner(use.question, statement);
    return this.#pools.searches.useAll(use.question, run).catch((error: unknown) => {
      throw isOutOfMemory(error) ? outOfMemory(error) : error;
    });
  }

  async #run<T>({ work, question }: Use, statement: RunStatement<T>): Promise<T> {
    return this.#pools[work].use(question, this.#runner(question, statement));
  }

  #runner<T>(question: Question, statement: RunStatement<T>): RunStatement<T> {
    return (connection) => {
      question.started();
      const running = interruptible(connection, question.signal, statement);
      this.#running.add(running);
      return running.finally(() => this.#running.delete(running));
    };
  }
}

const typesOf = (parameters: readonly Parameter[]): DuckDBType[] =>
  parameters.map((value) => (typeof value === "string" ? VARCHAR : DOUBLE));

type RunStatement<T> = (connection: DuckDBConnection) => Promise<T>;

/** Runs a statement, and interrupts it when the signal aborts; then it throws the reason of the signal. */
async function interruptible<T>(
  connection: DuckDBConnection,
  signal: AbortSignal,
  statement: RunStatement<T>,
): Promise<T> {
  signal.throwIfAborted();
  let repeat: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    repeat ??= setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS);
  };
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    const result = await statement(connection);
    // An interrupted stream ends like a complete one.
    signal.throwIfAborted();
    return result;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", interrupt);
    clearInterval(repeat);
  }
}

function outOfMemory(cause: unknown): AppError {
  const message =
    "this search requires more memory than the event store may use: choose a shorter range or add a filter";
  return new AppError("unavailable", message, { cause });
}
