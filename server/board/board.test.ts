import { expect, test } from "vitest";

import { SIGN_IN } from "#collectors/derive/sign-actions.ts";
import { storeWithTimes } from "#pipeline/metrics/testing-times.ts";

import { boardOf } from "./testing-board.ts";

const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2026, 4, 17, 10, 20, 30);

test("a range that starts and ends within a minute counts exactly its own events, also the last minutes of sign-ins", async () => {
  const toMs = NOW_MS - 24 * 60 * MINUTE_MS;
  const range = { fromMs: toMs - 30 * MINUTE_MS, toMs, live: false };
  const around = [toMs - 40 * MINUTE_MS, toMs + 20 * MINUTE_MS];
  const times = [toMs - 15 * MINUTE_MS - 1, toMs - 15 * MINUTE_MS, toMs - 1, toMs, toMs + 1];
  await using store = await storeWithTimes({ "nginx.access": [...around, ...times] }, SIGN_IN);
  const board = await boardOf(store, NOW_MS, { range });
  expect(board.values["requests"]).toBe(3);
  expect(board.values["sign_ins"]).toBe(3);
  expect(board.turnoverToMs).toBe(toMs);
  expect(board.turnover.map(({ minutes, signIns }) => [minutes, signIns])).toEqual([
    [5, 1],
    [15, 2],
    [60, 4],
  ]);
});
