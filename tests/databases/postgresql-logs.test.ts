import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { followLogs, type FollowedLogs } from "./follow-logs.ts";
import { type LoggingPostgres, SLOW_MS, startLoggingPostgres } from "./logging-postgres.ts";

/** Of widely used configurations: the default, Debian, Amazon RDS, Azure, pgBadger, and one with everything. */
const PREFIXES = [
  "%m [%p] ",
  "%m [%p] %q%u@%d ",
  "%t:%r:%u@%d:[%p]:",
  "%t-%c-",
  "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
  "%m [%p] %q[user=%u,db=%d,app=%a,client=%r] %b %v %x %c %i %e ",
];
const SLOW = `SELECT pg_sleep(${(SLOW_MS * 1.5) / 1000}),\n\t'it''s ERROR:  none'\nAS "Nap"`;
const TEXT = 'select pg_sleep(?), ? as "Nap"';

const stack = new AsyncDisposableStack();
let server: LoggingPostgres;
let logs: { stderr: FollowedLogs; csv: FollowedLogs; json: FollowedLogs };

beforeAll(async () => {
  server = stack.use(await startLoggingPostgres());
  const { stderr, csv, json } = server.logs;
  logs = {
    stderr: stack.use(followLogs([stderr])),
    csv: stack.use(followLogs([csv])),
    json: stack.use(followLogs([json])),
  };
  await runStatements();
});

afterAll(() => stack.disposeAsync());

async function runStatements(): Promise<void> {
  const client = await server.connect();
  for (const prefix of PREFIXES) {
    await client.query(`ALTER SYSTEM SET log_line_prefix = '${prefix}'`);
    await client.query("SELECT pg_reload_conf()");
    await vi.waitFor(
      async () => {
        const { rows } = await client.query("SHOW log_line_prefix");
        expect(rows).toEqual([{ log_line_prefix: prefix }]);
      },
      { timeout: 20_000 },
    );
    await client.query(SLOW);
    await expect(client.query("SELECT 1\n/ 0")).rejects.toThrow("division by zero");
  }
  await client.query("CREATE TABLE stock (id int PRIMARY KEY, units int)");
  await client.query("INSERT INTO stock VALUES (1, 1), (2, 2)");
  await client.end();
  await deadlock();
}

/** Two transactions that wait for each other, of which the server cancels one. */
async function deadlock(): Promise<void> {
  const [a, b] = await Promise.all([server.connect(), server.connect()]);
  const take = "UPDATE stock SET units = units - 1 WHERE id = ";
  for (const [client, id] of [[a, 1] as const, [b, 2] as const]) {
    await client.query("BEGIN");
    await client.query(take + id);
  }
  const results = await Promise.allSettled([a.query(`${take}2`), b.query(`${take}1`)]);
  expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  await Promise.all([a.end(), b.end()]);
}

describe.each(["stderr", "csv", "json"] as const)("the log in %s", (destination) => {
  const events = () => logs[destination].events("postgresql.log");

  test("slow statements of several lines have a duration and one fingerprint, whatever the prefix", async () => {
    const isSlow = (it: Readonly<Record<string, unknown>>): boolean =>
      it["postgresql.log.query"] === SLOW && it["postgresql.log.plan"] === undefined;
    await expect.poll(async () => (await events()).filter(isSlow)).toHaveLength(PREFIXES.length);
    const slow = (await events()).filter(isSlow);
    expect(new Set(slow.map((it) => it["db.query.text"]))).toEqual(new Set([TEXT]));
    expect(new Set(slow.map((it) => it["db.query.fingerprint"])).size).toBe(1);
    for (const it of slow) expect(it["event.duration"]).toBeGreaterThan(SLOW_MS * 1e6);
  });

  test("their plans are events with the statement", async () => {
    const plans = async () =>
      (await events()).filter((it) =>
        String(it["postgresql.log.plan"]).startsWith("Result  (cost="),
      );
    await expect.poll(plans).toHaveLength(PREFIXES.length);
    for (const it of await plans()) {
      expect(it["postgresql.log.query"]).toBe(SLOW);
      expect(it["db.query.text"]).toBe(TEXT);
    }
  });

  test("errors have their level and their statement", async () => {
    const errors = async () =>
      (await events()).filter((it) => it["message"] === "division by zero");
    await expect.poll(errors).toHaveLength(PREFIXES.length);
    for (const it of await errors()) {
      expect(it).toMatchObject({ "log.level": "ERROR", "event.type": ["error"] });
    }
    // In stderr the statement is a line of its own after the error.
    const statements = async () =>
      (await events()).filter((it) => it["db.query.text"] === "select ? / ?");
    await expect.poll(statements).toHaveLength(PREFIXES.length);
  });

  test("a dead lock names the waiting processes and statements", async () => {
    const dead = async () => (await events()).filter((it) => it["message"] === "deadlock detected");
    await expect.poll(dead).toHaveLength(1);
    const locks = async () =>
      (await events()).filter((it) => String(it["message"]).includes("ShareLock"));
    // In stderr they are in lines of their own.
    const texts = destination === "stderr" ? locks : dead;
    await expect
      .poll(async () => JSON.stringify(await texts()))
      .toMatch(/waits for ShareLock on transaction \d+; blocked by process \d+/);
  });

  test("no line is quarantined, and every event has its time, process and level", async () => {
    expect(await logs[destination].events("quarterdeck.quarantine")).toEqual([]);
    for (const it of await events()) {
      expect(it["@timestamp"]).toMatch(/^20\d\d-.*Z$/);
      expect(it["log.level"]).toMatch(/^[A-Z]+\d?$/);
    }
  });
});

test("user, database and client of all prefixes that have them", async () => {
  const slow = (await logs.stderr.events("postgresql.log")).filter(
    (it) => it["postgresql.log.query_step"] === "statement" && it["db.query.text"] === TEXT,
  );
  const users = slow.map((it) => [it["user.name"], it["postgresql.log.database"], it["source.ip"]]);
  const user = "quarterdeck";
  expect(users).toEqual([
    [undefined, undefined, undefined],
    [user, "postgres", undefined],
    [user, "postgres", "127.0.0.1"],
    [undefined, undefined, undefined],
    [user, "postgres", "127.0.0.1"],
    [user, "postgres", "127.0.0.1"],
  ]);
});
