import { Pool, types } from "pg";

import { AppError } from "../errors.ts";

type Row = Record<string, unknown>;

/** What runs SQL. Values are always bound ($1, $2 …), never pasted into the text. */
export type Queryable = {
  query(text: string, values?: readonly unknown[]): Promise<Row[]>;
};

export type Database = Queryable & {
  /** All of it or nothing: the transaction is committed when `work` resolves, rolled back when it rejects. */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>;
  /** Waits for running queries; stops the embedded server if this process started it. */
  close(): Promise<void>;
};

const CONNECTIONS_MAX = 10;
const CONNECT_MS_MAX = 5_000;
const STATEMENT_MS_MAX = 30_000;
const RETRY_AFTER_MS = 2_000;

// Numbers come back as numbers: our bigints count things that stay below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

/** A pool of connections. `onError` hears of idle connections that break (a server that restarts), which is no crash. */
export function poolDatabase(
  url: string,
  options: {
    onError: (error: Error) => void;
    afterClose?: () => Promise<void>;
    /** The schema in which unqualified names are looked up and made. */
    schema?: string;
    connectionsMax?: number;
  },
): Database {
  const pool = new Pool({
    connectionString: url,
    max: options.connectionsMax ?? CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    statement_timeout: STATEMENT_MS_MAX,
    application_name: options.schema ?? "quarterdeck",
    ...(options.schema === undefined ? {} : { options: `-c search_path=${options.schema}` }),
  });
  pool.on("error", options.onError);
  let closed: Promise<void> | undefined;
  return {
    query: async (text, values = []) =>
      rowsOf(await pool.query<Row>(text, [...values]).catch(rethrow)),
    async transaction(work) {
      const client = await pool.connect().catch(rethrow);
      // The pool hears of idle connections only; what breaks in between two queries of ours makes the next one fail.
      client.on("error", options.onError);
      try {
        await client.query("BEGIN");
        const result = await work({
          query: async (text, values = []) => rowsOf(await client.query<Row>(text, [...values])),
        });
        await client.query("COMMIT");
        client.off("error", options.onError);
        client.release();
        return result;
      } catch (error) {
        // A connection that cannot roll back is thrown away rather than handed to the next one in a transaction.
        const broken = await client.query("ROLLBACK").then(
          () => false,
          () => true,
        );
        client.off("error", options.onError);
        client.release(broken);
        return rethrow(error);
      }
    },
    close() {
      closed ??= pool.end().then(options.afterClose);
      return closed;
    },
  };
}

const rowsOf = (result: { rows: Row[] }): Row[] => result.rows;

/** No connection (any more): SQLSTATE class 08, the shutdowns of class 57, and what the network says. */
const UNREACHABLE = /^(?:08\w{3}|57P0[123]|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND)$/;
const UNREACHABLE_WORDS = /^(?:Connection terminated|timeout exceeded when trying to connect)/;

function rethrow(error: unknown): never {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const words = error instanceof Error ? error.message : "";
  if (!UNREACHABLE.test(code) && !UNREACHABLE_WORDS.test(words)) throw error;
  throw new AppError(
    "unavailable",
    "The database does not answer. Try again in a moment; what was asked for has not been done.",
    { cause: error, waitMs: RETRY_AFTER_MS },
  );
}
