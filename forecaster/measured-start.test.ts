import { expect, test } from "vitest";

import { measuredStart } from "./measured-start.ts";
import { HOUR_MS, poisson, random } from "./simulated.ts";

const zeros = (hours: number): number[] => Array.from({ length: hours }, () => 0);

test.each([
  ["a line of weeks ago", [1, ...zeros(500), 900, 1100], 501],
  ["time without any line, as an older one is before the history", [...zeros(1300), 900], 1300],
  ["two odd lines at different times", [1, ...zeros(60), 2, ...zeros(80), 700, 800], 142],
  ["a line of yesterday, if there are only five others", [1, ...zeros(30), 5], 31],
])("does not include %s", (_what, counts, start) => {
  expect(measuredStart(counts, HOUR_MS)).toBe(start);
});

test.each([
  ["nights without visitors", Array.from({ length: 200 }, (_, t) => (t % 24 < 14 ? 0 : 50))],
  ["an outage in the middle", [...zeros(40).fill(100), ...zeros(48), ...zeros(40).fill(100)]],
  ["no events at all", zeros(100)],
  ["an empty history", []],
])("includes %s", (_what, counts) => {
  const first = Math.max(
    0,
    counts.findIndex((count) => count > 0),
  );
  expect(measuredStart(counts, HOUR_MS)).toBeLessThanOrEqual(first);
});

test("includes the gaps between rare events", () => {
  for (let seed = 0; seed < 50; seed++) {
    const uniform = random(seed);
    const counts = Array.from({ length: 1344 }, () => poisson(uniform, 0.05));
    expect(measuredStart(counts, HOUR_MS)).toBe(0);
  }
});
