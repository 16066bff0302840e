import { describe, expect, test } from "vitest";

import { mainExtents, measuredIn } from "./main-extents.ts";
import { storeWithTimes, timesIn } from "./testing-times.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = Date.UTC(2026, 4, 17, 10, 20, 30);
const DATASET = "nginx.access";

async function extentOf(times: readonly number[], nowMs = NOW_MS) {
  await using store = await storeWithTimes({ [DATASET]: times });
  const [extent] = await mainExtents(store, nowMs);
  return extent;
}

const lastWeek = timesIn(NOW_MS - 9 * DAY_MS, NOW_MS - 2 * DAY_MS, 10_000);
const LAST_WEEK = { fromMs: NOW_MS - 9 * DAY_MS, toMs: NOW_MS - 2 * DAY_MS };

describe("the main extent", () => {
  test.each([
    ["a line 20 hours ahead", [NOW_MS + 20 * HOUR_MS]],
    ["lines in the rest of this hour and day", [6, 20, 39, 300].map((m) => NOW_MS + m * MINUTE_MS)],
    ["many lines ahead", timesIn(NOW_MS + HOUR_MS, NOW_MS + 9 * DAY_MS, 2_000)],
    ["a line of now", [NOW_MS - 1_000]],
    ["a line of 1970", [0]],
    ["lines of 1970, 1999, now and the future", [0, 1, Date.UTC(1999, 0), NOW_MS, NOW_MS + DAY_MS]],
  ])("of a log of last week is that week, in spite of %s", async (_name, odd) => {
    const extent = await extentOf([...odd, ...lastWeek]);
    expect(extent?.rows).toBe(10_000 + odd.length);
    expect(Math.abs((extent?.fromMs ?? 0) - LAST_WEEK.fromMs)).toBeLessThan(MINUTE_MS);
    expect(Math.abs((extent?.toMs ?? 0) - LAST_WEEK.toMs)).toBeLessThan(MINUTE_MS);
  });

  test("of a log that is being written ends with its newest believable event", async () => {
    const live = timesIn(NOW_MS - 3 * DAY_MS, NOW_MS - 30 * MINUTE_MS, 3_000);
    const exact = { fromMs: live[0], toMs: live.at(-1) };
    expect(await extentOf(live)).toMatchObject(exact);
    const extent = await extentOf([...live, NOW_MS + 20 * HOUR_MS]);
    expect(Math.abs((extent?.toMs ?? 0) - (exact.toMs ?? 0))).toBeLessThan(MINUTE_MS);
    // The clocks of two hosts may differ by some seconds.
    const ahead = NOW_MS + 5_000;
    expect((await extentOf([...live, ahead]))?.toMs).toBe(ahead);
  });

  test("has the first events after a pause when they are more than a few", async () => {
    const first = timesIn(NOW_MS - 60_000, NOW_MS, 11);
    expect((await extentOf([...lastWeek, ...first.slice(0, 10)]))?.toMs).toBeLessThan(
      NOW_MS - DAY_MS,
    );
    expect((await extentOf([...lastWeek, ...first]))?.toMs).toBe(NOW_MS);
  });

  test("has every event of a log with few events, and of one with regular pauses", async () => {
    const few = [NOW_MS - 400 * DAY_MS, NOW_MS - 200 * DAY_MS, NOW_MS];
    expect(await extentOf(few)).toMatchObject({ fromMs: few[0], toMs: NOW_MS });
    const weekly = timesIn(NOW_MS - 52 * 7 * DAY_MS, NOW_MS, 53);
    expect(await extentOf(weekly)).toMatchObject({ fromMs: weekly[0], toMs: NOW_MS });
  });

  test("of a dataset whose events are all ahead of the clock has them all", async () => {
    const ahead = timesIn(NOW_MS + HOUR_MS, NOW_MS + 2 * HOUR_MS, 100);
    expect(await extentOf(ahead)).toMatchObject({ fromMs: ahead[0], toMs: ahead.at(-1) });
  });
});

test("events are measured in the main extent, and up to the odd events that a range reaches", () => {
  const extent = { dataset: DATASET, rows: 1 };
  const main = { ...extent, fromMs: 100, toMs: 200 };
  const whole = { ...extent, fromMs: 1, toMs: 900 };
  expect(measuredIn({ fromMs: 50, toMs: 300 }, main, whole)).toEqual({ fromMs: 100, toMs: 200 });
  expect(measuredIn({ fromMs: 0, toMs: 1_000 }, main, whole)).toEqual({ fromMs: 1, toMs: 900 });
});
