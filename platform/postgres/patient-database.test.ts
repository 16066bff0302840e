import { describe, expect, test } from "vitest";

import { AppError } from "../errors.ts";
import { type Database, OutcomeUnknown } from "./database.ts";
import { patientDatabase } from "./patient-database.ts";

const LONG_MS = 60_000;
const SHORT_MS = 100;

const coded = (code: string): Error => Object.assign(new Error(code), { code });
const unavailable = (cause: Error, Kind: typeof AppError = AppError): AppError =>
  new Kind("unavailable", "away", { cause });

/** Fails with the errors, one after the other, and then answers. */
function failingWith(errors: readonly Error[]): Database & { calls: number } {
  const left = [...errors];
  const database: Database & { calls: number } = {
    calls: 0,
    async query() {
      database.calls += 1;
      const error = left.shift();
      if (error !== undefined) throw error;
      return [{ calls: database.calls }];
    },
    async transaction(work) {
      await database.query("BEGIN");
      return work(database);
    },
    close: async () => undefined,
  };
  return database;
}

describe("while the server is away", () => {
  const restart = [
    unavailable(coded("57P01")),
    unavailable(coded("ECONNREFUSED")),
    unavailable(coded("57P03")),
    unavailable(new Error("Connection terminated unexpectedly")),
  ];

  test("statements and transactions are tried again", async () => {
    const database = patientDatabase(failingWith(restart), { waitMs: LONG_MS });
    expect(await database.query("SELECT 1")).toEqual([{ calls: 5 }]);
    const other = patientDatabase(failingWith(restart), { waitMs: LONG_MS });
    expect(await other.transaction(async () => "done")).toBe("done");
  });

  test("it is waited for a short time only, and not again by those that come later", async () => {
    const away = failingWith(Array.from({ length: 1_000 }, () => unavailable(coded("57P03"))));
    const database = patientDatabase(away, { waitMs: SHORT_MS });
    await expect(database.query("SELECT 1")).rejects.toThrow("away");
    const before = away.calls;
    expect(before).toBeGreaterThan(1);
    await expect(database.query("SELECT 1")).rejects.toThrow("away");
    expect(away.calls).toBe(before + 1);
  });
});

test.each([
  ["a write that may have been done", unavailable(coded("57P01"), OutcomeUnknown)],
  ["a statement that takes too long", unavailable(coded("57014"))],
  ["a mistake in a statement", coded("42601")],
])("%s is not tried again", async (_name, error) => {
  const once = failingWith([error]);
  const database = patientDatabase(once, { waitMs: LONG_MS });
  await expect(database.query("SELECT 1")).rejects.toBe(error);
  expect(once.calls).toBe(1);
});
