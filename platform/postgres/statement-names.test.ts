import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type Database, poolDatabase } from "./database.ts";
import { type EmbeddedServer, startEmbedded } from "./embedded.ts";
import { StatementNames } from "./statement-names.ts";

const MANY = 50;
const READ = "SELECT * FROM things WHERE id = $1";

describe("statements that run again and again", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "qd statements "));
  let server: EmbeddedServer;
  let database: Database;

  beforeAll(async () => {
    server = await startEmbedded(folder);
    // One connection, so that its prepared statements can be read.
    database = poolDatabase(server.url, { onError: () => undefined, connectionsMax: 1 });
    await database.query("CREATE TABLE things (id int PRIMARY KEY)");
    await database.query("INSERT INTO things VALUES (1)");
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const readOften = async (): Promise<void> => {
    for (let run = 0; run < MANY; run += 1) await database.query(READ, [1]);
  };
  const prepared = async (): Promise<unknown[]> => {
    const rows = await database.query("SELECT statement FROM pg_prepared_statements");
    return rows.map(({ statement }) => statement);
  };

  test("are planned once per connection", async () => {
    await database.query("SELECT 'rare' AS is_rare");
    await readOften();
    expect(await prepared()).toEqual([READ]);
  });

  test("return the new columns after a table was changed", async () => {
    await readOften();
    await database.query("ALTER TABLE things ADD COLUMN name text DEFAULT 'new'");
    expect(await database.query(READ, [1])).toEqual([{ id: 1, name: "new" }]);
  });

  test("run when a pooler has passed them to a connection that does not know them", async () => {
    const read = "SELECT id FROM things WHERE id = $1";
    for (let run = 0; run < MANY; run += 1) await database.query(read, [1]);
    expect(await prepared()).toContain(read);
    await database.query("DEALLOCATE ALL");
    expect(await database.query(read, [1])).toEqual([{ id: 1 }]);
    expect(await database.query(read, [1])).toEqual([{ id: 1 }]);
  });

  test("that fail are reported as before, and can be run again", async () => {
    const divide = "SELECT 1 / $1::int AS result";
    for (let run = 0; run < MANY; run += 1) await database.query(divide, [1]);
    await expect(database.query(divide, [0])).rejects.toThrow(/division by zero/);
    expect(await database.query(divide, [1])).toEqual([{ result: 1 }]);
  });
});

describe("names of statements", () => {
  const nameAfter = (runs: number, text: string, names = new StatementNames("billing")) => {
    for (let run = 1; run < runs; run += 1) names.nameOf(text);
    return names.nameOf(text);
  };

  test("differ between schemas, so that a shared connection does not confuse their tables", () => {
    const inBilling = nameAfter(MANY, READ);
    expect(inBilling).toMatch(/^quarterdeck_[0-9a-f]{32}$/);
    expect(nameAfter(MANY, READ, new StatementNames("accounts"))).not.toBe(inBilling);
    expect(nameAfter(MANY, READ)).toBe(inBilling);
  });

  test("are limited in number, and so are the texts that are counted", () => {
    const names = new StatementNames();
    const texts = Array.from({ length: 200 }, (_, index) => `SELECT ${index}`);
    const named = texts.filter((text) => nameAfter(MANY, text, names) !== undefined);
    expect(named.length).toBe(64);
    expect(nameAfter(MANY, "SELECT 0", names)).toBeDefined();
  });

  test("are not given to pages", () => {
    expect(nameAfter(MANY, "SELECT id FROM things ORDER BY id LIMIT $1")).toBeUndefined();
  });
});
