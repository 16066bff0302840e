import { DatabaseError, Pool, type PoolClient } from "pg";

import { AppError } from "#platform/errors.ts";

import { tooLong } from "../repositories/lake-duck.ts";
import { type RedshiftClient, warehouseUnavailable } from "../repositories/redshift-warehouse.ts";

const CONNECTIONS_MAX = 3;
const CONNECT_MS_MAX = 10_000;
const LOAD_MS_MAX = 600_000;
const CANCELED = "57014";

/**
 * Redshift over the PostgreSQL protocol: `redshift://user:password@host:5439/database`. TLS with a checked
 * certificate, unless the URL has `sslmode=disable`.
 */
export function redshiftPgClient(address: string, onError: (error: Error) => void): RedshiftClient {
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
    // Values as text, so that numbers stay exact.
    types: { getTypeParser: () => String },
  });
  pool.on("error", onError);
  // A broken connection already rejects the pending query; an unhandled error event would end the process.
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
    throw warehouseUnavailable(error);
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
    throw isUnavailable(error) ? warehouseUnavailable(error) : error;
  } finally {
    client.release(broken);
  }
}

/** The connection failed or the server cannot continue: class 08, 53, 57P. */
const isUnavailable = (error: unknown): boolean =>
  error instanceof DatabaseError
    ? /^(?:08|53|57P)/.test(error.code ?? "")
    : !(error instanceof AppError);

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";
