import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import type { Chunk, Source } from "#collectors/source.ts";
import { UTC } from "#collectors/zone.ts";
import { systemClock } from "#platform/clock.ts";

import { openEmbeddedStore } from "../store/embedded-store.ts";
import type { EventStore } from "../store/port.ts";
import { Ingest } from "./ingest.ts";

const KILLS = 12;
const LIFE_MS_MAX = 500;
const SEGMENTS = 40;
const LINES = 500;
const ROOT = join(import.meta.dirname, "..", "..");
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

const CHILD = `
import { UTC } from "#collectors/zone.ts";
import { reprocess } from "#pipeline/ingest/reprocess.ts";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
const clock = { nowMs: () => Date.now() };
const store = await openEmbeddedStore({ folder: process.argv[1], clock, threads: 1 });
console.log("ready");
const merging = process.argv[2] === "merge" ? store.compact() : undefined;
await reprocess({ store, clock, rules: { signIn: [], signOut: [] }, zone: UTC }, {});
await merging;
await store[Symbol.asyncDispose]();
`;

/** Null if it was killed, otherwise its exit status. */
async function reprocessAndKill(
  folder: string,
  killMs: number | undefined,
): Promise<number | null> {
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

/** ECS lines, and lines of another format, which their sender does not name. */
const lineOf = (i: number): string => {
  if (i % 3 === 0) return `{"@timestamp":"2026-03-14T10:00:00Z","message":"${i}"}\n`;
  return i % 3 === 1
    ? `junk ${i}\n`
    : `203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /${i} HTTP/1.1" 200 5 "-" "Probe/1.0"\n`;
};

/** A source that yields part `number` of the log. */
function partOf(number: number): Source {
  return {
    async *read(positions) {
      const offset = Number((await positions()).get("src_kill")?.["offset"] ?? 0);
      const lines = Array.from({ length: LINES }, (_, i) => lineOf(number * LINES + i));
      const bytes = Buffer.from(lines.join(""));
      const position = { offset: offset + bytes.length };
      const path = "/srv/app.log";
      yield {
        sourceId: "src_kill",
        path,
        bytes,
        offset,
        position,
        bytesSkipped: 0,
        header: { format: "ecs", fields: {} },
      } satisfies Chunk;
    },
  };
}

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
  "after kill -9 while lines are read again, every event is stored once, with its cell",
  { timeout: 120_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "quarterdeck-reprocess-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await using store = await openEmbeddedStore({ folder, clock: systemClock });
    const deps = { store, clock: systemClock, rules: { signIn: [], signOut: [] }, zone: UTC };
    for (let i = 0; i < SEGMENTS; i += 1) {
      const ingest = new Ingest({ ...deps, sealAfterMs: 60_000, foldEveryMs: 60_000 });
      await ingest.run(partOf(i), new AbortController().signal);
    }
    const rows = SEGMENTS * LINES;
    for (let kills = 0; kills < KILLS; kills += 1) {
      if ((await reprocessAndKill(folder, Math.random() * LIFE_MS_MAX)) === 0) break;
      expect(await numbersOf(store)).toEqual([rows, rows, rows]);
    }
    expect(await reprocessAndKill(folder, undefined)).toBe(0);
    expect(await numbersOf(store)).toEqual([rows, rows, rows]);
    const extents = await store.extents();
    const third = Math.floor(rows / 3);
    expect(new Map(extents.map((it) => [it.dataset, it.rows]))).toEqual(
      new Map([
        ["ecs", third + 1],
        ["nginx.access", third],
        ["quarterdeck.quarantine", third + 1],
      ]),
    );
    expect((await store.status()).problems).toEqual([]);
  },
);
