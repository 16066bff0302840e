import { afterAll, expect, test, vi } from "vitest";

import { PostgresSampler } from "#collectors/sources/databases/postgres-sampler.ts";
import type { StatisticsEvent } from "#collectors/sources/databases/sampler.ts";

import { type LoggingPostgres, startLoggingPostgres, startStandby } from "./logging-postgres.ts";

const stack = new AsyncDisposableStack();
afterAll(() => stack.disposeAsync());

const statusOf = async (url: string): Promise<StatisticsEvent | undefined> => {
  const server = { url, host: "127.0.0.1", port: Number(new URL(url).port) };
  return (await new PostgresSampler(async () => server).sample()).events[0];
};

const execute = async (server: LoggingPostgres, ...statements: string[]): Promise<void> => {
  const client = await server.connect();
  // One that fails must not leave a connection that the end of the server breaks.
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
};

test("a standby that applies an hour later has a lag, and its primary knows by how many bytes", async () => {
  const primary = stack.use(await startLoggingPostgres());
  const standby = stack.use(await startStandby(primary));
  await execute(primary, "CREATE TABLE stock (id int)");
  await vi.waitFor(() => execute(standby, "TABLE stock"), { timeout: 30_000 });
  expect(await statusOf(standby.url)).toMatchObject({
    "db.replication.lag": 0,
    "postgresql.status.replication.lag.bytes": 0,
  });
  await execute(
    standby,
    "ALTER SYSTEM SET recovery_min_apply_delay = '1h'",
    "SELECT pg_reload_conf()",
  );
  await vi.waitFor(
    async () => {
      await execute(primary, "INSERT INTO stock VALUES (1)");
      const behind = await statusOf(standby.url);
      expect(behind?.["db.replication.lag"]).toBeGreaterThan(0);
      expect(behind?.["postgresql.status.replication.lag.bytes"]).toBeGreaterThan(0);
      const ahead = await statusOf(primary.url);
      expect(ahead?.["postgresql.status.replication.lag.bytes"]).toBeGreaterThan(0);
    },
    { timeout: 30_000 },
  );
});
