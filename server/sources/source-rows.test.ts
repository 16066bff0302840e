import { expect, test } from "vitest";

import type { SourceStatus } from "#collectors/source.ts";
import { SourcesView } from "#dashboards/sources/messages.ts";

import { selectSources } from "./select-sources.ts";
import { sourcesOf } from "./source-rows.ts";
import { activityOf, fileWith } from "./testing-sources.ts";

const NOW_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;
const ALL = { maySeeLines: true, mayManage: true };
const file = fileWith(
  "sources:\n  - {id: web, kind: files, paths: [/var/log/web/*.log]}\n  - {id: app, kind: files, paths: [/srv/app.log]}\n",
).file();

const status = (source: string, values: Partial<SourceStatus> = {}): SourceStatus => ({
  path: source,
  source,
  level: "info",
  message: "read to its end (7 bytes); events by dataset: nginx.access 41",
  datasets: { "nginx.access": 41 },
  ...values,
});

const statesOf = (known: Parameters<typeof sourcesOf>[0]): Record<string, string> =>
  Object.fromEntries(sourcesOf(known).map(({ row }) => [row.source, row.state]));

test("a source is silent after three times its usual gap, and not while the gap is unknown", () => {
  const known = (agoMs: number, usualGapMs: number | null) => ({
    statuses: [status("/a.log")],
    receivers: [],
    activities: [activityOf("/a.log", { arrivedMs: NOW_MS - agoMs, usualGapMs })],
    file,
    storeError: null,
    busError: null,
    nowMs: NOW_MS,
  });
  expect(statesOf(known(3 * MINUTE_MS, MINUTE_MS))["/a.log"]).toBe("receiving");
  expect(statesOf(known(3 * MINUTE_MS + 1, MINUTE_MS))["/a.log"]).toBe("silent");
  expect(statesOf(known(20_000, 1_000))["/a.log"]).toBe("receiving");
  expect(statesOf(known(900 * MINUTE_MS, null))["/a.log"]).toBe("idle");
});

test("the worst of its parts decides the state of a source, and those in the file are listed before they are read", () => {
  const unreadable = status("web", {
    path: "/var/log/web/b.log",
    level: "error",
    message: "is not readable",
  });
  const behind = { read: 10, total: 10 + 2 ** 21, unit: "bytes" as const };
  const known = {
    statuses: [
      status("web", { path: "/var/log/web/a.log" }),
      unreadable,
      status("/new.log", { datasets: {} }),
      status("/renamed.log"),
      status("/big.log", { progress: behind }),
    ],
    receivers: [],
    activities: [activityOf("/big.log", { arrivedMs: NOW_MS })],
    file,
    storeError: null,
    busError: null,
    nowMs: NOW_MS,
  };
  expect(statesOf(known)).toEqual({
    web: "failing",
    app: "waiting",
    "/new.log": "waiting",
    "/renamed.log": "idle",
    "/big.log": "behind",
  });
  const [web] = sourcesOf(known);
  expect(web?.row).toMatchObject({
    reason: "/var/log/web/b.log is not readable",
    parts: 2,
    formats: ["nginx.access"],
    origin: "file",
  });
});

test("a file that was not written to for years is idle, also right after it was read", () => {
  const year = 365 * 86_400_000;
  const rowOf = (activity: Parameters<typeof activityOf>[1]) =>
    sourcesOf({
      statuses: [status("/old.log")],
      receivers: [],
      activities: [activityOf("/old.log", activity)],
      file,
      storeError: null,
      busError: null,
      nowMs: NOW_MS,
    }).find(({ row }) => row.source === "/old.log")?.row;
  const newestEventMs = NOW_MS - 3 * year;
  expect(rowOf({ newestEventMs, arrivedMs: NOW_MS - 60_000 })).toMatchObject({
    state: "idle",
    reason: "has no new events; its newest one was 3 y ago",
  });
  // Old events that are being read arrive now.
  expect(rowOf({ newestEventMs, arrivedMs: NOW_MS - 1_000 })?.state).toBe("receiving");
  const latest = NOW_MS - 7_200_000;
  expect(rowOf({ newestEventMs: latest, arrivedMs: latest })?.state).toBe("idle");
  const daily = { newestEventMs: latest, arrivedMs: latest, usualGapMs: 86_400_000 };
  expect(rowOf(daily)?.state).toBe("receiving");
  expect(rowOf({ ...daily, usualGapMs: 600_000 })).toMatchObject({
    state: "silent",
    reason: "nothing has arrived for 2 h, although the usual gap is up to 10 min",
  });
});

test("a token or a listener that was removed is not listed any more", () => {
  const pushed = (source: string) => activityOf(source, { isPushed: true, arrivedMs: NOW_MS });
  const names = ["token/gone", "edge", "syslog+udp", "token/filebeat", "pushed events"];
  const found = sourcesOf({
    statuses: names.map((source) => status(source)),
    receivers: [{ ...status("http"), source: "token/filebeat" }],
    activities: names.map(pushed),
    file: { sources: [], exclude: [] },
    storeError: null,
    busError: null,
    nowMs: NOW_MS,
  }).map(({ row }) => row.source);
  expect(found.toSorted()).toEqual(["pushed events", "syslog+udp", "token/filebeat"]);
});

test("of several indexers that read parts of a source, rates are added and the newest event counts", () => {
  const [{ row } = { row: undefined }] = sourcesOf({
    statuses: [status("web")],
    receivers: [],
    activities: [
      activityOf("web", { eventsPerSecond: 2, newestEventMs: 5, arrivedMs: 6, usualGapMs: 9 }),
      activityOf("web", { eventsPerSecond: 3, newestEventMs: 7, arrivedMs: 8 }),
    ],
    file,
    storeError: null,
    busError: null,
    nowMs: 10,
  });
  expect(row).toMatchObject({ eventsPerSecond: 5, newestEventMs: 7, arrivedMs: 8, usualGapMs: 9 });
});

test("sources are found by words, sorted, grouped, and limited with the number of all", () => {
  const statuses = Array.from({ length: 600 }, (_, n) =>
    status(`/log/${n}.log`, { datasets: { [n % 2 ? "nginx.access" : "apache.access"]: 1 } }),
  );
  const all = sourcesOf({
    statuses,
    receivers: [],
    activities: [activityOf("/log/7.log", { eventsPerSecond: 9 })],
    file,
    storeError: null,
    busError: null,
    nowMs: NOW_MS,
  });
  const select = (view: object) =>
    selectSources(all, SourcesView.parse(view), { sight: ALL, lines: [] });
  const found = select({ q: "log/1 NGINX", sort: "name", limit: "3" });
  expect(found).toMatchObject({ matching: 56, total: 602 });
  expect(found.rows.map(({ source }) => source)).toEqual([
    "/log/1.log",
    "/log/101.log",
    "/log/103.log",
  ]);
  expect(select({ sort: "rate" }).rows[0]?.source).toBe("/log/7.log");
  const groups = select({ group: "format", limit: "500" }).rows.map(({ group }) => group);
  expect(new Set(groups)).toEqual(new Set(["apache.access", "nginx.access"]));
  expect(groups.toSorted()).toEqual(groups);
  expect(select({}).rows).toHaveLength(100);
});

test("lines, and reasons that may quote them, are only for members who may see raw events", () => {
  const statuses = [
    status("/a.log", {
      level: "warning",
      message:
        "is read; 1 of its last 2 lines are in quarantine, the latest because: “pw=1” is odd",
    }),
  ];
  const lines = [{ source: "/a.log", path: "/a.log", raw: "pw=1", fields: { message: "pw=1" } }];
  const all = sourcesOf({
    statuses,
    receivers: [],
    activities: [],
    file,
    storeError: null,
    busError: null,
    nowMs: NOW_MS,
  });
  const view = SourcesView.parse({ source: "/a.log" });
  const hidden = selectSources(all, view, { sight: { ...ALL, maySeeLines: false }, lines });
  expect(JSON.stringify(hidden)).not.toContain("pw=1");
  expect(hidden.detail?.last).toBeNull();
  const seen = selectSources(all, view, { sight: ALL, lines });
  expect(seen.detail?.last).toEqual({
    path: "/a.log",
    raw: "pw=1",
    fields: [{ name: "message", value: "pw=1" }],
  });
  expect(seen.rows[0]?.reason).toContain("pw=1");
});
