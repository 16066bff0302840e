import path from "node:path";

import { afterAll, describe, expect, test, vi } from "vitest";

import { MysqlSampler } from "#collectors/sources/databases/mysql-sampler.ts";
import type { Sample } from "#collectors/sources/databases/sampler.ts";

import { temporaryFolder } from "../harness/program.ts";
import { startLoggingMariadb } from "./logging-mariadb.ts";

const stack = new AsyncDisposableStack();
const folder = stack.use(await temporaryFolder());
const primary = await startLoggingMariadb([
  "--server-id=1",
  `--log-bin=${path.join(folder.path, "primary")}`,
]);
if (primary) stack.use(primary);
const replica = primary && (await startLoggingMariadb(["--server-id=2"]));
if (replica) stack.use(replica);
const port = replica?.port ?? 0;

afterAll(() => stack.disposeAsync());

const sample = (): Promise<Sample> =>
  new MysqlSampler(async () => ({
    url: `mysql://monitor:x@127.0.0.1:${port}`,
    host: "127.0.0.1",
    port,
  })).sample();

describe.skipIf(!replica)("the replication of MariaDB", () => {
  test("a replica that applies an hour later has a lag, and a stopped one says so", async () => {
    await primary?.execute(
      "CREATE USER copy@'127.0.0.1' IDENTIFIED BY 'x'; GRANT REPLICATION SLAVE ON *.* TO copy@'127.0.0.1'",
    );
    await replica?.execute(
      `CREATE USER monitor@'127.0.0.1' IDENTIFIED BY 'x'; GRANT REPLICA MONITOR ON *.* TO monitor@'127.0.0.1'; CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${primary?.port}, MASTER_USER='copy', MASTER_PASSWORD='x', MASTER_DELAY=3600; START REPLICA`,
    );
    await primary?.execute("CREATE DATABASE shop");
    await vi.waitFor(
      async () => {
        const { events, advice } = await sample();
        expect(events[0]?.["db.replication.lag"]).toBeGreaterThan(0);
        expect(events[0]?.["mysql.status.replication.running"]).toBe(1);
        expect(advice).toEqual([]);
      },
      { timeout: 30_000 },
    );
    await replica?.execute("STOP REPLICA");
    const { events, advice } = await sample();
    expect(events[0]?.["db.replication.lag"]).toBeUndefined();
    expect(events[0]?.["mysql.status.replication.running"]).toBe(0);
    expect(advice).toEqual(["replication is stopped: START REPLICA"]);
  });
});
