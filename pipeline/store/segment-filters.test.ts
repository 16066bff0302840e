import { readdirSync } from "node:fs";
import { cp, mkdtemp, open as openFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { Batch } from "#collectors/batch.ts";
import { FIELDS } from "#collectors/fields.ts";
import { LINE_LAYOUT } from "#collectors/line-layout.ts";
import { type Clock, systemClock } from "#platform/clock.ts";

import { GramFilterBuilder } from "../sketches/gram-filter.ts";
import { positionsAt, T0 } from "./contract.ts";
import { Duck } from "./duck.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import { filterFileParts, filterFrom } from "./filter-file.ts";
import { filterSql, SqlText } from "./filter-sql.ts";
import type { EventStore } from "./port.ts";
import { STORED_LINE } from "./rebuilt-line-sql.ts";
import { FILTER_ROWS_MIN } from "./segment-filters.ts";
import { newSegmentId } from "./segment-id.ts";

const FLIPS = Number(process.env["FLIPS"] ?? 20);
const ALL = { fromMs: 0, toMs: 4e12 };
/** New segments do not get a filter at once, because they may be merged soon. */
const laterClock = { ...systemClock, nowMs: () => systemClock.nowMs() + 60_000 };

/** Texts of single rows, in each of the fields that are searched for words. */
const SPECIAL: readonly ((batch: Batch, row: number) => void)[] = [
  (batch, row) => batch.text("message").putText(row, "only in the message: Zebra-Crossing"),
  (batch, row) => batch.text("error.message").putText(row, "upstream vanished"),
  (batch, row) => batch.text("url.original").putText(row, "/quarterly?report=yes"),
  (batch, row) => batch.text("user_agent.original").putText(row, "Gecko/Lizard 7"),
  (batch, row) => batch.text("http.request.referrer").putText(row, "https://elsewhere.example/"),
  (batch, row) => putLine(batch, row, Buffer.from("the 4 \u212Aelvin \u017Fign \u0130stanbul")),
  (batch, row) => putLine(batch, row, Buffer.from("caf\xe9 brulee\xff", "latin1")),
  (batch, row) => batch.text("message").putText(row, "first line\nsecond line"),
];

const putLine = (batch: Batch, row: number, line: Buffer): void =>
  batch.lines.put(row, line, 0, line.length);

function batchWith(rows: number): Batch {
  const batch = new Batch(rows);
  for (let row = 0; row < rows; row += 1) {
    batch.number("@timestamp").put(row, T0 + row);
    batch.number("log.offset").put(row, row);
    batch.text("log.source.id").putText(row, "src_a");
    batch.text("data_stream.dataset").putText(row, "nginx.access");
    const special = SPECIAL[row - 1_000];
    if (special) special(batch, row);
    else putLine(batch, row, Buffer.from(`10.0.${row % 9}.7 "GET /page/${row % 100}" 200 ${row}`));
    batch.commit();
  }
  return batch;
}

const openIn = (folder: string, clock: Clock = laterClock): Promise<EventStore> =>
  openEmbeddedStore({ folder, clock, threads: 1 });

let filled = "";

beforeAll(async () => {
  filled = await mkdtemp(join(tmpdir(), "quarterdeck-filters-"));
  {
    await using store = await openIn(filled, systemClock);
    await store.append(batchWith(FILTER_ROWS_MIN), [], positionsAt(FILTER_ROWS_MIN));
    expect(await store.compact()).toBe(false);
  }
  await using store = await openIn(filled);
  expect(await store.compact()).toBe(true);
});

afterAll(() => rm(filled, { recursive: true, force: true }));

async function copied(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-filters-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(filled, folder, { recursive: true });
  return folder;
}

const onlyFile = (folder: string, kind: "events" | "filters"): string => {
  const [name = "", ...others] = readdirSync(join(folder, kind));
  expect(others).toEqual([]);
  return join(folder, kind, name);
};

async function flip(path: string, share: number, bit: number): Promise<void> {
  await using file = await openFile(path, "r+");
  const at = Math.floor(share * (await stat(path)).size);
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8(0) ^ (1 << bit), 0);
  await file.write(byte, 0, 1, at);
}

const found = async (store: EventStore, value: string): Promise<string[]> => {
  const where = [{ field: "*", op: "contains", value } as const];
  return (await store.search({ ...ALL, where, limit: 100 })).map(({ id }) => id);
};

const ABSENT = ["no such thing", "198.51.100.7", "checkout", "4 kelvin SIGNS"];
const PRESENT = [
  "zebra-crossing",
  "UPSTREAM VANISHED",
  "quarterly?report",
  "gecko/lizard",
  "elsewhere.example",
  "4 kelvin sign",
  "\u212Aelvin \u017Fign",
  "sign \u0130stanbul",
  "istanbul",
  " brulee",
  "caf",
  "line\nsecond",
  'page/55" 200 4155',
];

describe("words that no event has", () => {
  test("are searched without reading the events of merged files", async () => {
    const folder = await copied();
    await flip(onlyFile(folder, "events"), 0.5, 3);
    await using store = await openIn(folder);
    for (const words of ABSENT) expect(await found(store, words)).toEqual([]);
    const where = [{ field: "*", op: "contains", value: "no such thing" } as const];
    expect(await store.aggregate({ ...ALL, where, aggregate: { kind: "count" } })).toEqual([]);
    expect(await store.originals({ ...ALL, where, limit: 10 })).toEqual([]);
    expect((await store.facets({ ...ALL, where, fields: ["log.level"], limit: 5 })).size).toBe(1);
    expect((await store.status()).problems).toEqual([]);
    await found(store, "zebra");
    expect((await store.status()).problems).toHaveLength(1);
  });

  test("are not found either in a store of an earlier version, which gets filters when it is maintained", async () => {
    const folder = await copied();
    const filter = await readFile(onlyFile(folder, "filters"));
    await rm(join(folder, "filters"), { recursive: true });
    await using store = await openIn(folder);
    expect(await found(store, "no such thing")).toEqual([]);
    expect(await found(store, "zebra")).toHaveLength(1);
    expect(await store.compact()).toBe(true);
    expect(await store.compact()).toBe(false);
    expect(await readFile(onlyFile(folder, "filters"))).toEqual(filter);
  });
});

test("words are found in every field, whatever their case, the same as without filters", async () => {
  const folder = await copied();
  await using store = await openIn(folder);
  const withFilter: string[][] = [];
  for (const words of PRESENT) withFilter.push(await found(store, words));
  await rm(join(folder, "filters"), { recursive: true });
  for (const [i, words] of PRESENT.entries()) {
    expect([words, await found(store, words)]).toEqual([words, withFilter[i]]);
  }
  expect(withFilter.filter((ids) => ids.length > 0).length).toBeGreaterThan(10);
});

test("a flipped bit in a filter never hides an event, is reported, and repaired", async () => {
  const folder = await copied();
  const path = onlyFile(folder, "filters");
  const intact = await readFile(path);
  for (let i = 0; i < FLIPS; i += 1) {
    await using store = await openIn(folder);
    // The first flips are in the header.
    await flip(path, i < 4 ? (i * 4) / intact.length : i / FLIPS, i % 8);
    for (const words of ["zebra-crossing", "4 kelvin sign"]) {
      expect(await found(store, words)).toHaveLength(1);
    }
    expect(await found(store, "no such thing")).toEqual([]);
    const { problems, holes } = await store.status();
    expect(problems.map(({ kind }) => kind)).toEqual(["repaired"]);
    expect(holes).toEqual([]);
    while (await store.compact());
    expect(await readFile(path)).toEqual(intact);
  }
});

test("a filter of another segment is not used", () => {
  const token = "0123456789abcdef01234567";
  const [id, other] = [newSegmentId(T0, token), newSegmentId(T0, token)];
  const file = Buffer.concat(filterFileParts(id, new GramFilterBuilder(1).done()));
  expect(filterFrom(file, id)).toBeDefined();
  expect(filterFrom(file, other)).toBe(undefined);
});

test("filters without a segment are removed", async () => {
  const folder = await copied();
  const path = onlyFile(folder, "filters");
  const left = join(folder, "filters", `${newSegmentId(T0, "0123456789abcdef01234567")}.grams`);
  await writeFile(left, await readFile(path));
  await using store = await openIn(folder);
  expect(await store.compact()).toBe(false);
  expect(onlyFile(folder, "filters")).toBe(path);
});

test("an event that matches by the rules of DuckDB may always be in a segment with its texts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-filters-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const limits = { memoryLimitMb: 128, threads: 1 };
  await using duck = new Duck({ folder, temporary: folder, ...limits });
  const character = fc.oneof(
    fc.constantFrom(...Array.from("kKsSiIaA \n\u212A\u017F\u0130\u0131\u00DF\u00E9\u00C9.1")),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  );
  const text = fc
    .array(character, { maxLength: 20 })
    .map((parts) => parts.join("").replaceAll("\0", ""));
  const fields = [...Object.keys(FIELDS), LINE_LAYOUT, STORED_LINE].filter(
    (it) => it !== "message",
  );
  const others = fields.map(
    (name) => `NULL::${name === "@timestamp" ? "TIMESTAMPTZ" : "VARCHAR"} AS "${name}"`,
  );
  let matches = 0;
  await fc.assert(
    fc.asyncProperty(text, fc.nat(), fc.nat(12), async (whole, from, length) => {
      const start = from % (whole.length + 1);
      const part = whole.slice(start, start + length).toWellFormed();
      const words = from % 2 === 0 ? part.toUpperCase() : part.toLowerCase();
      const sql = new SqlText();
      const condition = filterSql(sql, [{ field: "*", op: "contains", value: words }]);
      const row = `SELECT ${sql.bind(whole.toWellFormed())} AS message, NULL::BLOB AS original_bytes, ${others.join(", ")}`;
      const rows = await duck.rows(`SELECT 1 FROM (${row}) WHERE ${condition}`, sql.parameters);
      if (rows.length === 0) return;
      matches += 1;
      const builder = new GramFilterBuilder(1);
      builder.add(Buffer.from(whole.toWellFormed()));
      expect(builder.done().mayContain(words)).toBe(true);
    }),
    { numRuns: 500 },
  );
  expect(matches).toBeGreaterThan(100);
});
