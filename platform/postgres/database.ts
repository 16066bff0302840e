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
/** To connect, and to wait for one that is free: many who want the same thing wait for each other, and are served in turn. */
const CONNECT_MS_MAX = 10_000;
const STATEMENT_MS_MAX = 30_000;
/** A server that says nothing at all, such as one whose machine has lost its power, is given up after so long. */
const SILENCE_MS_MAX = STATEMENT_MS_MAX + 5_000;
const KEEP_ALIVE_MS = 10_000;
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
    query_timeout: SILENCE_MS_MAX,
    // A process that stands still in a transaction, or whose machine is gone, gives its locks free.
    idle_in_transaction_session_timeout: STATEMENT_MS_MAX,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    application_name: options.schema ?? "quarterdeck",
    ...(options.schema === undefined ? {} : { options: `-c search_path=${options.schema}` }),
  });
  pool.on("error", options.onError);
  let closed: Promise<void> | undefined;
  return {
    query: async (text, values = []) =>
      rowsOf(await pool.query<Row>(text, [...values]).catch((error: unknown) => rethrow(error))),
    async transaction(work) {
      const client = await pool.connect().catch((error: unknown) => rethrow(error));
      // The pool hears of idle connections only; what breaks in between two queries of ours makes the next one fail.
      client.on("error", options.onError);
      let committing = false;
      let broken = false;
      try {
        await client.query("BEGIN");
        const result = await work({
          query: async (text, values = []) => rowsOf(await client.query<Row>(text, [...values])),
        });
        committing = true;
        await client.query("COMMIT");
        return result;
      } catch (error) {
        // A connection that cannot roll back is thrown away rather than handed to the next one in a transaction.
        broken =
          isUnreachable(error) ||
          (await client.query("ROLLBACK").then(
            () => false,
            () => true,
          ));
        return rethrow(error, committing ? MAYBE_DONE : NOT_DONE);
      } finally {
        client.off("error", options.onError);
        client.release(broken);
      }
    },
    close() {
      closed ??= pool.end().then(options.afterClose);
      return closed;
    },
  };
}

const rowsOf = (result: { rows: Row[] }): Row[] => result.rows;

/**
 * No connection (any more), or none to be had: SQLSTATE classes 08 and 53, the shutdowns of class 57, a statement, a
 * lock or a transaction that took too long, a server that only reads, and what the network says.
 */
const UNREACHABLE =
  /^(?:08\w{3}|53\w{3}|57P0[123]|57014|55P03|25P03|25006|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
const UNREACHABLE_WORDS =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client (?:has encountered a connection error|was closed))/;

const NOT_DONE =
  "The database does not answer. Try again in a moment; what was asked for has not been done.";
const MAYBE_DONE =
  "The database went away while this was being written, so it may have been done or not. Send it again with the same Idempotency-Key, or look first.";

function isUnreachable(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return (
    UNREACHABLE.test(code) || UNREACHABLE_WORDS.test(error instanceof Error ? error.message : "")
  );
}

function rethrow(error: unknown, message = NOT_DONE): never {
  if (!isUnreachable(error)) throw error;
  throw new AppError("unavailable", message, { cause: error, waitMs: RETRY_AFTER_MS });
}
