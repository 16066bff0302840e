import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openEmbeddedStore } from "../store/embedded-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";
import { logSource } from "./testing-source.ts";

const KILLS = 10;
const LIFE_MS_MAX = 700;
const SEGMENTS = 24;
const LINES = 500;
const ROOT = join(import.meta.dirname, "..", "..");
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

const CHILD = `
import { parseFormats } from "#collectors/user-formats/formats-file.ts";
import { registerFormats } from "#collectors/user-formats/registry.ts";
import { UTC } from "#collectors/zone.ts";
import { eventsOfSource } from "#pipeline/ingest/events-of-source.ts";
import { reprocess } from "#pipeline/ingest/reprocess.ts";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
const pattern = "^%{TIMESTAMP_ISO8601:@timestamp} %{LOGLEVEL:log.level} order %{INT:order.id:int}";
const formats = [{ name: "shop.orders", pattern, paths: ["/srv/app.log"] }];
registerFormats(parseFormats(JSON.stringify({ formats })).formats);
const clock = { nowMs: () => Date.now() };
const store = await openEmbeddedStore({ folder: process.argv[1], clock, threads: 1 });
console.log("ready");
const merging = process.argv[2] === "merge" ? store.compact() : undefined;
const events = eventsOfSource("/srv/app.log", { sources: [], positions: await store.positions() });
await reprocess({ store, clock, rules: { signIn: [], signOut: [] }, zone: UTC }, { events });
await merging;
await store[Symbol.asyncDispose]();
`;

/** Null if it was killed, otherwise its exit status. */
async function rereadAndKill(folder: string, killMs: number | undefined): Promise<number | null> {
  const flags = ["--no-warnings", "--input-type=module-typescript", "--eval", CHILD];
  const merge = killMs === undefined ? "" : "merge";
  const child = spawn(process.execPath, [...flags, folder, merge], { cwd: ROOT });
  let errors = "";
  child.stderr.on("data", (data) => (errors += String(data)));
  child.stdout.once("data", () => {
    if (killMs !== undefined) setTimeout(() => child.kill("SIGKILL"), killMs);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (signal === "SIGKILL" || code === 0) resolve(code);
      else reject(new Error(`exit status ${code}: ${errors}`));
    });
  });
}

/** Of three lines, one is to be read by another format; of the same log two are read as before. */
const lineOf = (i: number): string => {
  if (i % 3 === 0) return `2026-03-14T10:00:00Z INFO order ${i} paid\n`;
  return i % 3 === 1
    ? `2026-03-14T10:00:00Z WARN no stock of ${i}\n`
    : `203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /${i} HTTP/1.1" 200 5 "-" "Probe/1.0"\n`;
};

async function numbersOf(store: EventStore): Promise<unknown> {
  const [events] = await store.aggregate({ ...ALL, where: [], aggregate: { kind: "count" } });
  const distinct = { kind: "distinct", fields: ["log.offset"] } as const;
  const [offsets] = await store.aggregate({ ...ALL, where: [], aggregate: distinct });
  const cells = await store.cells({
    ...ALL,
    levelS: 3600,
    measures: ["events", "requests"],
    byKey: false,
  });
  return [events?.value, offsets?.value, cells.reduce((sum, { value }) => sum + value, 0)];
}

test(
  "after kill -9 while a source is read again, every event is stored once, with its cell",
  { timeout: 120_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "quarterdeck-reread-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await using store = await openEmbeddedStore({ folder, clock: systemClock });
    const deps = { store, clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
    const rows = SEGMENTS * LINES;
    const log = Array.from({ length: rows }, (_, i) => lineOf(i));
    for (let i = 1; i <= SEGMENTS; i += 1) {
      const ingest = new Ingest({ ...deps, sealAfterMs: 60_000, foldEveryMs: 60_000 });
      const whole = log.slice(0, i * LINES).join("");
      const about = { sourceId: "src_kill", path: "/srv/app.log" } as const;
      await ingest.run(logSource(about, whole), new AbortController().signal);
    }
    const expected = [rows, rows, rows];
    expect(await numbersOf(store)).toEqual(expected);
    let kills = 0;
    for (; kills < KILLS; kills += 1) {
      if ((await rereadAndKill(folder, Math.random() * LIFE_MS_MAX)) === 0) break;
      expect(await numbersOf(store)).toEqual(expected);
    }
    expect(kills).toBeGreaterThan(0);
    expect(await rereadAndKill(folder, undefined)).toBe(0);
    expect(await numbersOf(store)).toEqual(expected);
    const third = rows / 3;
    expect(new Map((await store.extents()).map((it) => [it.dataset, it.rows]))).toEqual(
      new Map([
        ["app.log", third],
        ["nginx.access", third],
        ["shop.orders", third],
      ]),
    );
    expect((await store.status()).problems).toEqual([]);
  },
);
