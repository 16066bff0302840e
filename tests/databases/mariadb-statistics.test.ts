import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { MysqlSampler } from "#collectors/sources/databases/mysql-sampler.ts";

import { startLoggingMariadb } from "./logging-mariadb.ts";

const stack = new AsyncDisposableStack();
const server = await startLoggingMariadb();
if (server) stack.use(server);
const port = server?.port ?? 0;

afterAll(() => stack.disposeAsync());

const samplerOf = (user: string, password: string): MysqlSampler => {
  const url = `mysql://${user}:${password}@127.0.0.1:${port}`;
  return new MysqlSampler(async () => ({ url, host: "127.0.0.1", port }));
};

describe.skipIf(!server)("the statistics of MariaDB", () => {
  beforeAll(async () => {
    await server?.execute(
      "CREATE USER monitor@'127.0.0.1' IDENTIFIED BY 'x'; GRANT REPLICA MONITOR ON *.* TO monitor@'127.0.0.1'; CREATE USER stranger@'127.0.0.1' IDENTIFIED BY 'x'; CREATE USER boss@'127.0.0.1' IDENTIFIED BY 'x'; GRANT ALL PRIVILEGES ON *.* TO boss@'127.0.0.1'; CREATE DATABASE shop; CREATE TABLE shop.stock (id INT PRIMARY KEY, units INT); INSERT INTO shop.stock VALUES (1, 1)",
    );
  });

  test("a user that may only monitor samples connections, locks, cache and statements", async () => {
    const sampler = samplerOf("monitor", "x");
    const first = await sampler.sample();
    expect(first.advice).toEqual([]);
    for (let i = 0; i < 3; i += 1) await server?.execute("SELECT * FROM shop.stock");
    const { events } = await sampler.sample();
    expect(events[0]).toMatchObject({ "db.locks.waiting": 0, "service.type": "mysql" });
    expect(events[0]?.["mysql.status.commands.select"]).toBeGreaterThanOrEqual(3);
    expect(events[0]?.["db.connections.used"]).toBeGreaterThan(0);
    expect(events[0]?.["db.cache.hit_ratio"]).toBeGreaterThan(0.5);
  });

  test("a transaction that waits for a lock is counted", async () => {
    const update = "UPDATE shop.stock SET units = units + 1 WHERE id = 1";
    const holding = server?.execute(`BEGIN; ${update}; DO SLEEP(3); ROLLBACK`);
    const waiting = server?.execute(`DO SLEEP(0.3); ${update}`);
    const sampler = samplerOf("monitor", "x");
    await vi.waitFor(
      async () => {
        const { events } = await sampler.sample();
        expect(events[0]?.["db.locks.waiting"]).toBe(1);
      },
      { timeout: 20_000 },
    );
    await Promise.all([holding, waiting]);
  });

  test("rights that are missing, and those that are not needed, are named", async () => {
    const stranger = await samplerOf("stranger", "x").sample();
    expect(stranger.advice.join()).toContain("may not see the state of replication");
    const boss = await samplerOf("boss", "x").sample();
    expect(boss.advice.join()).toContain("has all privileges");
  });

  test("a wrong password is stated without it", async () => {
    const failure = await samplerOf("monitor", "wr0ng").sample().catch(String);
    expect(failure).toContain("user or password is wrong");
    expect(failure).not.toContain("wr0ng");
  });
});
