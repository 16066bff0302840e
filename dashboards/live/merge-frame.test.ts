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
  datasetsTotal: 0,
  isFiltered: false,
  hints: [],
  waitingFor: [],
  series: {
    requests_per_second: [
      [0, 7],
      [9 * MINUTE_MS, 5],
    ],
    error_ratio: [[9 * MINUTE_MS, 0.1]],
    response_time_p99: [],
    users_connected: [],
    sign_ins: [[9 * MINUTE_MS, 4]],
  },
  values: {},
  counts: ["requests", "errors", "sign_ins", "sign_outs"],
  instances: [],
  quarantined: 0,
  holes: [],
  problems: [],
  turnover: [],
  turnoverToMs: endMs,
  topRoutes: [],
  topRoutesShortfallMax: 0,
  breakDown: null,
  comparison: null,
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
  hasIndexer: true,
  newestArrivalMs: atMs,
  newestEventMs: atMs,
  seconds,
  metrics: { users_connected: 8 },
  instances: ["web-1"],
  topRoutes: [],
  topRoutesShortfallMax: 0,
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
  sign_ins: 1,
  sign_outs: 0,
});

test("a pushed second adds a point, which is replaced when the second is pushed again", () => {
  const history = openHistory(board);
  addFrame(history, frame(endMs + 10_000, [second(endMs, 10), second(endMs + 1000, 99)]));
  addFrame(history, frame(endMs + 10_000, [second(endMs + 1000, 30)]));
  const live = liveBoard(history, endMs + 10_000);
  expect(new Map(live.series["requests_per_second"]).get(endMs)).toBe(4);
  expect(new Map(live.series["error_ratio"]).get(endMs)).toBe(0.5);
  expect(new Map(live.series["sign_ins"]).get(endMs)).toBe(2);
  expect(new Map(live.series["users_connected"]).get(endMs)).toBe(8);
});

test("the window keeps its length and ends now; older points are removed", () => {
  const history = openHistory(board);
  const live = liveBoard(history, endMs + 5 * MINUTE_MS);
  expect([live.fromMs, live.toMs]).toEqual([5 * MINUTE_MS, endMs + 5 * MINUTE_MS]);
  expect(live.series["requests_per_second"]?.some(([tMs]) => tMs === 0)).toBe(false);
});

test("a step without data in frames is zero requests, not a gap", () => {
  const history = openHistory(board);
  const live = liveBoard(history, endMs + 2 * MINUTE_MS);
  expect(new Map(live.series["requests_per_second"]).get(endMs)).toBe(0);
  expect(new Map(live.series["error_ratio"]).get(endMs)).toBeNull();
});

test("the step in which the board was loaded keeps its loaded counts", () => {
  const midway = { ...board, atMs: endMs - 10_000 };
  const history = openHistory(midway);
  addFrame(history, frame(endMs, [second(endMs - 40_000, 1000), second(endMs - 5000, 60)]));
  const live = liveBoard(history, endMs);
  expect(new Map(live.series["requests_per_second"]).get(9 * MINUTE_MS)).toBe(5);
  expect(new Map(live.series["sign_ins"]).get(9 * MINUTE_MS)).toBe(5);
});

test("a null never hides a loaded value, and another dataset's frame changes nothing", () => {
  const loaded: Board = { ...board, series: { ...board.series, response_time_p99: [[endMs, 50]] } };
  const history = openHistory(loaded);
  addFrame(history, frame(endMs + 5000, []));
  expect(liveBoard(history, endMs + 5000).series["response_time_p99"]).toEqual([[endMs, 50]]);
  addFrame(history, frame(endMs + 5000, [second(endMs, 100)], "apache.access"));
  expect(new Map(liveBoard(history, endMs + 5000).series["requests_per_second"]).get(endMs)).toBe(
    0,
  );
});
