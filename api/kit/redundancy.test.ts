import { setTimeout as delay } from "node:timers/promises";

import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";

import { startFaultyProxy } from "../../tests/harness/faulty-proxy.ts";
import { type Server, startReplicatedPostgres } from "../../tests/harness/replicated-postgres.ts";
import { notes } from "./testing-notes.ts";
import { type TestService, testService } from "./testing.ts";

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
