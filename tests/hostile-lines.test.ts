import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { textOf } from "#collectors/formats/bytes.ts";
import { FORMATS } from "#collectors/formats/index.ts";
import { EVENTS } from "#collectors/formats/testing-events.ts";
import { HOSTILE_LINES } from "#collectors/formats/testing-hostile.ts";
import { QUARANTINE_DATASET } from "#pipeline/ingest/quarantine.ts";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
import type { EventStore } from "#pipeline/store/port.ts";
import { systemClock } from "#platform/clock.ts";

import { runProgram } from "./harness/program.ts";

const LINES = 1_000;
/** All formats read longer ones in `collectors/formats/hostile.test.ts`. */
const HOSTILE_BYTES_MAX = 20_000;
/** Search results have only the beginning of a text that may be longer. */
const SEARCHED_CHARS_MAX = 16_384;
const WHENEVER = { fromMs: 0, toMs: 8.64e15, where: [] };

type Line = { bytes: Buffer; odd: boolean };

let folder: string;
let store: EventStore;
let lines: Line[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-hostile-"));
  lines = hostileLines();
  const file = path.join(folder, "access.log");
  await writeFile(file, Buffer.concat(lines.flatMap(({ bytes }) => [bytes, Buffer.from("\n")])));
  const ingest = await runProgram(["ingest", file, "--data", path.join(folder, "data")]);
  expect(ingest.code, ingest.output).toBe(0);
  store = await openEmbeddedStore({
    folder: path.join(folder, "data", "store"),
    clock: systemClock,
  });
});

afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("no hostile line is lost", async () => {
  const counted = await store.aggregate({ ...WHENEVER, aggregate: { kind: "count" } });
  expect(counted.map(({ value }) => value)).toEqual([LINES]);
});

test("invalid access lines are in quarantine, complete, with the reason", async () => {
  const quarantined = await store.search({
    ...WHENEVER,
    limit: LINES,
    where: [{ field: "data_stream.dataset", op: "eq", value: QUARANTINE_DATASET }],
  });
  expect(quarantined).toHaveLength(lines.filter((line) => line.odd).length);
  const kept = new Set(quarantined.map(({ fields }) => fields["event.original"]));
  for (const { bytes, odd: isOdd } of lines) {
    if (isOdd && isAscii(bytes)) expect(kept).toContain(bytes.toString());
  }
  for (const { fields } of quarantined) {
    expect(fields["event.kind"]).toBe("pipeline_error");
    expect(String(fields["error.message"]).length).toBeGreaterThan(10);
  }
});

test("script tags, escapes and megabyte URLs are stored unchanged", async () => {
  const found = await store.search({
    ...WHENEVER,
    limit: 10,
    where: [{ field: "*", op: "contains", value: "<script>alert(" }],
  });
  expect(found[0]?.fields["user_agent.original"]).toMatch(/^<script>alert\(\d+\)<\/script>$/);
  const long = await store.search({
    ...WHENEVER,
    limit: 1,
    where: [{ field: "url.original", op: "like", value: "/long/*" }],
  });
  // Search results have only the beginning of a long text.
  const whole = long[0] && (await store.event(long[0].id));
  expect(String(whole?.fields["url.original"])).toHaveLength(1_000_006);
});

test("forged times do not extend the range", async () => {
  const extents = await store.extents();
  for (const { fromMs, toMs } of extents) {
    expect(fromMs).toBeGreaterThanOrEqual(Date.UTC(2026, 2, 14));
    expect(toMs).toBeLessThan(Date.UTC(2026, 2, 15));
  }
});

test("no hostile line in a log of any format is lost", async () => {
  const logs = await mkdtemp(path.join(tmpdir(), "quarterdeck-hostile-formats-"));
  onTestFinished(() => rm(logs, { recursive: true, force: true }));
  const written: Uint8Array[] = [];
  const hostile = Object.values(HOSTILE_LINES).filter(({ length }) => length < HOSTILE_BYTES_MAX);
  for (const { dataset } of FORMATS) {
    const events = (EVENTS[dataset] ?? []).flatMap((event) => event.split("\n"));
    const own = events.map((line) => Buffer.from(line));
    const log = [...own, ...own, ...hostile, ...own];
    const bytes = Buffer.concat(log.flatMap((line) => [line, Buffer.from("\n")]));
    await writeFile(path.join(logs, `${dataset}.log`), bytes);
    written.push(...log);
  }
  const data = path.join(logs, "data");
  const ingest = await runProgram(["ingest", path.join(logs, "*.log"), "--data", data]);
  expect(ingest.code, ingest.output).toBe(0);
  const kept = await keptLines(path.join(data, "store"));
  const lost = written
    .filter((line) => !isHeader(line))
    .map((line) => textOf(line, 0, line.length))
    .filter((line) => !kept.has(line));
  expect(lost.map((line) => line.slice(0, 100))).toEqual([]);
});

const isHeader = (line: Uint8Array): boolean =>
  FORMATS.some((format) => format.headerLine?.(line, 0, line.length) !== undefined);

async function keptLines(storeFolder: string): Promise<Set<string>> {
  await using kept = await openEmbeddedStore({ folder: storeFolder, clock: systemClock });
  const found = new Set<string>();
  for (const { id, fields } of await kept.search({ ...WHENEVER, limit: 10_000 })) {
    const text = String(fields["event.original"]);
    const event = text.length < SEARCHED_CHARS_MAX ? undefined : await kept.event(id);
    const original = event ? String(event.fields["event.original"]) : text;
    for (const line of original.split("\n")) found.add(line);
  }
  return found;
}

function hostileLines(): Line[] {
  const makers = [
    (i: number) => fine(access({ agent: `<script>alert(${i})</script>` })),
    (i: number) => fine(access({ agent: `\u001B[2J\u001B]0;owned ${i}\u0007` })),
    (i: number) =>
      fine(access({ path: `/?q=<img src=x onerror=alert(${i})>`.replaceAll(" ", "+") })),
    (i: number) => fine(access({ agent: `=cmd|'/c calc'!A${i}` })),
    (i: number) => fine(access({ agent: `\u202Egpj.exe ${i}` })),
    () => fine(access({ agent: "half \u00e9" }).subarray(0, -2), Buffer.from([0xff, 0x22])),
    (i: number) => odd(access({ time: `31/Dec/${9000 + i}:23:59:59 +0000` })),
    (i: number) =>
      odd(access({ time: `14/Mar/1970:00:00:${String(i % 60).padStart(2, "0")} +0000` })),
    (i: number) => odd(`'; DROP TABLE events; -- ${i}`),
    (i: number) => odd(`{"not": "a log line of ours", "n": ${i}`),
    (i: number) => odd(`\\x16\\x03\\x01 ${i}`),
    (i: number) => odd(Buffer.concat([Buffer.from(`half ${i} `), Buffer.from([0xe2, 0x82])])),
  ];
  // The first lines are normal: the format is detected from them.
  const first = Array.from({ length: 97 }, (_, i) => fine(access({ path: `/${i}` })));
  const long = [0, 1, 2].map((i) => fine(access({ path: `/long/${String(i).repeat(1_000_000)}` })));
  const rest = Array.from({ length: LINES - 100 }, (_, i) => makers[i % makers.length]?.(i));
  return [...first, ...rest, ...long].filter((line) => line !== undefined);
}

function access(parts: { path?: string; agent?: string; time?: string }): Buffer {
  const { path: url = "/ok", agent = "curl/8.0", time = "14/Mar/2026:12:00:00 +0000" } = parts;
  return Buffer.from(`203.0.113.7 - - [${time}] "GET ${url} HTTP/1.1" 200 12 "-" "${agent}"`);
}

function fine(...parts: Buffer[]): Line {
  return { bytes: Buffer.concat(parts), odd: false };
}

function odd(line: Buffer | string): Line {
  return { bytes: Buffer.from(line), odd: true };
}

const isAscii = (bytes: Buffer): boolean => bytes.every((byte) => byte < 0x80);
