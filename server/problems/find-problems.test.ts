import { expect, test } from "vitest";

import { NO_STATUS } from "#pipeline/live-link/messages.ts";
import type { HolderState } from "#receivers/activity/holder-files.ts";

import { type Findings, findProblems } from "./find-problems.ts";
import { KINDS } from "./kinds.ts";
import { visibleProblems } from "./visible-problems.ts";

const HEALTHY: Findings = {
  databaseError: null,
  storeError: null,
  store: { problems: [], holes: [] },
  indexing: { ...NO_STATUS, indexerFailure: null },
  hasIndexer: true,
  isDemo: false,
  forecasterProblem: null,
  apis: { down: [], error: null },
  receivers: { isOwn: false, error: null, holders: [] },
  deploysProblem: null,
};
const file = { id: "a.parquet", kind: "file", message: "/data/a.parquet cannot be read" } as const;
const merge = { id: "merging", kind: "upkeep", message: "small files cannot be merged" } as const;
const FROM_MS = Date.UTC(2026, 4, 17, 10);
const hole = { fromMs: FROM_MS, toMs: FROM_MS + 20 * 60_000, dataset: "web", events: 20_000 };

const holder: HolderState = {
  file: "/data/receivers/7-sockets.json",
  writtenMs: FROM_MS,
  isRunning: true,
  listeners: [],
  problem: undefined,
};
const receivers = (...holders: Partial<HolderState>[]): Partial<Findings> => ({
  receivers: { isOwn: false, error: null, holders: holders.map((it) => ({ ...holder, ...it })) },
});
const listener = { source: "edge", address: "syslog+tcp://[::]:6514", problem: "in use" };

const kindsOf = (changes: Partial<Findings>): string[] =>
  findProblems({ ...HEALTHY, ...changes }).map(({ kind, level }) => `${level} ${kind}`);
const indexing = (changes: Partial<Findings["indexing"]>) => ({
  indexing: { ...HEALTHY.indexing, ...changes },
});

test("a healthy control plane has no problems", () => {
  expect(findProblems(HEALTHY)).toEqual([]);
});

test.each<[string, Partial<Findings>]>([
  ["error database", { databaseError: "does not answer within 3 s" }],
  ["error store", { storeError: "EACCES: permission denied" }],
  ["error store_file", { store: { problems: [file], holes: [] } }],
  ["warning store_upkeep", indexing({ storeProblems: [merge] })],
  ["warning store_clock", indexing({ storeProblems: [{ ...merge, kind: "clock" }] })],
  ["warning store_space", indexing({ storeProblems: [{ ...merge, kind: "space" }] })],
  ["warning repaired_file", { store: { problems: [{ ...file, kind: "repaired" }], holes: [] } }],
  ["error ingest", indexing({ storeError: "the disk of /data is full" })],
  ["error bus", indexing({ busError: "too many logs are waiting" })],
  ["error indexer", indexing({ indexerFailure: "/data is not writable" })],
  ["warning no_indexer", { hasIndexer: false }],
  ["error source", indexing({ sources: [{ path: "/x", message: "is a folder", level: "error" }] })],
  ["warning source", indexing({ sources: [{ path: "/x", message: "grew", level: "warning" }] })],
  ["warning forecaster", { forecasterProblem: { kind: "forecaster", message: "it stopped" } }],
  ["warning no_forecaster", { forecasterProblem: { kind: "no_forecaster", message: "none" } }],
  ["error api", { apis: { down: ["billing"], error: null } }],
  ["error api", { apis: { down: [], error: "the port is in use" } }],
  ["error deploys", { deploysProblem: "The role deploys is not connected." }],
  ["error receiver", { receivers: { isOwn: true, error: "the port is in use", holders: [] } }],
  ["error receiver", receivers({ problem: "process 8 ended with SIGSEGV" })],
  ["error no_receiver", receivers({ isRunning: false }, { isRunning: false, writtenMs: 0 })],
  ["error listener", receivers({ listeners: [listener] })],
])("%s is found", (expected, changes) => {
  expect(kindsOf(changes)).toEqual([expected]);
});

test("a receiver that was killed is no problem if another one runs, and neither is a port on which another one listens", () => {
  expect(kindsOf(receivers({ isRunning: false }, {}))).toEqual([]);
  const own = { isOwn: true, error: null, holders: [{ ...holder, isRunning: false }] };
  expect(kindsOf({ receivers: own })).toEqual([]);
  const open = { listeners: [{ ...listener, problem: null }] };
  expect(kindsOf(receivers({ listeners: [listener] }, open))).toEqual([]);
  expect(kindsOf(receivers(open, { listeners: [listener] }))).toEqual([]);
});

test("every kind says what it means and what to do", () => {
  for (const { summary, action } of Object.values(KINDS)) {
    expect(summary).toMatch(/\.$/);
    expect(action.length).toBeGreaterThan(20);
  }
});

test("a problem that two processes report is one problem", () => {
  const store = { problems: [file, merge], holes: [] };
  expect(kindsOf({ store, ...indexing({ storeProblems: [file] }) })).toHaveLength(2);
});

test("sources that are read, and warnings about the demo's own sources, are no problems", () => {
  const sources = [{ path: "/x", message: "read to its end (7 bytes)", level: "info" } as const];
  expect(kindsOf(indexing({ sources }))).toEqual([]);
  const missing = [{ path: "/x*", message: "matches no file yet", level: "warning" } as const];
  expect(kindsOf({ ...indexing({ sources: missing }), isDemo: true })).toEqual([]);
});

test("events that cannot be read are a problem until all damaged files were deleted", () => {
  const damaged = { store: { problems: [file], holes: [hole] } };
  expect(kindsOf(damaged)).toEqual(["error missing_events", "error store_file"]);
  expect(kindsOf({ store: { problems: [], holes: [hole] } })).toEqual([]);
});

test("many problems of one kind are counted after the first twenty", () => {
  const sources = Array.from({ length: 3_000 }, (_, index) => {
    return { path: `/logs/${index}`, message: "is a folder", level: "error" } as const;
  });
  const found = findProblems({ ...HEALTHY, ...indexing({ sources }) });
  expect(found).toHaveLength(21);
  expect(found.at(-1)?.message).toMatch(/^2980 more problems of this kind: A log is not read/);
});

test("a path that several indexers report has its most serious problem, in whichever order they do", () => {
  const warning = { path: "/x", message: "is read elsewhere", level: "warning" } as const;
  const error = { path: "/x", message: "is a folder", level: "error" } as const;
  for (const sources of [
    [warning, error],
    [error, warning],
  ]) {
    expect(kindsOf(indexing({ sources }))).toEqual(["error source"]);
  }
});

test("an error is listed although there are many warnings about the same part", () => {
  const repaired = Array.from({ length: 30 }, (_, index) => {
    return { ...file, id: `broken/${index}.json`, kind: "repaired" } as const;
  });
  const sources = Array.from({ length: 30 }, (_, index) => {
    return { path: `/logs/${index}`, message: "grew", level: "warning" } as const;
  });
  const unreadable = { path: "/logs/x", message: "is a folder", level: "error" } as const;
  const found = kindsOf({
    store: { problems: [...repaired, file, merge], holes: [] },
    ...indexing({ sources: [...sources, unreadable] }),
  });
  expect(found.filter((text) => text !== "warning repaired_file")).toEqual(
    expect.arrayContaining(["error store_file", "warning store_upkeep", "error source"]),
  );
});

test("the same problems are listed in whichever order they are found", () => {
  const sources = Array.from({ length: 50 }, (_, index) => {
    return { path: `/logs/${index}`, message: "is a folder", level: "error" } as const;
  });
  const idsOf = (found: typeof sources): string[] =>
    findProblems({ ...HEALTHY, ...indexing({ sources: found }) }).map(({ id }) => id);
  expect(idsOf(sources.toReversed())).toEqual(idsOf(sources));
});

test("what is for everyone names neither datasets nor paths", () => {
  const found = findProblems({ ...HEALTHY, store: { problems: [file], holes: [hole] } });
  const summaries = found.map(({ summary }) => summary).join();
  expect(summaries).not.toMatch(/web|\/data/);
});

test("members without raw events see what problems mean and which ranges are incomplete, but no paths", () => {
  const open = findProblems({
    ...HEALTHY,
    store: { problems: [file, { ...file, id: "b.parquet" }], holes: [hole] },
  }).map((problem, index) => ({ ...problem, sinceMs: index }));
  const [range, files, ...others] = visibleProblems(open, false);
  expect(range?.message).toMatch(/^20,000 events of web from 2026-05-17 10:00 to 2026-05-17 10:20/);
  expect(files).toMatchObject({ sinceMs: 1, level: "error", action: null });
  expect(others).toEqual([]);
  expect(JSON.stringify([range, files])).not.toContain("/data");
  expect(visibleProblems(open, true)).toHaveLength(3);
});
