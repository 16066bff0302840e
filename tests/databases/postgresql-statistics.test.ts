import { writeFile } from "node:fs/promises";
import path from "node:path";

import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";

import { databaseKind } from "#collectors/sources/database.ts";
import { PostgresSampler } from "#collectors/sources/databases/postgres-sampler.ts";
import { UTC } from "#collectors/zone.ts";
import { Ingest } from "#pipeline/ingest/ingest.ts";
import { openMemoryStore } from "#pipeline/store/memory-store.ts";
import { systemClock } from "#platform/clock.ts";

import { temporaryFolder } from "../harness/program.ts";
import { type LoggingPostgres, startLoggingPostgres } from "./logging-postgres.ts";

const PASSWORD = "p@ss:w/rd";

const stack = new AsyncDisposableStack();
let server: LoggingPostgres;

beforeAll(async () => {
  server = stack.use(await startLoggingPostgres());
  const client = await server.connect();
  await client.query("CREATE EXTENSION pg_stat_statements");
  for (const role of ["monitor", "stranger"]) {
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'`);
  }
  await client.query("GRANT pg_monitor TO monitor");
  await client.query("CREATE TABLE stock (id int PRIMARY KEY, units int)");
  await client.query("INSERT INTO stock VALUES (1, 1)");
  await client.end();
});

afterAll(() => stack.disposeAsync());

const urlOf = (role: string, password = PASSWORD): string => {
  const url = new URL(server.url);
  url.username = role;
  url.password = encodeURIComponent(password);
  return url.href;
};

const samplerOf = (url: string): PostgresSampler => {
  const { hostname: host, port } = new URL(url);
  return new PostgresSampler(async () => ({ url, host, port: Number(port) }));
};

test("a role with pg_monitor and nothing else samples connections, locks, cache and statements", async () => {
  const sampler = samplerOf(urlOf("monitor"));
  const first = await sampler.sample();
  expect(first.advice).toEqual([]);
  const client = await server.connect();
  for (const id of [1, 2, 3]) await client.query(`SELECT units FROM stock WHERE id = ${id}`);
  await client.end();
  const events = await vi.waitFor(
    async () => {
      const sample = await sampler.sample();
      const found = sample.events.filter(
        (it) => it["db.query.text"] === "select units from stock where id = ?",
      );
      expect(found).toHaveLength(1);
      return { status: sample.events[0], statement: found[0] };
    },
    { timeout: 20_000 },
  );
  expect(events.status).toMatchObject({
    "db.locks.waiting": 0,
    "postgresql.status.deadlocks": 0,
    "postgresql.status.connections.max": 100,
  });
  expect(events.status?.["db.connections.used"]).toBeGreaterThan(0);
  expect(events.status?.["db.cache.hit_ratio"]).toBeGreaterThan(0.5);
  expect(events.statement).toMatchObject({
    "data_stream.dataset": "postgresql.statement",
    "postgresql.statement.query.calls": 3,
    "postgresql.statement.database.name": "postgres",
    "user.name": "quarterdeck",
  });
  const own = await server.connect(urlOf("monitor"));
  await expect(own.query("SELECT * FROM stock")).rejects.toThrow("permission denied");
  await own.end();
});

test("a statement that waits for a lock is counted", async () => {
  const [holder, waiting] = await Promise.all([server.connect(), server.connect()]);
  await holder.query("BEGIN");
  await holder.query("UPDATE stock SET units = 2 WHERE id = 1");
  const update = waiting.query("UPDATE stock SET units = 3 WHERE id = 1");
  const sampler = samplerOf(urlOf("monitor"));
  await vi.waitFor(
    async () => {
      const { events } = await sampler.sample();
      expect(events[0]?.["db.locks.waiting"]).toBe(1);
    },
    { timeout: 20_000 },
  );
  await holder.query("ROLLBACK");
  await update;
  await Promise.all([holder.end(), waiting.end()]);
});

test("rights that are missing, and those that are not needed, are named", async () => {
  const stranger = await samplerOf(urlOf("stranger")).sample();
  expect(stranger.advice).toEqual([
    'the role stranger sees only itself: GRANT pg_monitor TO "stranger"',
  ]);
  const superuser = await samplerOf(server.url).sample();
  expect(superuser.advice).toEqual([
    "the role quarterdeck is a superuser: use one that only has pg_monitor",
  ]);
});

test.each([
  ["a wrong password", () => urlOf("monitor", "wr0ng"), "the password is wrong"],
  ["no server", () => urlOf("monitor").replace(/:\d+\//, ":1/"), "nothing listens there"],
  ["no database", () => urlOf("monitor").replace("/postgres", "/nothing"), "does not exist"],
])("%s is stated without the password", async (_case, url, reason) => {
  const failure = await samplerOf(url()).sample().catch(String);
  expect(failure).toContain(reason);
  expect(failure).not.toMatch(/wr0ng|p@ss/);
});

test("a source of the sources file stores samples as gauges, with the password from a file", async () => {
  await using folder = await temporaryFolder();
  const passwordFile = path.join(folder.path, "password");
  await writeFile(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const url = urlOf("monitor", "");
  const properties = { url, passwordFile, interval: 10 };
  const deps = {
    id: "shop-db",
    clock: systemClock,
    dataFolder: folder.path,
    locksFolder: folder.path,
  };
  const source = await databaseKind.open?.(properties, deps);
  if (!source) throw new Error("it can be opened");
  await using store = openMemoryStore()();
  const zone = UTC;
  const rules = { signIn: [], signOut: [] };
  const ingest = new Ingest({
    store,
    clock: systemClock,
    rules,
    zone,
    sealAfterMs: 50,
    foldEveryMs: 1_000,
  });
  const controller = new AbortController();
  const run = ingest.run(source, controller.signal);
  onTestFinished(async () => {
    controller.abort();
    await run;
    await source[Symbol.asyncDispose]();
  });
  const where = [{ field: "data_stream.dataset", op: "eq" as const, value: "postgresql.status" }];
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where, limit: 10 };
  await expect.poll(() => store.search(all)).not.toEqual([]);
  const [event] = await store.search(all);
  expect(event?.fields).toMatchObject({
    "data_stream.dataset": "postgresql.status",
    "service.name": "shop-db",
    "event.kind": "metric",
  });
  expect(event?.fields["db.connections.used"]).toBeGreaterThan(0);
  expect(source.status()[0]?.message).toContain("is sampled");
});
