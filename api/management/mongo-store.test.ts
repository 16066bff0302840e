import { randomUUID } from "node:crypto";

import type { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { testService } from "#api/kit/testing.ts";

import { type ReplicaSet, startReplicaSet } from "../../tests/harness/mongo-replica-set.ts";
import { type MongoServer, startMongo } from "../../tests/harness/mongo-server.ts";
import { mongoClient, openMongoStore } from "./repositories/mongo-store.ts";
import { management } from "./service.ts";
import { testSettingsStore } from "./store/contract.ts";
import type { SettingsStore } from "./store/port.ts";

const server: MongoServer | undefined = await startMongo();
let members: ReplicaSet;
let client: MongoClient;
let store: SettingsStore;

beforeAll(async () => {
  if (server === undefined) return;
  members = await startReplicaSet(server);
  client = mongoClient(members.url);
  store = await openMongoStore(client);
});

afterAll(async () => {
  await store?.close();
  await members?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const noTransaction = {
  query: () => Promise.reject(new Error("the MongoDB store must not use SQL")),
};
const shop = { name: "shop", description: "", reason: "start" };
const revisions = () => client.db().collection("management_revisions");

describe.skipIf(server === undefined)("the store in MongoDB", () => {
  testSettingsStore(() => ({ store, inTransaction: (work) => work(noTransaction) }));

  test("decisions read the primary and write to a majority; stale reads use secondaries", async () => {
    const from = {
      primary: members.primary.commands.length,
      secondary: members.secondary.commands.length,
    };
    await using service = await testService(management, { env: { MONGODB_URL: members.url } });
    const body = { ...shop, name: "edges" };
    const added = await service.send("POST", "/v1/applications", { as: service.root, body });
    expect(added.status).toBe(201);
    const path = "/v1/applications/edges";
    const headers = { "if-match": '"1"' };
    const change = { description: "new", reason: "r" };
    const changed = await service.send("PATCH", path, { as: service.root, headers, body: change });
    expect(changed.status).toBe(200);
    await service.send("GET", "/v1/settings/edges/resolved", { as: service.root });
    const toPrimary = members.primary.commands.slice(from.primary);
    const toSecondary = members.secondary.commands.slice(from.secondary);
    const writes = toPrimary.filter((it) => "insert" in it || "update" in it);
    expect(writes.length).toBeGreaterThan(2);
    for (const it of writes) expect(it["writeConcern"]).toMatchObject({ w: "majority" });
    for (const it of [...toPrimary, ...toSecondary].filter((command) => "find" in command)) {
      expect(it["readConcern"]).toEqual({ level: "majority" });
    }
    expect(toSecondary.every((it) => "find" in it)).toBe(true);
    expect(toSecondary).toContainEqual(
      expect.objectContaining({
        find: "management_applications",
        filter: { _id: "edges" },
        $readPreference: { mode: "secondaryPreferred", maxStalenessSeconds: 90 },
      }),
    );
    expect(client.options.retryWrites).toBe(true);
    expect(client.options.retryReads).toBe(true);
  });

  test("a crash between the two writes loses no revision", async () => {
    await using service = await testService(management, { env: { MONGODB_URL: members.url } });
    const as = service.root;
    await service.send("POST", "/v1/applications", { as, body: { ...shop, name: "dies" } });
    const rename = (description: string) =>
      service.send("PATCH", "/v1/applications/dies", {
        as,
        headers: { "if-match": "*" },
        body: { description, reason: description },
      });
    await rename("two");
    // The state after the application was written and before its revision was in the history.
    await revisions().deleteOne({ application: "dies", revision: 2 });
    const list = async () =>
      (await service.send("GET", "/v1/applications/dies/revisions", { as })).json;
    expect(await list()).toMatchObject({
      items: [{ revision: 2, reason: "two" }, { revision: 1 }],
    });
    const one = await service.send("GET", "/v1/applications/dies/revisions/2", { as });
    expect(one.json).toMatchObject({ changes: [{ before: "", after: "two" }] });
    await rename("three");
    // As written by an older release.
    await revisions().updateOne({ application: "dies", revision: 1 }, { $unset: { facts: "" } });
    expect(await list()).toMatchObject({
      items: [{ revision: 3 }, { revision: 2, reason: "two" }, { revision: 1 }],
    });
  });

  test("a change whose response was lost is announced, and a retry with its key does not repeat it", async () => {
    await using service = await testService(management, { env: { MONGODB_URL: members.url } });
    const as = service.root;
    await service.send("POST", "/v1/applications", { as, body: { ...shop, name: "lost" } });
    const send = () =>
      service.send("PATCH", "/v1/applications/lost", {
        as,
        headers: { "if-match": '"1"', "idempotency-key": "once" },
        body: { description: "changed", reason: "r" },
      });
    expect((await send()).status).toBe(200);
    // The state after a crash between the writes to MongoDB and PostgreSQL.
    await service.database.query("DELETE FROM idempotency");
    await service.database.query("DELETE FROM events");
    await service.database.query("UPDATE announced SET revision = 1");
    service.clock.now += 11_000;
    await service.runJobs();
    // The feed withholds events while older transactions are open.
    await expect
      .poll(async () => (await service.send("GET", "/v1/events", { as })).json)
      .toMatchObject({
        items: [{ type: "management.application.changed", data: { revision: 2 } }],
      });
    const again = await send();
    expect([again.status, again.json]).toMatchObject([200, { version: 2, description: "changed" }]);
    const history = await service.send("GET", "/v1/applications/lost/revisions", { as });
    expect(history.json).toMatchObject({ items: [{ revision: 2 }, { revision: 1 }] });
  });

  test("concurrent changes of one setting are not lost", async () => {
    await using service = await testService(management, { env: { MONGODB_URL: members.url } });
    const as = service.root;
    await service.send("POST", "/v1/applications", { as, body: { ...shop, name: "busy" } });
    const keys = Array.from({ length: 8 }, (_, index) => `key${index}`);
    const responses = await Promise.all(
      keys.map((key) =>
        service.send("PUT", `/v1/settings/busy/definitions/${key}`, {
          as,
          body: {
            definition: { description: "", schema: { type: "boolean" }, default: true },
            reason: key,
          },
        }),
      ),
    );
    expect(responses.map((it) => it.status)).toEqual(keys.map(() => 200));
    const resolved = await service.send("GET", "/v1/settings/busy/resolved", { as });
    expect(resolved.json).toMatchObject({
      revision: 9,
      settings: Object.fromEntries(keys.map((key) => [key, true])),
    });
  });

  test("a secondary that lags too far behind is not read", async () => {
    await using pair = await startReplicaSet(server as MongoServer);
    pair.secondary.lagMs = 600_000;
    await using service = await testService(management, { env: { MONGODB_URL: pair.url } });
    const list = await service.send("GET", "/v1/applications", { as: service.root });
    expect(list.status).toBe(200);
    expect(pair.secondary.commands.filter((it) => "find" in it)).toEqual([]);
    expect(pair.primary.commands.filter((it) => "find" in it)).toHaveLength(1);
  });

  const NOT_PRIMARY = { ok: 0, code: 10_107, codeName: "NotWritablePrimary", errmsg: "no" };
  const NO_MAJORITY = {
    ok: 1,
    n: 1,
    nModified: 1,
    writeConcernError: { code: 64, codeName: "WriteConcernFailed", errmsg: "waiting timed out" },
  };
  test.each([
    ["a primary that steps down", NOT_PRIMARY],
    ["a primary that shuts down", { ...NOT_PRIMARY, code: 91, codeName: "ShutdownInProgress" }],
    ["a majority that does not answer", NO_MAJORITY],
  ])("%s is 503 until it is over", async (_, reply) => {
    await using pair = await startReplicaSet(server as MongoServer);
    await using service = await testService(management, { env: { MONGODB_URL: pair.url } });
    const as = service.root;
    const body = { ...shop, name: `steps-${randomUUID().slice(0, 8)}` };
    const add = () => service.send("POST", "/v1/applications", { as, body });
    expect((await add()).status).toBe(201);
    const change = () =>
      service.send("PATCH", `/v1/applications/${body.name}`, {
        as,
        headers: { "if-match": "*" },
        body: { description: "changed", reason: "r" },
      });
    pair.primary.reply = reply;
    const refused = await change();
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    pair.primary.reply = undefined;
    await expect.poll(async () => (await change()).status, { timeout: 20_000 }).toBe(200);
  });

  test("an unavailable secondary is skipped; without a primary, changes get a 503", async () => {
    await using pair = await startReplicaSet(server as MongoServer);
    await using service = await testService(management, { env: { MONGODB_URL: pair.url } });
    const as = service.root;
    await service.send("POST", "/v1/applications", { as, body: { ...shop, name: "alone" } });
    await pair.secondary.stop();
    const list = () => service.send("GET", "/v1/applications", { as });
    expect((await list()).status).toBe(200);
    await pair.primary.stop();
    const body = { ...shop, name: "none" };
    const refused = await service.send("POST", "/v1/applications", { as, body });
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    expect((await service.send("GET", "/readyz")).status).toBe(503);
  });
});
