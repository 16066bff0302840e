import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { DuckDBInstance, type JS } from "@duckdb/node-api";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import type { NumberField, TextField } from "#collectors/fields.ts";

import { batchColumns } from "./batch-columns.ts";
import { readFooter } from "./read-footer.ts";
import { writeParquet } from "./write-parquet.ts";

let folder = "";
let files = 0;
let instance: DuckDBInstance;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarterdeck-parquet-"));
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
});
afterAll(async () => {
  instance.closeSync();
  await rm(folder, { recursive: true, force: true });
});

type Cell = string | number | null;
type Columns = Record<string, readonly Cell[]>;
const TEXTS: readonly TextField[] = ["url.path", "message", "tags"];
const NUMBERS: readonly NumberField[] = ["@timestamp", "event.duration", "log.offset"];

function batchOf(rows: number, columns: Columns): Batch {
  const batch = new Batch(Math.max(rows, 1));
  for (let row = 0; row < rows; row += 1) {
    for (const name of TEXTS) {
      const value = columns[name]?.[row];
      if (typeof value === "string") batch.text(name).putText(row, value);
    }
    for (const name of NUMBERS) {
      const value = columns[name]?.[row];
      if (typeof value === "number") batch.number(name).put(row, value);
    }
    batch.commit();
  }
  return batch;
}

async function readBack(batch: Batch, metadata = {}): Promise<Record<string, JS>[]> {
  // A new name each time, because DuckDB caches file metadata.
  files += 1;
  const path = join(folder, `${files}.parquet`);
  const { parts } = writeParquet(batchColumns(batch), batch.rows, metadata);
  await writeFile(path, Buffer.concat(parts));
  const connection = await instance.connect();
  try {
    const columns = batchColumns(batch).map(({ name, kind }) =>
      kind === "date" ? `epoch_ms("${name}") AS "${name}"` : `"${name}"`,
    );
    const sql = `SELECT ${columns.join(", ")} FROM read_parquet('${path}')`;
    return (await connection.runAndReadAll(sql)).getRowObjectsJS();
  } finally {
    connection.closeSync();
  }
}

function expected(batch: Batch, columns: Columns): Record<string, JS>[] {
  const names = batchColumns(batch).map((column) => column.name);
  return Array.from({ length: batch.rows }, (_, row) =>
    Object.fromEntries(names.map((name) => [name, expectedValue(name, columns[name]?.[row])])),
  );
}

function expectedValue(name: string, value: Cell | undefined): JS {
  if (value === null || value === undefined) return null;
  if (typeof value === "number") return BigInt(value);
  return name === "tags" ? value.split("\u001F") : value;
}

const nullable = (values: fc.Arbitrary<Cell>): fc.Arbitrary<Cell> =>
  fc.oneof(fc.constant(null), values);
const text = fc.oneof(
  fc.constantFrom("", "a", "b"),
  fc.string({ unit: "binary" }).map((value) => Buffer.from(value).toString()),
  fc.string({ unit: "grapheme", minLength: 60, maxLength: 200 }),
);
const list = fc.array(fc.constantFrom("", "web", "é"), { minLength: 1, maxLength: 4 });
const whole = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.nat(10));

describe("DuckDB reads what was written", () => {
  test("for any columns", async () => {
    const rowsArbitrary = fc.oneof(fc.nat(3), fc.nat(300));
    const columns = rowsArbitrary.chain((rows) => {
      const column = (values: fc.Arbitrary<Cell>): fc.Arbitrary<Cell[]> =>
        fc.oneof(
          fc.array(nullable(values), { minLength: rows, maxLength: rows }),
          fc.constant(Array.from<Cell>({ length: rows }).fill(null)),
        );
      return fc.record({
        rows: fc.constant(rows),
        "url.path": column(text),
        message: column(fc.constantFrom("x", "y")),
        tags: column(list.map((values) => values.join("\u001F"))),
        "@timestamp": column(fc.integer({ min: 0, max: 4e12 })),
        "event.duration": column(whole),
        "log.offset": column(fc.nat()),
      });
    });
    await fc.assert(
      fc.asyncProperty(columns, async ({ rows, ...values }) => {
        const batch = batchOf(rows, values);
        if (rows > 0) expect(await readBack(batch)).toEqual(expected(batch, values));
      }),
      { numRuns: 150 },
    );
  });

  test("over several row groups, with dictionaries small and large, and pages of plain text", async () => {
    const rows = 300_000;
    const values = {
      "url.path": Array.from({ length: rows }, (_, i) => `/${i % 70_000}`),
      message: Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? null : `event number ${i}`)),
      tags: Array.from({ length: rows }, (_, i) => (i % 2 === 0 ? "a\u001Fb" : null)),
      "@timestamp": Array.from({ length: rows }, (_, i) => 1.7e12 + i * 37),
      "event.duration": Array.from({ length: rows }, (_, i) => (i * 7919) ** 2 % 2 ** 50),
      "log.offset": Array.from({ length: rows }, (_, i) => i * 200),
    };
    const batch = batchOf(rows, values);
    const read = await readBack(batch);
    const wanted = expected(batch, values);
    for (let row = 0; row < rows; row += 997) expect(read[row]).toEqual(wanted[row]);
    expect(read.length).toBe(rows);
  });

  test("without rows, and with rows that are null in every column", async () => {
    expect(await readBack(batchOf(2, {}))).toEqual([
      { "@timestamp": null },
      { "@timestamp": null },
    ]);
  });

  test("for values of megabytes", async () => {
    const huge = "é".repeat(3_000_000);
    const values = { message: [huge, "small", huge] };
    expect(await readBack(batchOf(3, values))).toEqual(
      values.message.map((message) => ({ message })),
    );
  });

  test("for bytes that are not UTF-8, which are escaped, while other values are unchanged", async () => {
    const batch = new Batch(3);
    const bytes = [Buffer.from([0x61, 0xff, 0xc3]), Buffer.from([0xa9, 0x62]), Buffer.from("é")];
    for (const [row, value] of bytes.entries()) {
      batch.text("message").put(row, value, 0, value.length);
      batch.commit();
    }
    const read = await readBack(batch);
    expect(read.map((row) => row["message"])).toEqual(["a\\xFF\\xC3", "\\xA9b", "é"]);
  });

  test("for original lines of any length, between rows without one", async () => {
    const batch = new Batch(200_000);
    const lineOf = (row: number): string => {
      if (row % 7 === 0) return "";
      return row === 150_000 ? "é".repeat(9_000_000) : `line ${row} ${"x".repeat(row % 300)}`;
    };
    for (let row = 0; row < 200_000; row += 1) {
      const line = Buffer.from(lineOf(row));
      if (line.length > 0) batch.lines.put(row, line, 0, line.length);
      batch.commit();
    }
    const read = await readBack(batch);
    expect(read).toHaveLength(200_000);
    const wrong = read.filter(
      (found, row) => found["event.original"] !== (row % 7 === 0 ? null : lineOf(row)),
    );
    expect(wrong).toEqual([]);
  });

  test("a whole-number column rejects fractions and numbers beyond 2^53", async () => {
    const batch = new Batch(4);
    for (const [row, value] of [1.9, -1.9, 1e300, Number.NEGATIVE_INFINITY].entries()) {
      batch.number("event.duration").put(row, value);
      batch.commit();
    }
    const read = await readBack(batch);
    const limit = BigInt(Number.MAX_SAFE_INTEGER);
    expect(read.map((row) => row["event.duration"])).toEqual([1n, -1n, limit, -limit]);
  });
});

test("columns with the same values, which are encoded once, and with nearly the same are read as they were", async () => {
  const rows = 2_000;
  const addresses = Array.from({ length: rows }, (_, i) =>
    i % 5 === 0 ? null : `10.0.0.${i % 90}`,
  );
  const others = addresses.map((value, i) => (i === 7 ? null : value));
  const batch = new Batch(rows);
  for (let row = 0; row < rows; row += 1) {
    const [address, other] = [addresses[row], others[row]];
    if (address) batch.text("source.address").putText(row, address);
    if (address) batch.text("source.ip").putText(row, address);
    if (other) batch.text("user.name").putText(row, other);
    batch.commit();
  }
  const read = await readBack(batch);
  expect(read).toEqual(
    addresses.map((address, i) => ({
      "source.address": address,
      "source.ip": address,
      "user.name": others[i],
    })),
  );
});

test("the footer returns rows and metadata of any length", async () => {
  const path = join(folder, "footer.parquet");
  const metadata = { short: "it's é", long: "x".repeat(200_000) };
  const batch = batchOf(2, { message: ["a", "b"] });
  await writeFile(path, Buffer.concat(writeParquet(batchColumns(batch), 2, metadata).parts));
  await using file = await open(path);
  const footer = await readFooter(file);
  expect(footer.rows).toBe(2);
  expect(Object.fromEntries(footer.metadata)).toEqual(metadata);
});

test("invalid footers are rejected with a RangeError and no other error", async () => {
  const path = join(folder, "random.parquet");
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      await writeFile(
        path,
        Buffer.concat([Buffer.from("PAR1"), bytes, length, Buffer.from("PAR1")]),
      );
      await using file = await open(path);
      try {
        await readFooter(file);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 200 },
  );
});
