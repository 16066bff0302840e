import { setTimeout as delay } from "node:timers/promises";

import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";

import { route } from "#platform/http/route.ts";
import { text } from "#platform/http/schema.ts";

import { startFaultyProxy } from "../../tests/harness/faulty-proxy.ts";
import { type Server, startReplicatedPostgres } from "../../tests/harness/replicated-postgres.ts";
import type { Service } from "./service.ts";
import { type TestService, testService } from "./testing.ts";

const notes: Service = {
  name: "management",
  title: "Notes",
  description: "Notes, in a primary and its replica",
  migrations: [{ id: "0001", sql: "CREATE TABLE notes (words text PRIMARY KEY, id bigserial)" }],
  jobs: [],
  events: [],
  open: () =>
    Promise.resolve({
      jobs: {},
      routes: [
        route({
          method: "POST",
          path: "/v1/notes",
          operationId: "addNote",
          tag: "Notes",
          summary: "Adds a note",
          rule: { allow: "signed-in" },
          body: z.strictObject({ words: text({ max: 100 }) }),
          idempotency: "optional",
          responses: { 201: { description: "Added" } },
          handle: ({ body, write }) =>
            write(async (tx) => {
              await tx.query("INSERT INTO notes (words) VALUES ($1)", [body.words]);
              return { status: 201 };
            }),
        }),
        route({
          method: "GET",
          path: "/v1/notes/{words}",
          operationId: "findNote",
          tag: "Notes",
          summary: "Whether a note exists, and which server answered",
          rule: { allow: "signed-in" },
          reads: "replica",
          params: z.strictObject({ words: text({ max: 100 }) }),
          responses: {
            200: {
              description: "The result",
              body: z.strictObject({ there: z.boolean(), replica: z.boolean() }),
            },
          },
          async handle({ params, read }) {
            const [row] = await read.query(
              "SELECT pg_is_in_recovery() AS replica, EXISTS (SELECT FROM notes WHERE words = $1) AS there",
              [params.words],
            );
            return {
              status: 200,
              body: { there: row?.["there"] === true, replica: row?.["replica"] === true },
            };
          },
        }),
      ],
    }),
};

let primary: Server;
let replica: Server;
let service: TestService;
/** Stops what was started, even if starting the rest failed. */
const started = new AsyncDisposableStack();
beforeAll(async () => {
  ({ primary, replica } = started.use(await startReplicatedPostgres()));
  service = started.use(
    await testService(notes, {
      databaseUrl: primary.url,
      env: { DATABASE_REPLICA_URLS: replica.url },
    }),
  );
});
afterAll(() => started.disposeAsync());

let count = 0;
const add = async () => {
  count += 1;
  const words = `note ${count}`;
  const response = await service.send("POST", "/v1/notes", { as: service.root, body: { words } });
  return { words, ...response, readAfter: response.headers.get("read-after") ?? "" };
};
const Found = z.object({ there: z.boolean(), replica: z.boolean() });
const find = async (words: string, headers: Record<string, string> = {}, as = service.root) => {
  const response = await service.send("GET", `/v1/notes/${words}`, { as, headers });
  const found = Found.safeParse(response.json).data ?? { there: false, replica: false };
  return { status: response.status, ...found };
};

/** Sends requests until stopped, and collects the responses. */
function load<T>(send: () => Promise<T>): { stop(): Promise<T[]> } {
  const responses: T[] = [];
  const state = { stopped: false };
  const senders = Array.from({ length: 4 }, async () => {
    while (!state.stopped) responses.push(await send());
  });
  return {
    async stop() {
      state.stopped = true;
      await Promise.all(senders);
      return responses;
    },
  };
}

test("reads that tolerate lag go to the replica", async () => {
  const { words, readAfter } = await add();
  expect(await find(words, { "read-after": readAfter })).toMatchObject({
    status: 200,
    there: true,
  });
  await expect.poll(() => find(words)).toMatchObject({ there: true, replica: true });
});

test("callers read their own writes, also while the replica lags", async () => {
  await replica.ask("SELECT pg_wal_replay_pause()");
  const written = await add();
  const other = await service.token({});
  expect(await find(written.words, {}, other)).toMatchObject({ there: false, replica: true });
  expect(await find(written.words)).toMatchObject({ there: true, replica: false });
  const told = await find(written.words, { "read-after": written.readAfter }, other);
  expect(told).toMatchObject({ there: true, replica: false });
  await replica.ask("SELECT pg_wal_replay_resume()");
  await expect.poll(() => find(written.words)).toMatchObject({ there: true, replica: true });
});

test("a replica that lags when a service starts is not used until it has caught up", async () => {
  await replica.ask("SELECT pg_wal_replay_pause()");
  const { words } = await add();
  await using other = await testService(notes, {
    databaseUrl: primary.url,
    env: { DATABASE_REPLICA_URLS: replica.url },
  });
  const read = async () => (await other.send("GET", `/v1/notes/${words}`, { as: other.root })).json;
  for (let reads = 0; reads < 20; reads += 1) {
    expect(await read()).toEqual({ there: true, replica: false });
  }
  await replica.ask("SELECT pg_wal_replay_resume()");
  await expect.poll(read).toEqual({ there: true, replica: true });
});

test("a replica that is killed under load is skipped, and used again after it recovers", async () => {
  const { words } = await add();
  await expect.poll(() => find(words)).toMatchObject({ there: true, replica: true });
  const reading = load(() => find(words));
  await replica.kill();
  await expect.poll(() => find(words)).toMatchObject({ replica: false });
  await replica.start();
  await expect.poll(() => find(words)).toMatchObject({ replica: true });
  const responses = await reading.stop();
  expect(responses.filter((it) => it.status !== 200 || !it.there)).toEqual([]);
});

test("a replica with a silent connection does not delay readers for long", async () => {
  await using proxy = await startFaultyProxy(replica.url);
  await using other = await testService(notes, {
    databaseUrl: primary.url,
    env: { DATABASE_REPLICA_URLS: proxy.url },
  });
  const { words } = await add();
  const read = async () => {
    const { status, json } = await other.send("GET", `/v1/notes/${words}`, { as: other.root });
    return { status, ...Found.parse(json) };
  };
  await expect.poll(read).toMatchObject({ there: true, replica: true });
  proxy.stall();
  const soon = () => Promise.race([read(), delay(500)]);
  await expect.poll(soon).toMatchObject({ status: 200, replica: false });
  proxy.recover();
  await expect.poll(read).toMatchObject({ there: true, replica: true });
}, 60_000);

test("without the primary, writes get 503 with Retry-After and reads continue; both recover by themselves", async () => {
  const { words } = await add();
  await expect.poll(() => find(words)).toMatchObject({ there: true, replica: true });
  const other = await service.token({});
  const reading = load(() => find(words, {}, other));
  const writing = load(add);
  await expect.poll(async () => (await add()).status).toBe(201);
  await primary.kill();
  const refused = await add();
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(refused.json).toMatchObject({ title: "Service Unavailable" });
  expect((await service.send("GET", "/readyz")).status).toBe(503);
  expect((await service.send("GET", "/livez")).status).toBe(200);
  await primary.start();
  await expect.poll(async () => (await add()).status).toBe(201);
  const writes = await writing.stop();
  const reads = await reading.stop();
  expect(reads.filter((it) => it.status !== 200 || !it.there)).toEqual([]);
  expect(new Set(writes.map((it) => it.status))).toEqual(new Set([201, 503]));
  const kept = writes.filter((it) => it.status === 201).map((it) => it.words);
  const rows = await service.database.query("SELECT words FROM notes WHERE words = ANY($1)", [
    kept,
  ]);
  expect(rows).toHaveLength(kept.length);
}, 60_000);
