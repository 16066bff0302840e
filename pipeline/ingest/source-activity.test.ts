import { expect, test } from "vitest";

import { Activity } from "./source-activity.ts";

const NOW_MS = 1_800_000_000_000;

function arriving(gapsMs: readonly number[]): { activity: Activity; nowMs: number } {
  const activity = new Activity(false);
  let nowMs = NOW_MS;
  activity.add({ rows: 1, quarantined: 0, eventMs: nowMs, nowMs });
  for (const gapMs of gapsMs) {
    nowMs += gapMs;
    activity.add({ rows: 1, quarantined: 0, eventMs: nowMs, nowMs });
  }
  return { activity, nowMs };
}

const report = ({ activity, nowMs }: ReturnType<typeof arriving>) =>
  activity.report("/a.log", nowMs);

test("the usual gap is that of nine in ten pauses, whatever their bursts", () => {
  const minute = [1, 2, 3, 60_000];
  const gaps = Array.from({ length: 10 }, () => minute).flat();
  expect(report(arriving(gaps)).usualGapMs).toBe(60_000);
  expect(report(arriving([...gaps, 900_000])).usualGapMs).toBe(60_000);
  expect(report(arriving(minute)).usualGapMs).toBeNull();
});

test("the rate is that of the last seconds, and becomes zero when nothing arrives", () => {
  const busy = arriving(Array.from({ length: 300 }, () => 100));
  expect(report(busy).eventsPerSecond).toBeCloseTo(10, 0);
  expect(busy.activity.report("/a.log", busy.nowMs + 60_000).eventsPerSecond).toBe(0);
});

test("times continue after a restart, until something arrives", () => {
  const before = arriving(Array.from({ length: 10 }, () => 5_000));
  const activity = new Activity(false);
  activity.restore(before.activity.stored);
  activity.restore("");
  const after = activity.report("/a.log", before.nowMs);
  expect(after).toMatchObject({
    arrivedMs: before.nowMs,
    newestEventMs: before.nowMs,
    usualGapMs: 5_000,
    events: 0,
  });
});

test("an event whose time is ahead of the clock is not the newest one", () => {
  const activity = new Activity(false);
  activity.add({ rows: 2, quarantined: 1, eventMs: NOW_MS - 300, nowMs: NOW_MS });
  activity.add({ rows: 1, quarantined: 0, eventMs: NOW_MS + 86_400_000, nowMs: NOW_MS });
  expect(activity.report("/a.log", NOW_MS)).toMatchObject({
    events: 2,
    quarantined: 1,
    newestEventMs: NOW_MS - 300,
    delayMs: 300,
  });
});
