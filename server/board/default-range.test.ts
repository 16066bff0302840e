import { describe, expect, test } from "vitest";

import { mainExtents } from "#pipeline/metrics/main-extents.ts";
import { storeWithTimes, timesIn } from "#pipeline/metrics/testing-times.ts";

import { boardOf } from "./testing-board.ts";
import { chooseDataset, defaultRange, rangeOfAll } from "./tier.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = Date.UTC(2026, 4, 17, 10, 20, 30);
async function defaultBoardOf(times: Readonly<Record<string, readonly number[]>>) {
  await using store = await storeWithTimes(times);
  return await boardOf(store, NOW_MS, {});
}

const lastWeek = timesIn(NOW_MS - 9 * DAY_MS, NOW_MS - 2 * DAY_MS, 10_000);

describe("the default board", () => {
  test.each([
    ["20 hours ahead", NOW_MS + 20 * HOUR_MS],
    ["of now", NOW_MS],
    ["of 1970", 0],
  ])("shows a log of last week, not live, in spite of a line %s", async (_name, odd) => {
    const board = await defaultBoardOf({ "nginx.access": [odd, ...lastWeek] });
    expect(board.live).toBe(false);
    expect(board.values["requests"]).toBe(10_000);
    expect(board.toMs - board.fromMs).toBeLessThan(7 * DAY_MS + HOUR_MS);
    expect(Math.abs((board.newestEventMs ?? 0) - (NOW_MS - 2 * DAY_MS))).toBeLessThan(60_000);
  });

  test("is live while events arrive, and has no numbers after the last one in spite of a line 20 hours ahead", async () => {
    const arriving = timesIn(NOW_MS - 3 * HOUR_MS, NOW_MS - 600_000, 1_000);
    const board = await defaultBoardOf({ "nginx.access": [...arriving, NOW_MS + 20 * HOUR_MS] });
    expect(board.live).toBe(true);
    const last = board.series["requests_per_second"]?.at(-1);
    expect(last?.[0]).toBeGreaterThan(NOW_MS - 120_000);
    expect(last?.[1]).toBeNull();
  });

  test("is of a dataset with current events, not of one that is entirely ahead of the clock", async () => {
    const board = await defaultBoardOf({
      "haproxy.log": timesIn(NOW_MS + HOUR_MS, NOW_MS + 2 * HOUR_MS, 50),
      "nginx.access": timesIn(NOW_MS - HOUR_MS, NOW_MS, 1_000),
    });
    expect(board.dataset).toBe("nginx.access");
  });

  test("and the default search over all datasets are not of the time of single odd lines", async () => {
    const week = { fromMs: NOW_MS - 9 * DAY_MS, toMs: NOW_MS - 2 * DAY_MS };
    await using store = await storeWithTimes({
      "nginx.access": [0, ...lastWeek],
      "nginx.error": [...timesIn(week.fromMs, week.toMs, 500), NOW_MS + 20 * HOUR_MS],
      other: [NOW_MS + HOUR_MS],
    });
    const range = defaultRange(rangeOfAll(await mainExtents(store, NOW_MS), NOW_MS), NOW_MS);
    expect(range.live).toBe(false);
    expect(Math.abs(range.fromMs - week.fromMs)).toBeLessThan(120_000);
    expect(Math.abs(range.toMs - week.toMs)).toBeLessThan(120_000);
  });

  test("shows events that are all ahead of the clock where they are", () => {
    const extent = { dataset: "a", rows: 5, fromMs: NOW_MS + HOUR_MS, toMs: NOW_MS + 2 * HOUR_MS };
    expect(chooseDataset([extent], { requested: undefined, nowMs: NOW_MS })).toBe(extent);
    const range = defaultRange(extent, NOW_MS);
    expect(range.live).toBe(false);
    expect(range.toMs).toBeGreaterThan(extent.toMs);
  });
});
