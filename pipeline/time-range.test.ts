import { expect, test } from "vitest";

import { parseInstant, parseRange } from "./time-range.ts";

const NOW_MS = Date.UTC(2026, 4, 17, 10);
const HOUR_MS = 3_600_000;

test.each([
  ["now", 0],
  ["now-15m", -HOUR_MS / 4],
  ["now+3h", 3 * HOUR_MS],
  ["now 3h", 3 * HOUR_MS],
  ["now+1d", 24 * HOUR_MS],
  ["2026-05-17T10:00:00Z", 0],
  [String(NOW_MS), 0],
])("%s is a time", (text, fromNowMs) => {
  expect(parseInstant(text, "to", NOW_MS)).toBe(NOW_MS + fromNowMs);
});

test.each(["soon", "now+", "now+3", "now*3h", "now+3y"])("%s is no time", (text) => {
  expect(() => parseInstant(text, "to", NOW_MS)).toThrow(/to: .* is not a time: write now/);
});

test("the next hours are a range that does not follow the clock", () => {
  const range = parseRange({ from: "now", to: "now+3h" }, NOW_MS);
  expect(range).toEqual({ fromMs: NOW_MS, toMs: NOW_MS + 3 * HOUR_MS, live: false });
});
