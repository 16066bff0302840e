import { Client } from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";

import { type Database, poolDatabase } from "./database.ts";
import { type RowOf, json, optional, table, time } from "./table.ts";

const SCHEMA = "table_test";
const notes = table("notes", {
  id: z.string(),
  ownerId: z.string().nullable(),
  title: optional(z.string()),
  amount: z
    .codec(z.string(), z.bigint(), { decode: BigInt, encode: String })
    .meta({ cast: "text" }),
  tags: json(z.array(z.string())),
  startMs: time.meta({ column: "valid_from" }),
  closedAtMs: time.nullable(),
  upper: z.string().meta({ sql: "upper(id)" }),
  version: z.number(),
  createdAtMs: time,
});
const NOTE = {
  id: "note-1",
  ownerId: null,
  title: undefined,
  amount: 2n ** 60n,
  tags: ["a", "b"],
  startMs: 1_000,
  closedAtMs: null,
  createdAtMs: 2_000,
};

let database: Database;
beforeAll(async () => {
  const url = inject("postgresUrl");
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE; CREATE SCHEMA ${SCHEMA}`);
  await client.end();
  database = poolDatabase(url, { onError: () => undefined, schema: SCHEMA });
  await database.query(`CREATE TABLE notes (id text PRIMARY KEY, owner_id text, title text, amount bigint NOT NULL,
    tags jsonb NOT NULL, valid_from timestamptz NOT NULL, closed_at timestamptz, version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL)`);
});
afterAll(async () => {
  await database.query(`DROP SCHEMA ${SCHEMA} CASCADE`);
  await database.close();
});

const insert = (values: Partial<RowOf<typeof notes>>) =>
  notes.insert(database, { ...NOTE, ...values });
const at = (id: string, ms: number) => insert({ id, ownerId: "page", createdAtMs: ms });

test("a row is read as written, with casts, other columns and expressions", async () => {
  const row = await insert({ id: "note-1" });
  expect(row).toEqual({ ...NOTE, upper: "NOTE-1", version: 1 });
  expect(await notes.find(database, { id: "note-1" })).toEqual(row);
  expect(await notes.find(database, { id: "note-1", startMs: 1 })).toBeUndefined();
});

test("an expression can be a condition, but is never written", async () => {
  const row = await insert({ id: "note-2", upper: "anything" });
  expect(row.upper).toBe("NOTE-2");
  expect(await notes.find(database, { upper: "NOTE-2" })).toEqual(row);
  const changed = await notes.update(database, { upper: "NOTE-2" }, { ...row, title: "t" });
  expect(changed).toEqual({ ...row, title: "t" });
});

test("an existing row is not inserted again", async () => {
  await insert({ id: "twice" });
  expect(await notes.insertIfAbsent(database, { ...NOTE, id: "twice" })).toBeUndefined();
  await expect(insert({ id: "twice" })).rejects.toMatchObject({ code: "23505" });
});

test("an update changes only the given properties and increments the version", async () => {
  await insert({ id: "changed", ownerId: "ada" });
  const changes = { closedAtMs: 5_000, ownerId: undefined };
  const row = await notes.update(database, { id: "changed" }, changes);
  expect(row).toMatchObject({ closedAtMs: 5_000, ownerId: "ada", version: 2 });
  expect(await notes.update(database, { id: "changed" }, { version: 7 })).toMatchObject({
    version: 7,
  });
  await expect(notes.update(database, { id: "unknown" }, changes)).rejects.toThrow("no row");
});

test("pages continue after a row, in both orders, and have one row more than the limit", async () => {
  for (const [id, ms] of [
    ["p1", 10],
    ["p2", 20],
    ["p3", 20],
    ["p4", 30],
  ] as const)
    await at(id, ms);
  const ids = async (order: "newest" | "oldest", after: readonly [number, string], limit = 2) =>
    (await notes.page(database, { limit, after, order, where: { ownerId: "page" } })).map(
      (it) => it.id,
    );
  expect(await ids("oldest", [0, ""], 1)).toEqual(["p1", "p2"]);
  expect(await ids("oldest", [20, "p2"])).toEqual(["p3", "p4"]);
  expect(await ids("newest", [99, ""])).toEqual(["p4", "p3", "p2"]);
  expect(await ids("newest", [20, "p2"])).toEqual(["p1"]);
});

test("conditions of a page contain values, and those without a value are left out", async () => {
  await insert({ id: "c1", ownerId: "conditions", amount: 5n });
  await insert({ id: "c2", ownerId: "conditions", amount: 50n });
  const page = { limit: 10, after: [0, ""], order: "oldest" } as const;
  const where = { ownerId: "conditions" };
  const and = { "amount > $": 5, "amount < $": undefined };
  expect(await notes.page(database, { ...page, where, and })).toMatchObject([{ id: "c2" }]);
});

test("a row that does not match the declaration is an error", () => {
  const declared = table("notes", { id: z.string(), amount: z.string() });
  expect(() => declared.parse([{ id: "note-1", amount: 5 }])).toThrow(/amount/);
});
