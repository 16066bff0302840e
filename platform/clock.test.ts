import { expect, test } from "vitest";

import { steadyClock } from "./clock.ts";

test("a steady clock starts with the time and does not follow its steps", () => {
  const clock = { now: 1_000_000, nowMs: () => clock.now };
  let monotonicMs = 500;
  const steady = steadyClock(clock, () => monotonicMs);
  expect(steady.nowMs()).toBe(1_000_000);
  clock.now -= 3_600_000;
  monotonicMs += 20;
  expect(steady.nowMs()).toBe(1_000_020);
  clock.now += 9_000_000;
  expect(steady.nowMs()).toBe(1_000_020);
});
