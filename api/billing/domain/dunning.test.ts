import { expect, test } from "vitest";

import { type DunningPolicy, nextDunningStep, isStrictlyIncreasing } from "./dunning.ts";

const DAY_MS = 86_400_000;
const policy: DunningPolicy = { retryDays: [1, 3, 5, 7], finally: "unpaid" };

test("retries are due on the days of the policy after the first failure, then dunning is exhausted", () => {
  const steps = [0, 1, 2, 3, 4].map((retries) =>
    nextDunningStep(policy, { startedAtMs: 0, retries, nowMs: 0 }),
  );
  expect(steps).toEqual([
    ...[1, 3, 5, 7].map((day) => ({ kind: "retry", atMs: day * DAY_MS })),
    { kind: "give_up", outcome: "unpaid" },
  ]);
});

test("a retry whose day has passed is due now", () => {
  const late = { startedAtMs: 0, retries: 0, nowMs: 2 * DAY_MS };
  expect(nextDunningStep(policy, late)).toEqual({ kind: "retry", atMs: 2 * DAY_MS });
});

test("retry days must be strictly increasing", () => {
  expect([[], [1], [0, 1, 9]].map(isStrictlyIncreasing)).toEqual([true, true, true]);
  expect(
    [
      [1, 1],
      [3, 1],
    ].map(isStrictlyIncreasing),
  ).toEqual([false, false]);
});
