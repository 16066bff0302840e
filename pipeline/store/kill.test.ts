import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { systemClock } from "#platform/clock.ts";

import { openEmbeddedStore } from "./embedded-store.ts";

const KILLS = 25;
const LIFE_MS_MAX = 400;
const ROOT = join(import.meta.dirname, "..", "..");

/**
 * Appends batches of numbered events from the stored position on, each with the cells that count them, and merges
 * concurrently. Its clock runs fast, so that replaced files are also deleted.
 */
const CHILD = `
import { Batch } from "#collectors/batch.ts";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
const [folder, startMs] = [process.argv[1], Number(process.argv[2])];
const clock = { nowMs: () => startMs + (Date.now() - startMs) * 200 };
const store = await openEmbeddedStore({ folder, clock, threads: 1 });
let next = (await store.positions()).get("src_kill")?.["offset"] ?? 0;
const merging = (async () => { for (;;) await store.compact() || await new Promise(setImmediate); })();
merging.catch((error) => { console.error(error); process.exit(3); });
console.log("ready");
const batch = new Batch(100);
for (;;) {
  batch.reset();
  const rows = 1 + Math.floor(Math.random() * 100);
  for (let i = 0; i < rows; i += 1) {
    batch.number("@timestamp").put(i, 1_700_000_000_000 + next + i);
    batch.number("log.offset").put(i, next + i);
    batch.text("log.source.id").putText(i, "src_kill");
    batch.text("message").putText(i, "event " + (next + i));
    batch.commit();
  }
  const cell = { levelS: 60, dataset: "", measure: "events", key: "", value: rows };
  const t = Math.floor((1_700_000_000 + next / 1000) / 60) * 60;
  next += rows;
  await store.append(batch, [{ ...cell, t }], new Map([["src_kill", { offset: next }]]));
}`;

async function runAndKill(folder: string, startMs: number): Promise<void> {
  const flags = ["--no-warnings", "--input-type=module-typescript", "--eval", CHILD];
  const child = spawn(process.execPath, [...flags, folder, String(startMs)], { cwd: ROOT });
  let errors = "";
  child.stderr.on("data", (data) => (errors += String(data)));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => {
      setTimeout(() => child.kill("SIGKILL"), Math.random() * LIFE_MS_MAX);
    });
    child.once("error", reject);
    child.once("exit", (_code, signal) => {
      if (signal === "SIGKILL") resolve();
      else reject(new Error(`the writer ended by itself: ${errors}`));
    });
  });
}

test(
  "after kill -9 at any moment every event is stored once, with its cell",
  { timeout: 180_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "quarterdeck-kill-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const startMs = Date.now();
    for (let i = 0; i < KILLS; i += 1) await runAndKill(folder, startMs);

    await using store = await openEmbeddedStore({ folder, clock: systemClock });
    const kept = Number((await store.positions()).get("src_kill")?.["offset"] ?? 0);
    expect(kept).toBeGreaterThan(KILLS);
    const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, where: [] };
    const [count] = await store.aggregate({ ...all, aggregate: { kind: "count" } });
    const distinct = { kind: "distinct", fields: ["log.offset"] } as const;
    const [numbers] = await store.aggregate({ ...all, aggregate: distinct });
    const [cells] = await store.cells({ ...all, levelS: 60, measures: ["events"] });
    expect([count?.value, numbers?.value, cells?.value]).toEqual([kept, kept, kept]);
    expect(await store.event(`src_kill:${kept - 1}`)).toBeDefined();
    expect((await store.status()).problems).toEqual([]);
  },
);
