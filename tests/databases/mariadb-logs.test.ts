import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { followLogs, type FollowedLogs } from "./follow-logs.ts";
import { type LoggingMariadb, SLOW_MS, startLoggingMariadb } from "./logging-mariadb.ts";

const NAP = SLOW_MS * 1.5;
const SLOW = `SELECT SLEEP(${NAP / 1000}),\n'# Time: 260314'\nAS \`Nap\``;

const stack = new AsyncDisposableStack();
const server = await startLoggingMariadb();
if (server) stack.use(server);

afterAll(() => stack.disposeAsync());

async function runStatements({ execute }: LoggingMariadb): Promise<void> {
  await execute("CREATE DATABASE shop; CREATE USER ann@localhost IDENTIFIED BY 'x'");
  const shop = { database: "shop" };
  await execute("CREATE TABLE stock (id INT PRIMARY KEY, units INT)", shop);
  await execute("INSERT INTO stock VALUES (1, 1), (2, 2)", shop);
  for (let round = 0; round < 3; round += 1) await execute(SLOW, shop);
  await expect(execute("SELECT 1", { user: "ann" })).rejects.toThrow("Access denied");
  await deadlock(execute);
}

/** Two transactions that wait for each other, of which the server cancels one. */
async function deadlock(execute: LoggingMariadb["execute"]): Promise<void> {
  const take = (id: number): string => `UPDATE stock SET units = units - 1 WHERE id = ${id}`;
  const inOrder = (ids: readonly number[]): string =>
    `BEGIN; ${ids.map((id) => take(id)).join("; DO SLEEP(0.5); ")}; COMMIT`;
  const both = [
    [1, 2],
    [2, 1],
  ].map((ids) => execute(inOrder(ids), { database: "shop" }));
  const results = await Promise.allSettled(both);
  expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
}

describe.skipIf(!server)("the logs of MariaDB", () => {
  let logs: Record<keyof LoggingMariadb["logs"], FollowedLogs>;

  beforeAll(async () => {
    if (!server) return;
    logs = {
      error: stack.use(followLogs([server.logs.error])),
      slow: stack.use(followLogs([server.logs.slow])),
      general: stack.use(followLogs([server.logs.general])),
    };
    await runStatements(server);
  });

  test("slow statements have what precedes them, their duration and one fingerprint", async () => {
    const slow = async () =>
      (await logs.slow.events("mysql.slowlog")).filter((it) => it["db.query.text"] !== undefined);
    const nap = async () => (await slow()).filter((it) => it["mysql.slowlog.query"] === `${SLOW};`);
    await expect.poll(nap).toHaveLength(3);
    for (const it of await nap()) {
      expect(it).toMatchObject({
        "user.name": "root",
        "source.domain": "localhost",
        "mysql.slowlog.schema": "shop",
        "mysql.slowlog.rows_sent": 1,
        "mysql.slowlog.query_cache_hit": false,
        "db.query.text": "select sleep(?), ? as `Nap`",
      });
      expect(it["event.duration"]).toBeGreaterThan(SLOW_MS * 1e6);
      expect(it["mysql.slowlog.explain"]).toContain("No tables used");
    }
    const fingerprints = (await nap()).map((it) => it["db.query.fingerprint"]);
    expect(new Set(fingerprints).size).toBe(1);
  });

  test("a dead lock is described by events of several lines", async () => {
    const events = () => logs.error.events("mysql.error");
    const rolledBack = async () =>
      (await events()).filter((it) => String(it["message"]).includes("WE ROLL BACK TRANSACTION"));
    await expect.poll(rolledBack).toHaveLength(1);
    const texts = (await events()).map((it) => String(it["message"]));
    const described = texts.filter((text) => /^InnoDB: \n\*\*\* \([12]\) TRANSACTION:/.test(text));
    expect(described).toHaveLength(2);
    for (const text of described) expect(text).toContain("UPDATE stock SET units = units - 1");
  });

  test("a refused connection has its user", async () => {
    const refused = async () =>
      (await logs.error.events("mysql.error")).filter((it) => it["user.name"] === "ann");
    await expect.poll(refused).toHaveLength(1);
    expect((await refused())[0]).toMatchObject({
      "log.level": "Warning",
      "source.domain": "localhost",
    });
  });

  test("the general log has every statement, also over several lines", async () => {
    const queries = async () =>
      (await logs.general.events("mysql.general")).filter((it) => it["message"] === SLOW);
    await expect.poll(queries).toHaveLength(3);
    for (const it of await queries()) expect(it["mysql.general.command"]).toBe("Query");
  });

  test.each(["error", "slow", "general"] as const)(
    "no line of the %s log is quarantined",
    async (name) => {
      expect(await logs[name].events("quarterdeck.quarantine")).toEqual([]);
    },
  );
});
