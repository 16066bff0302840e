import { afterAll, beforeAll, expect, test } from "vitest";

import { timeTicks } from "./time-ticks.ts";

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const before = process.env["TZ"];

beforeAll(() => {
  process.env["TZ"] = "Europe/Berlin";
});
afterAll(() => {
  if (before === undefined) delete process.env["TZ"];
  else process.env["TZ"] = before;
});

const labelsOf = (fromMs: number, lengthMs: number, zone: "utc" | "local" = "utc"): string[] =>
  timeTicks({ fromMs, toMs: fromMs + lengthMs }, 7, zone).map(({ label }) => label);

test("ticks are round, inside the range, few and labelled differently, from a second to centuries", () => {
  const fromMs = 1_431_820_812_345;
  for (let rangeMs = SECOND_MS; rangeMs < 1e13; rangeMs *= 1.7) {
    for (const zone of ["utc", "local"] as const) {
      const ticks = timeTicks({ fromMs, toMs: fromMs + rangeMs }, 7, zone);
      expect(ticks.length).toBeLessThanOrEqual(8);
      expect(ticks.every(({ tMs }) => tMs >= fromMs && tMs <= fromMs + rangeMs)).toBe(true);
      expect(new Set(ticks.map(({ label }) => label)).size).toBe(ticks.length);
    }
  }
});

test("times of several days have their date, so that no two labels are equal", () => {
  const fromMs = Date.UTC(2015, 4, 17, 3);
  expect(labelsOf(fromMs, 6 * HOUR_MS)).toContain("05:00");
  expect(labelsOf(fromMs, 2 * DAY_MS)).toEqual([
    "17 May 12:00",
    "18 May",
    "18 May 12:00",
    "19 May",
  ]);
  expect(labelsOf(fromMs, 3.5 * DAY_MS)).toContain("19 May 12:00");
});

test("months and years are labelled at their first day", () => {
  const fromMs = Date.UTC(2015, 4, 17);
  expect(labelsOf(fromMs, 150 * DAY_MS).slice(0, 2)).toEqual(["Jun 2015", "Jul 2015"]);
  expect(labelsOf(fromMs, 6 * 365 * DAY_MS)).toContain("2018");
});

test("days stay at midnight after a change to winter time, and the repeated hour has one label", () => {
  const saturday = Date.UTC(2026, 9, 23, 22);
  expect(labelsOf(saturday, 4 * DAY_MS, "local")).toEqual(["24 Oct", "25 Oct", "26 Oct", "27 Oct"]);
  const labels = labelsOf(Date.UTC(2026, 9, 24, 23), 5 * HOUR_MS, "local");
  expect(labels).toContain("02:00");
  expect(new Set(labels).size).toBe(labels.length);
});
