import { Pool, type QueryResult, types } from "pg";

import { AppError, errorCode } from "../errors.ts";
import { isNameError, StatementNames } from "./statement-names.ts";

type Row = Record<string, unknown>;

/** Runs SQL. Values are bound ($1, $2 …), never part of the text. */
export type Queryable = {
  query(text: string, values?: readonly unknown[]): Promise<Row[]>;
};

export type Database = Queryable & {
  /** The transaction is committed when `work` resolves, and rolled back when it rejects. */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>;
  /** Waits for running queries; stops the embedded server if this process started it. */
  close(): Promise<void>;
};

const CONNECTIONS_MAX = 10;
/** Includes waiting for a free connection. */
const CONNECT_MS_MAX = 10_000;
const STATEMENT_MS_MAX = 30_000;
/** For servers that do not respond at all, for example because the machine lost power. */
const RESPONSE_MS_MAX = STATEMENT_MS_MAX + 5_000;
const KEEP_ALIVE_MS = 10_000;
const RETRY_AFTER_MS = 2_000;

// Counts stay below 2^53, so they are read as numbers.
types.setTypeParser(types.builtins.INT8, Number);

/**
 * A pool of connections. `onError` is called when an idle connection is lost, for example because the server restarts.
 */
export function poolDatabase(
  url: string,
  options: {
    onError: (error: Error) => void;
    afterClose?: () => Promise<void>;
    /** The schema of unqualified names. */
    schema?: string;
    connectionsMax?: number;
  },
): Database {
  const pool = new Pool({
    connectionString: url,
    max: options.connectionsMax ?? CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    statement_timeout: STATEMENT_MS_MAX,
    query_timeout: RESPONSE_MS_MAX,
    // Releases the locks of a process that was suspended in a transaction, or whose machine failed.
    idle_in_transaction_session_timeout: STATEMENT_MS_MAX,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    application_name: options.schema ?? "quarterdeck",
    ...(options.schema === undefined ? {} : { options: `-c search_path=${options.schema}` }),
  });
  pool.on("error", options.onError);
  const run = statementsOf(pool, options.schema);
  let closed: Promise<void> | undefined;
  return {
    query: async (text, values = []) =>
      rowsOf(await run(text, [...values]).catch((error: unknown) => rethrowOf(text, error))),
    async transaction(work) {
      const client = await pool.connect().catch((error: unknown) => rethrow(error));
      // The pool reports idle connections only. When this one is lost between two queries, the next query fails.
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
        // A connection that cannot roll back must not be reused: it is still in the transaction.
        broken =
          isUnreachable(error) ||
          (await client.query("ROLLBACK").then(
            () => false,
            () => true,
          ));
        return rethrow(error, committing ? OUTCOME_UNKNOWN : NOT_DONE);
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

/** Runs statements outside transactions, hot ones by name. */
function statementsOf(pool: Pool, schema: string | undefined) {
  const names = new StatementNames(schema);
  return async (text: string, values: unknown[]): Promise<QueryResult<Row>> => {
    const name = names.nameOf(text);
    if (name === undefined) return pool.query<Row>(text, values);
    try {
      return await pool.query<Row>({ name, text, values });
    } catch (error) {
      if (!isNameError(error)) throw error;
      names.withdraw(text);
      return pool.query<Row>(text, values);
    }
  };
}

const rowsOf = (result: { rows: Row[] }): Row[] => result.rows;

/** A write that may have been done, as the connection was lost before its outcome was known. */
export class OutcomeUnknown extends AppError {}

/**
 * No connection, or a lost one: SQLSTATE classes 08 and 53, shutdowns of class 57, time-outs of statements, locks and
 * transactions, a read-only server, and errors of the network.
 */
const UNREACHABLE =
  /^(?:08\w{3}|53\w{3}|57P0[123]|57014|55P03|25P03|25006|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
const UNREACHABLE_MESSAGES =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client (?:has encountered a connection error|was closed))/;

const NOT_DONE = "The database does not respond; nothing was changed. Try again in a moment.";
const OUTCOME_UNKNOWN =
  "The connection to the database was lost during a write, so its outcome is unknown. Repeat it with the same Idempotency-Key, or check first.";

/** What the server, or the system instead of it, says before it takes a statement. */
const REFUSALS = /^(?:57P03|53300|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
const wasRefused = (error: unknown): boolean => REFUSALS.test(errorCode(error) ?? "");

const isRead = (text: string): boolean => /^\s*SELECT\b/i.test(text);

function isUnreachable(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return (
    UNREACHABLE.test(code) || UNREACHABLE_MESSAGES.test(error instanceof Error ? error.message : "")
  );
}

const rethrowOf = (text: string, error: unknown): never =>
  rethrow(error, isRead(text) || wasRefused(error) ? NOT_DONE : OUTCOME_UNKNOWN);

function rethrow(error: unknown, message = NOT_DONE): never {
  if (!isUnreachable(error)) throw error;
  const Unavailable = message === OUTCOME_UNKNOWN ? OutcomeUnknown : AppError;
  throw new Unavailable("unavailable", message, { cause: error, waitMs: RETRY_AFTER_MS });
}
