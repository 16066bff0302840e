import { DatabaseError, Pool, type PoolClient } from "pg";

import { AppError } from "#platform/errors.ts";

import { tooLong } from "../repositories/lake-duck.ts";
import { type RedshiftWire, warehouseAway } from "../repositories/redshift-warehouse.ts";

const CONNECTIONS_MAX = 3;
const CONNECT_MS_MAX = 10_000;
const LOAD_MS_MAX = 600_000;
const CANCELED = "57014";

/**
 * Redshift over the wire of PostgreSQL: `redshift://user:password@host:5439/database`. The connection is encrypted and
 * the server's certificate is checked, unless the address says `sslmode=disable`.
 */
export function redshiftPgWire(address: string, onError: (error: Error) => void): RedshiftWire {
  const url = new URL(address);
  const pool = new Pool({
    host: url.hostname,
    port: Number(url.port || 5439),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ssl: url.searchParams.get("sslmode") !== "disable",
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    // Every value as the text that the server wrote: no number is bent on its way.
    types: { getTypeParser: () => String },
  });
  pool.on("error", onError);
  // One that breaks at work tells it to who waits for the answer; unheard, it would take the process with it.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return {
    placeholder: (n) => `$${n}`,
    batch: (statements) =>
      withClient(pool, async (client) => {
        await client.query(`SET statement_timeout TO ${LOAD_MS_MAX}`);
        await client.query("BEGIN");
        for (const statement of statements) await client.query(statement);
        await client.query("COMMIT");
      }),
    rows: (sql, values, { waitMsMax }) =>
      withClient(pool, async (client) => {
        await client.query(`SET statement_timeout TO ${Math.ceil(waitMsMax)}`);
        try {
          const result = await client.query<unknown[]>({
            text: sql,
            values: [...values],
            rowMode: "array",
          });
          return result.rows;
        } catch (error) {
          throw codeOf(error) === CANCELED ? tooLong(waitMsMax, error) : error;
        }
      }),
    close: () => pool.end(),
  };
}

async function withClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw warehouseAway(error);
  });
  let broken = true;
  try {
    const result = await work(client);
    broken = false;
    return result;
  } catch (error) {
    broken = await client.query("ROLLBACK").then(
      () => false,
      () => true,
    );
    throw isAway(error) ? warehouseAway(error) : error;
  } finally {
    client.release(broken);
  }
}

/** The connection broke, or the server says that it cannot go on: class 08, 53, 57P. */
const isAway = (error: unknown): boolean =>
  error instanceof DatabaseError
    ? /^(?:08|53|57P)/.test(error.code ?? "")
    : !(error instanceof AppError);

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";
