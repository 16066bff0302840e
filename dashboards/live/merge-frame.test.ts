import { expect, test } from "vitest";

import type { Board, LiveFrame } from "../api.ts";
import { addFrame, liveBoard, openHistory } from "./merge-frame.ts";

const MINUTE_MS = 60_000;
const endMs = 10 * MINUTE_MS;

const board: Board = {
  fromMs: 0,
  toMs: endMs,
  stepMs: MINUTE_MS,
  live: true,
  demo: false,
  dataset: "nginx.access",
  datasets: [],
  totals: { requests: 0, errors: 0, bytes: 0, quarantined: 0 },
  requestsPerSecond: [
    [0, 7],
    [9 * MINUTE_MS, 5],
  ],
  errorRatio: [[9 * MINUTE_MS, 0.1]],
  responseTimeMs: { p50: [], p95: [], p99: [] },
  usersConnected: [],
  instances: { series: [], names: [] },
  signIns: [[9 * MINUTE_MS, 4]],
  signOuts: [],
  summary: {
    requestsPerSecond: null,
    errorRatio: null,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    usersConnected: null,
    instances: null,
  },
  turnover: [],
  topRoutes: [],
  predictedRequestsPerSecond: { status: "learning", reason: "needs two full days" },
  newestEventMs: endMs,
  atMs: endMs,
};

const frame = (
  atMs: number,
  seconds: LiveFrame["seconds"],
  dataset = "nginx.access",
): LiveFrame => ({
  dataset,
  atMs,
  newestArrivalMs: atMs,
  newestEventMs: atMs,
  seconds,
  requestsPerSecond: 3,
  errorRatio: 0,
  responseTimeMs: { p50: 10, p95: 20, p99: null },
  usersConnected: 8,
  instances: ["web-1"],
  topRoutes: [],
  turnover: {
    "5": { signIns: 0, signOuts: 0 },
    "15": { signIns: 0, signOuts: 0 },
    "60": { signIns: 0, signOuts: 0 },
  },
});
const second = (tMs: number, requests: number): LiveFrame["seconds"][number] => ({
  tMs,
  requests,
  errors: requests / 2,
  signIns: 1,
  signOuts: 0,
});

test("a pushed second makes a point, and replaces it when pushed again", () => {
  const history = openHistory(board);
  addFrame(history, frame(endMs + 10_000, [second(endMs, 10), second(endMs + 1000, 99)]));
  addFrame(history, frame(endMs + 10_000, [second(endMs + 1000, 30)]));
  const live = liveBoard(history, endMs + 10_000);
  expect(new Map(live.requestsPerSecond).get(endMs)).toBe(4);
  expect(new Map(live.errorRatio).get(endMs)).toBe(0.5);
  expect(new Map(live.signIns).get(endMs)).toBe(2);
  expect(new Map(live.usersConnected).get(endMs)).toBe(8);
});

test("the window keeps its length and ends now; older points are removed", () => {
  const history = openHistory(board);
  const live = liveBoard(history, endMs + 5 * MINUTE_MS);
  expect([live.fromMs, live.toMs]).toEqual([5 * MINUTE_MS, endMs + 5 * MINUTE_MS]);
  expect(live.requestsPerSecond.some(([tMs]) => tMs === 0)).toBe(false);
});

test("a step without data in frames is zero requests, not a gap", () => {
  const history = openHistory(board);
  const live = liveBoard(history, endMs + 2 * MINUTE_MS);
  expect(new Map(live.requestsPerSecond).get(endMs)).toBe(0);
  expect(new Map(live.errorRatio).get(endMs)).toBeNull();
});

test("the step in which the board was loaded keeps its loaded counts", () => {
  const midway = { ...board, atMs: endMs - 10_000 };
  const history = openHistory(midway);
  addFrame(history, frame(endMs, [second(endMs - 40_000, 1000), second(endMs - 5000, 60)]));
  const live = liveBoard(history, endMs);
  expect(new Map(live.requestsPerSecond).get(9 * MINUTE_MS)).toBe(5);
  expect(new Map(live.signIns).get(9 * MINUTE_MS)).toBe(5);
});

test("a null measure never hides a loaded value, and another dataset's frame changes nothing", () => {
  const loaded = { ...board, responseTimeMs: { p50: [], p95: [], p99: [[endMs, 50]] } } as Board;
  const history = openHistory(loaded);
  addFrame(history, frame(endMs + 5000, []));
  expect(liveBoard(history, endMs + 5000).responseTimeMs.p99).toEqual([[endMs, 50]]);
  addFrame(history, frame(endMs + 5000, [second(endMs, 100)], "apache.access"));
  expect(new Map(liveBoard(history, endMs + 5000).requestsPerSecond).get(endMs)).toBe(0);
});
