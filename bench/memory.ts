/**
 * Memory of a control plane that tails a log while its board is open:
 * `node bench/memory.ts [--minutes 60] [--warm-up 5] [--rate 500]`. The store begins with more than an hour of events, so
 * that the live window is full. Fails if the trend of a value grows by more than 10 % over the run.
 */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { openStore, storeUrlIn } from "#pipeline/store/open-store.ts";
import { systemClock } from "#platform/clock.ts";

import {
  type ControlPlane,
  createOwner,
  metricOf,
  startControlPlane,
} from "../tests/harness/control-plane.ts";
import { temporaryFolder } from "../tests/harness/program.ts";
import { fillStore } from "./lib/fill-store.ts";
import { writeLiveLog } from "./lib/live-log.ts";
import { openViewers } from "./lib/live-viewers.ts";
import { memoryOfTree, trendOf } from "./lib/process-memory.ts";

const OUT = fileURLToPath(new URL("out/", import.meta.url));
const MINUTE_MS = 60_000;
const HISTORY_MS = 70 * MINUTE_MS;
const SAMPLE_EVERY_MS = 5_000;
const BOARD_EVERY_SAMPLES = 6;
const GROWTH_MAX = 0.1;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    "warm-up": { type: "string", default: "5" },
    rate: { type: "string", default: "500" },
  },
});
const minutes = Number(values.minutes);
const rate = Number(values.rate);

type Sample = { atS: number; controlPlane: number; postgres: number; heap: number };

await main();

async function main(): Promise<void> {
  await using folder = await temporaryFolder();
  const data = path.join(folder.path, "data");
  await fill(data);
  const file = path.join(folder.path, "access.log");
  await writeFile(file, "");
  await using stack = new AsyncDisposableStack();
  const log = stack.use(writeLiveLog(file, rate));
  await using app = await startControlPlane(["--data", data, file]);
  const cookie = await createOwner(app);
  stack.use(
    await openViewers({ count: 1, url: app.url, cookies: [cookie], dataset: "nginx.access" }),
  );
  say(`warming up for ${values["warm-up"]} min …`);
  await sample(app, cookie, Number(values["warm-up"]) * MINUTE_MS);
  say(`measuring for ${minutes} min …`);
  const linesBefore = log.lines();
  const samples = await sample(app, cookie, minutes * MINUTE_MS);
  const linesPerSecond = (log.lines() - linesBefore) / (minutes * 60);
  await report(samples, linesPerSecond);
}

async function fill(data: string): Promise<void> {
  await using store = await openStore({ url: storeUrlIn(data), clock: systemClock });
  const toMs = Date.now();
  const range = { fromMs: toMs - HISTORY_MS, toMs };
  const rows = (rate * HISTORY_MS) / 1_000;
  await fillStore(store, { rows, ...range }, () => undefined);
  while (await store.compact());
}

async function sample(app: ControlPlane, cookie: string, forMs: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const startMs = performance.now();
  for (let count = 0; performance.now() - startMs < forMs; count += 1) {
    if (count % BOARD_EVERY_SAMPLES === 0) {
      const board = await app.get("/api/board", cookie);
      await board.arrayBuffer();
      if (!board.ok) say(`!! the board responded ${board.status}`);
    }
    const heap = await metricOf(app, "quarterdeck_nodejs_heap_size_used_bytes");
    const atS = (performance.now() - startMs) / 1_000;
    const now = { atS, ...memoryOfTree(app.child.pid ?? 0), heap };
    samples.push(now);
    if (count % 12 === 0) {
      say(
        `${atS.toFixed(0)} s: control plane ${megabytes(now.controlPlane)} MB, PostgreSQL ${megabytes(now.postgres)} MB, heap of the main thread ${megabytes(heap)} MB`,
      );
    }
    await delay(SAMPLE_EVERY_MS);
  }
  return samples;
}

async function report(samples: readonly Sample[], linesPerSecond: number): Promise<void> {
  say(`\n${linesPerSecond.toFixed(0)} lines/s`);
  const trends = (["controlPlane", "postgres", "heap"] as const).map((name) => {
    const { first, last } = trendOf(samples.map((it) => it[name]));
    const growth = last / first - 1;
    say(
      `${name}: trend ${megabytes(first)} → ${megabytes(last)} MB, ${(growth * 100).toFixed(1)} % in ${minutes} min`,
    );
    return { name, first, last, growth };
  });
  await mkdir(OUT, { recursive: true });
  const all = { at: new Date().toISOString(), node: process.version, values, trends, samples };
  await writeFile(path.join(OUT, "memory.json"), `${JSON.stringify(all, null, 2)}\n`);
  const grown = trends.filter(({ growth }) => growth > GROWTH_MAX);
  for (const { name } of grown) say(`!! ${name} grows`);
  if (grown.length > 0) process.exitCode = 1;
}
