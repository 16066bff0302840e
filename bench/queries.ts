/**
 * Duration of the board's queries over many events: `node bench/queries.ts [--rows 10000000] [--repeats 30]`. Every
 * repetition uses another range, so that no result is cached. The rival is DuckDB on the raw events, in the same process
 * and run. CPU is that of all threads of the process. Questions about raw events are measured again while two other askers
 * ask such questions without a pause.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import type { Condition } from "#pipeline/filter.ts";
import { forAsker } from "#pipeline/for-asker.ts";
import { chooseStep, floorTo } from "#pipeline/metrics/planner.ts";
import type { MetricQuery } from "#pipeline/metrics/query.ts";
import { runQuery } from "#pipeline/metrics/run-query.ts";
import { openEmbeddedStore } from "#pipeline/store/embedded-store.ts";
import type { EventStore } from "#pipeline/store/port.ts";
import { systemClock } from "#platform/clock.ts";
import { BOARD_METRICS } from "#server/board/board-query.ts";

import { fillStore } from "./lib/fill-store.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const WARM_UP = 3;
const OTHER_ASKERS = 2;
const HISTORY_STEP_MS = 5 * MINUTE_MS;
const DATASET: Condition = { field: "data_stream.dataset", op: "eq", value: "nginx.access" };

type Asked = Pick<EventStore, "aggregate" | "cells" | "extents" | "facets" | "search">;
type Question = { name: string; ask(store: Asked, range: Range): Promise<unknown> };
type Range = { fromMs: number; toMs: number };

const metric =
  (name: string, more: Partial<MetricQuery> = {}, stepped = true) =>
  (store: Asked, range: Range): Promise<unknown> =>
    runQuery(store, {
      metric: name,
      where: [DATASET],
      ...range,
      ...(stepped ? { stepMs: chooseStep(range, 240) } : {}),
      ...more,
    });

const FROM_ROLLUPS: Question[] = [
  ...BOARD_METRICS.map((name) => ({ name, ask: metric(name) })),
  {
    name: "requests by http.route",
    ask: metric("requests", { by: { field: "http.route", limit: 10 } }, false),
  },
  {
    name: "requests by status",
    ask: metric("requests", { by: { field: "http.response.status_code", limit: 10 } }, false),
  },
];

const FROM_CELLS: Question[] = [
  {
    name: "what the board's tiles share, by step",
    ask: (store, range) => {
      const stepMs = chooseStep(range, 240);
      const whole = { fromMs: floorTo(range.fromMs, stepMs), toMs: floorTo(range.toMs, stepMs) };
      const levelS = stepMs % 3_600_000 === 0 ? 3600 : 60;
      const measures = ["requests", "bytes", "latency", "sign-in", "sign-out", "instance"] as const;
      return store.cells({ ...whole, stepMs, levelS, measures, dataset: "nginx.access" });
    },
  },
  {
    name: "the forecaster's history in steps of 5 min",
    ask: (store, range) =>
      store.cells({
        fromMs: floorTo(range.fromMs, HISTORY_STEP_MS),
        toMs: floorTo(range.toMs, HISTORY_STEP_MS),
        stepMs: HISTORY_STEP_MS,
        levelS: 60,
        measures: ["requests", "sign-in", "sign-out"],
        dataset: "nginx.access",
        byKey: false,
      }),
  },
];

const RAW: Question[] = [
  {
    name: "raw: response_time_p95 by http.route",
    ask: metric("response_time_p95", { by: { field: "http.route", limit: 10 } }, false),
  },
  {
    name: "raw: requests by url.path",
    ask: metric("requests", { by: { field: "url.path", limit: 10 } }, false),
  },
  {
    name: "raw: requests where method is POST",
    ask: metric("requests", {
      where: [DATASET, { field: "http.request.method", op: "eq", value: "POST" }],
    }),
  },
  {
    name: "raw: search for words, newest 100",
    ask: (store, range) =>
      store.search({
        ...range,
        limit: 100,
        where: [{ field: "*", op: "contains", value: "page=77" }],
      }),
  },
  {
    name: "raw: search for words that no event has",
    ask: (store, range) =>
      store.search({
        ...range,
        limit: 100,
        where: [{ field: "*", op: "contains", value: "no such thing" }],
      }),
  },
  {
    name: "raw: newest 50",
    ask: (store, range) => store.search({ ...range, limit: 50, where: [] }),
  },
  {
    name: "raw: histogram of events",
    ask: (store, range) =>
      store.aggregate({
        ...range,
        where: [],
        stepMs: chooseStep(range, 60),
        aggregate: { kind: "count" },
        by: { field: "http.response.status_code", limit: 10 },
      }),
  },
  {
    name: "raw: six facets",
    ask: (store, range) => store.facets({ ...range, where: [], fields: FACETS, limit: 10 }),
  },
];

const FACETS = [
  "data_stream.dataset",
  "http.response.status_code",
  "http.request.method",
  "http.route",
  "service.node.name",
  "log.level",
];

const RIVAL: Question[] = [
  {
    name: "rival: DuckDB, requests and p95 by step from raw",
    ask: (store, range) =>
      store.aggregate({
        ...range,
        where: [DATASET],
        stepMs: chooseStep(range, 240),
        aggregate: { kind: "latency", field: "event.duration" },
      }),
  },
];

const shiftedBy = (i: number, { fromMs, toMs }: Range): Range => ({
  fromMs: fromMs + i * 7 * MINUTE_MS,
  toMs: toMs - i * 3 * MINUTE_MS,
});

async function measure(
  store: Asked,
  question: Question,
  { range, repeats }: { range: Range; repeats: number },
): Promise<{ p50: number; p95: number; cpu: number }> {
  const times: number[] = [];
  let cpuMs = 0;
  for (let i = 0; i < repeats + WARM_UP; i += 1) {
    const shifted = shiftedBy(i, range);
    const cpu = process.cpuUsage();
    const start = performance.now();
    await question.ask(store, shifted);
    if (i < WARM_UP) continue;
    times.push(performance.now() - start);
    const { user, system } = process.cpuUsage(cpu);
    cpuMs += (user + system) / 1000;
  }
  times.sort((a, b) => a - b);
  const at = (q: number): number =>
    times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), cpu: cpuMs / repeats };
}

/** Asks raw questions until the signal aborts: each asker one after the other, beginning with another question. */
async function askBeside(store: EventStore, range: Range, signal: AbortSignal): Promise<void> {
  const ask = async (asker: number): Promise<void> => {
    const own = forAsker(store, { asker: `other ${asker}` });
    for (let i = asker * 3; !signal.aborted; i += 1) {
      await RAW[i % RAW.length]?.ask(own, shiftedBy(i % 40, range));
    }
  };
  await Promise.all(Array.from({ length: OTHER_ASKERS }, (_, asker) => ask(asker)));
}

async function reportAll(store: EventStore, range: Range, repeats: number): Promise<void> {
  const report = async (title: string, questions: readonly Question[]): Promise<void> => {
    process.stdout.write(`${title.padEnd(52)}  p50 ms   p95 ms   CPU ms\n`);
    for (const question of questions) {
      const { p50, p95, cpu } = await measure(store, question, { range, repeats });
      const figures = [p50, p95, cpu].map((ms) => ms.toFixed(1).padStart(8)).join(" ");
      process.stdout.write(`${question.name.padEnd(52)}${figures}\n`);
    }
  };
  await report("question", [...FROM_ROLLUPS, ...FROM_CELLS, ...RAW, ...RIVAL]);
  const stopping = new AbortController();
  const others = askBeside(store, range, stopping.signal);
  await report(`beside ${OTHER_ASKERS} others (CPU: of all)`, [...RAW, ...RIVAL]);
  stopping.abort();
  await others;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: "string", default: "10000000" },
      repeats: { type: "string", default: "30" },
    },
  });
  const rows = Number(values.rows);
  const repeats = Number(values.repeats);
  for (const days of [1, 30]) {
    const folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-bench-"));
    try {
      await using store = await openEmbeddedStore({ folder, clock: systemClock });
      const toMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
      const range = { fromMs: toMs - days * DAY_MS, toMs };
      await fillStore(store, { rows, ...range }, (done) =>
        process.stderr.write(`\r${days} d: ${done} of ${rows} rows`),
      );
      while (await store.compact()) process.stderr.write(".");
      const { segments, bytes } = await store.status();
      process.stdout.write(
        `\n${rows} events over ${days} d, ${segments} segments, ${(bytes / 1e6).toFixed(0)} MB\n`,
      );
      await reportAll(store, range, repeats);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

await main();
