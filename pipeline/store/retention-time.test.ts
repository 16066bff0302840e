import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { advance, firstTime, newestOfMost, type RetentionTime } from "./retention-time.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STEP_MS = 10 * 60_000;
const START_MS = Date.UTC(2026, 4, 17);

/** Uses a store for some time, with a clock that is ahead of the real time, which is returned with its state. */
function use(
  { time, realMs }: { time: RetentionTime; realMs: number },
  { forMs, aheadMs = 0 }: { forMs: number; aheadMs?: number },
): { time: RetentionTime; realMs: number } {
  let at = { time: advance(time, { nowMs: realMs + aheadMs, elapsedMs: 0 }), realMs };
  for (let usedMs = 0; usedMs < forMs; usedMs += STEP_MS) {
    const nowMs = at.realMs + STEP_MS + aheadMs;
    at = { time: advance(at.time, { nowMs, elapsedMs: STEP_MS }), realMs: at.realMs + STEP_MS };
  }
  return at;
}

const inUse = { time: firstTime(START_MS, undefined), realMs: START_MS };

describe("retention time", () => {
  test("follows the clock while the store is in use, and after a weekend without it", () => {
    const friday = use(inUse, { forMs: 3 * DAY_MS });
    expect(friday.time.atMs).toBe(friday.realMs);
    const monday = use({ ...friday, realMs: friday.realMs + 2.5 * DAY_MS }, { forMs: 3 * HOUR_MS });
    expect(monday.time.atMs).toBe(monday.realMs);
  });

  test("follows the clock of a machine that is on for an hour a day", () => {
    let at = inUse;
    for (let day = 0; day < 60; day += 1) {
      at = use({ ...at, realMs: at.realMs + 23 * HOUR_MS }, { forMs: HOUR_MS });
    }
    expect(at.time.atMs).toBe(at.realMs);
  });

  test("stands still while a start has a clock that is 400 days ahead, and continues when it is right again", () => {
    const ahead = use(inUse, { forMs: 20 * HOUR_MS, aheadMs: 400 * DAY_MS });
    expect(ahead.time.atMs).toBe(START_MS);
    const right = use(ahead, { forMs: HOUR_MS });
    expect(right.time).toEqual({ atMs: right.realMs, deviatingMs: 0 });
  });

  test("is at most a day early after an hour with a clock that is two days ahead", () => {
    const ahead = use(inUse, { forMs: HOUR_MS, aheadMs: 2 * DAY_MS });
    expect(ahead.time.atMs - ahead.realMs).toBeLessThanOrEqual(DAY_MS);
    const right = use(ahead, { forMs: 2 * DAY_MS });
    expect(right.time.atMs).toBe(right.realMs);
  });

  test("reaches the clock after half a year without use, but not before a day of use", () => {
    const paused = { ...inUse, realMs: START_MS + 180 * DAY_MS };
    expect(use(paused, { forMs: 23 * HOUR_MS }).time.atMs).toBe(START_MS);
    const soon = use(paused, { forMs: 48 * HOUR_MS });
    expect(soon.time.atMs).toBeGreaterThan(START_MS);
    expect(soon.time.atMs).toBeLessThanOrEqual(START_MS + 26 * DAY_MS);
    const later = use(paused, { forMs: 10 * DAY_MS });
    expect(later.time.atMs).toBe(later.realMs);
  });

  test("counts days of use across restarts", () => {
    let at = { ...inUse, realMs: START_MS + 180 * DAY_MS };
    for (let day = 0; day < 60; day += 1) {
      at = use({ ...at, realMs: at.realMs + 16 * HOUR_MS }, { forMs: 8 * HOUR_MS });
    }
    expect(at.time.atMs).toBe(at.realMs);
  });

  test("goes back to a clock that was set back, after a day of use", () => {
    const wrong = { time: { atMs: START_MS + 400 * DAY_MS, deviatingMs: 0 }, realMs: START_MS };
    expect(use(wrong, { forMs: 20 * HOUR_MS }).time.atMs).toBe(START_MS + 400 * DAY_MS);
    const right = use(wrong, { forMs: 25 * HOUR_MS });
    expect(right.time.atMs).toBe(right.realMs);
  });

  test("advances by at most a day per hour of use, whatever the clock", () => {
    const days = fc.integer({ min: -1_000, max: 1_000 });
    const hours = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(fc.array(fc.tuple(days, hours), { maxLength: 20 }), (steps) => {
        let { time } = inUse;
        for (const [aheadDays, elapsedHours] of steps) {
          const before = time.atMs;
          const nowMs = START_MS + aheadDays * DAY_MS;
          time = advance(time, { nowMs, elapsedMs: elapsedHours * HOUR_MS });
          expect(time.atMs - before).toBeLessThanOrEqual(elapsedHours * DAY_MS);
        }
      }),
    );
  });
});

describe("the first retention time of a store", () => {
  const extent = (rows: number, toMs: number) => ({ rows, toMs });

  test("is the clock's if its events are recent or it has none", () => {
    expect(firstTime(START_MS, undefined).atMs).toBe(START_MS);
    expect(firstTime(START_MS, START_MS - DAY_MS).atMs).toBe(START_MS);
    expect(firstTime(START_MS, START_MS + DAY_MS).atMs).toBe(START_MS);
  });

  test("is that of its newest events if the clock is far ahead of them, without a few odd ones", () => {
    const odd = extent(9, START_MS + 400 * DAY_MS);
    const newest = newestOfMost([extent(6_000, START_MS - DAY_MS), odd, extent(4_000, START_MS)]);
    expect(newest).toBe(START_MS);
    expect(firstTime(START_MS + 400 * DAY_MS, newest).atMs).toBe(START_MS);
    expect(newestOfMost([])).toBeUndefined();
  });
});
