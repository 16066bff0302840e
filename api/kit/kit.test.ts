import { expect, test } from "vitest";
import { z } from "zod";

import { route } from "#platform/http/route.ts";
import { text } from "#platform/http/schema.ts";
import { parseSettings } from "#platform/settings/settings.ts";

import type { Service } from "./service.ts";
import { kitSettings } from "./settings.ts";
import { testService } from "./testing.ts";

/** A minimal service for testing what all services share. */
const notes: Service = {
  name: "accounts",
  title: "Notes",
  description: "Notes",
  migrations: [{ id: "0001-notes", sql: "CREATE TABLE notes (id serial PRIMARY KEY, words text)" }],
  jobs: [],
  events: [],
  open: (kit) =>
    Promise.resolve({
      jobs: {},
      routes: [
        route({
          method: "POST",
          path: "/v1/notes",
          operationId: "addNote",
          tag: "Notes",
          summary: "Adds a note",
          rule: { allow: "permission", permission: "accounts:notes:write" },
          body: z.strictObject({ words: text({ max: 100 }) }),
          idempotency: "optional",
          responses: { 201: { description: "Added", body: z.strictObject({ id: z.number() }) } },
          handle: ({ body, write, nowMs }) =>
            write(async (tx) => {
              const [row] = await tx.query("INSERT INTO notes (words) VALUES ($1) RETURNING id", [
                body.words,
              ]);
              await kit.publish(tx, {
                type: "note.added",
                subject: "x",
                atMs: nowMs,
                data: { words: body.words },
              });
              return { status: 201, body: { id: Number(row?.["id"]) } };
            }),
        }),
      ],
    }),
};

test("a repeated Idempotency-Key gets the stored response without a second execution", async () => {
  await using service = await testService(notes);
  const as = await service.token({ scope: "accounts:notes:write" });
  const headers = { "idempotency-key": "k1" };
  const sends = Array.from({ length: 8 }, () =>
    service.send("POST", "/v1/notes", { as, headers, body: { words: "one" } }),
  );
  const responses = await Promise.all(sends);
  expect(responses.map((it) => it.status)).toEqual(Array.from({ length: 8 }, () => 201));
  expect(new Set(responses.map((it) => it.text)).size).toBe(1);
  const other = await service.send("POST", "/v1/notes", { as, headers, body: { words: "two" } });
  expect(other.status).toBe(422);
  expect(other.json).toMatchObject({ errors: [{ path: "header.Idempotency-Key" }] });
  expect(await service.database.query("SELECT words FROM notes")).toEqual([{ words: "one" }]);
  // Open transactions of other tests on the same server delay the feed.
  await expect
    .poll(async () => (await service.send("GET", "/v1/events", { as: service.root })).json, {
      timeout: 20_000,
    })
    .toMatchObject({ items: [{ type: "accounts.note.added" }] });
});

test("an idempotency key is scoped to its caller and expires after a day, and equal stored responses are not recognizable", async () => {
  await using service = await testService(notes);
  const callers = await Promise.all(
    [1, 2].map(() => service.token({ scope: "accounts:notes:write", expiresInS: 1e6 })),
  );
  const add = async (as = ""): Promise<unknown> => {
    const headers = { "idempotency-key": "k1" };
    const response = await service.send("POST", "/v1/notes", {
      as,
      headers,
      body: { words: "one" },
    });
    return response.json;
  };
  const kept = async (): Promise<string[]> => {
    const rows = await service.database.query(
      "SELECT encode(answer, 'hex') AS answer FROM idempotency",
    );
    return rows.map(({ answer }) => String(answer));
  };
  expect([await add(callers[0]), await add(callers[1])]).toEqual([{ id: 1 }, { id: 2 }]);
  const before = await kept();
  service.clock.now += 24 * 3_600_000 - 1;
  expect(await add(callers[0])).toEqual({ id: 1 });
  service.clock.now += 1;
  expect(await add(callers[0])).toEqual({ id: 3 });
  const beginnings = [...before, ...(await kept())].map((response) => response.slice(0, 24));
  expect(new Set(beginnings).size).toBe(3);
});

test("/readyz names a dependency that hangs before the prober's timeout", async () => {
  const silent: Service = {
    ...notes,
    open: async (kit, settings) => ({
      ...(await notes.open(kit, settings)),
      checks: { mail: () => new Promise<void>(() => undefined) },
    }),
  };
  await using service = await testService(silent);
  const response = await service.send("GET", "/readyz");
  expect(response).toMatchObject({
    status: 503,
    json: { checks: { database: "ok", mail: "does not answer within 3 s" } },
  });
  expect((await service.send("GET", "/livez")).status).toBe(200);
});

test("requests with unknown tokens are rate-limited", async () => {
  await using service = await testService(notes, { limit: { burst: 3, perSecond: 1 } });
  const known = await service.token({ scope: "accounts:events:read" });
  const statuses: number[] = [];
  for (const as of ["a", "b", "c", "d"]) {
    statuses.push((await service.send("GET", "/v1/events", { as })).status);
  }
  expect(statuses).toEqual([401, 401, 401, 429]);
  expect((await service.send("GET", "/v1/events", { as: known })).status).toBe(200);
});

test("forbidden requests are refused, and invalid fields are named", async () => {
  await using service = await testService(notes);
  const body = { words: "" };
  expect((await service.send("POST", "/v1/notes", { body })).status).toBe(401);
  const nobody = await service.token({});
  expect((await service.send("POST", "/v1/notes", { as: nobody, body })).status).toBe(403);
  const bad = await service.send("POST", "/v1/notes", { as: service.root, body });
  expect(bad.status).toBe(400);
  expect(bad.json).toMatchObject({ errors: [{ path: "body.words" }] });
  const cursor = await service.send("GET", "/v1/events?cursor=bm9uZQ", { as: service.root });
  expect(cursor.json).toMatchObject({ status: 400, errors: [{ path: "query.cursor" }] });
  expect((await service.send("GET", "/nowhere?x=1")).status).toBe(404);
});

test("the trusted proxies are addresses or networks; anything else is rejected with its name", () => {
  const proxies = (value: string) =>
    parseSettings({ kit: kitSettings }, { API_TRUSTED_PROXIES: value }).kit.trustedProxies;
  expect(proxies("")).toEqual(["127.0.0.0/8", "::1"]);
  expect(proxies("none")).toEqual([]);
  expect(proxies("10.0.0.0/8,2001:db8::/32")).toEqual(["10.0.0.0/8", "2001:db8::/32"]);
  for (const wrong of ["10.0.0.0/33", "::/129", "proxy.example.com", "10.0.0.0/8/8", "10.0.0.0/"]) {
    expect(() => proxies(wrong)).toThrow("API_TRUSTED_PROXIES");
  }
});
