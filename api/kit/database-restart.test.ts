import { expect, onTestFinished, test } from "vitest";

import { startFaultyProxy } from "../../tests/harness/faulty-proxy.ts";
import { dropDatabase, newServiceDatabase } from "./test-database.ts";
import { notes } from "./testing-notes.ts";
import { type TestService, testService } from "./testing.ts";

const CLIENTS = 4;
const RESTARTS = 10;
const PATIENCE = { timeout: 30_000 };

const add = async (service: TestService, words: string, headers = {}): Promise<number> => {
  const sent = { as: service.root, body: { words }, headers };
  return (await service.send("POST", "/v1/notes", sent)).status;
};
const addOnce = (service: TestService, words: string): Promise<number> =>
  add(service, words, { "idempotency-key": `key-of-${words.replaceAll(" ", "-")}` });

const countOf = async (service: TestService): Promise<number> => {
  const [row] = await service.database.query("SELECT count(*) AS n FROM notes");
  return Number(row?.["n"]);
};

test("a write with a key succeeds once if the response to its COMMIT is lost, and one without says so", async () => {
  const direct = await newServiceDatabase(notes);
  onTestFinished(() => dropDatabase(direct));
  await using proxy = await startFaultyProxy(direct);
  await using service = await testService(notes, { databaseUrl: proxy.url });
  proxy.cutAfter("COMMIT");
  expect(await addOnce(service, "one")).toBe(201);
  expect(await countOf(service)).toBe(1);
  proxy.cutAfter("COMMIT");
  expect(await add(service, "two")).toBe(503);
  await expect.poll(() => countOf(service), PATIENCE).toBe(2);
});

test("no read and no write with a key fails while the server ends all connections again and again", async () => {
  await using service = await testService(notes);
  const state = { isOver: false, sent: 0 };
  const statuses = new Set<number>();
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    while (!state.isOver) {
      state.sent += 1;
      statuses.add(await addOnce(service, `${client} ${state.sent}`));
      statuses.add((await service.send("GET", "/v1/notes", { as: service.root })).status);
    }
  });
  for (let restart = 0; restart < RESTARTS; restart += 1) {
    const before = state.sent;
    await expect.poll(() => state.sent, PATIENCE).toBeGreaterThan(before + CLIENTS);
    await service.database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
  }
  state.isOver = true;
  await Promise.all(clients);
  expect(statuses).toEqual(new Set([200, 201]));
  expect(await countOf(service)).toBe(state.sent);
}, 60_000);
