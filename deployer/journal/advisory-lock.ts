import { Client } from "pg";

/** An advisory lock of PostgreSQL: one session has it, until it releases it or its connection ends. */
export type AdvisoryLock = {
  /** Aborts when the connection has ended, so that another session may have the lock. */
  lost: AbortSignal;
  release(): Promise<void>;
};

const CONNECT_MS_MAX = 10_000;
const KEEP_ALIVE_MS = 10_000;

/** Undefined while another session has the lock. */
export async function tryAdvisoryLock(
  databaseUrl: string,
  key: number,
): Promise<AdvisoryLock | undefined> {
  const lost = new AbortController();
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    application_name: "quarterdeck deployer",
  });
  client.on("error", () => lost.abort());
  client.on("end", () => lost.abort());
  await client.connect();
  const { rows } = await client.query<{ locked: boolean }>(
    "SELECT pg_try_advisory_lock($1) AS locked",
    [key],
  );
  if (rows[0]?.locked === true) return { lost: lost.signal, release: () => client.end() };
  await client.end();
  return undefined;
}
