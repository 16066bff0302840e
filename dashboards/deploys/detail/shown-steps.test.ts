import { expect, test } from "vitest";

import type { DeployDetail } from "../messages.ts";
import { shownSteps } from "./shown-steps.ts";

type Known = Parameters<typeof shownSteps>[0];
type Status = DeployDetail["steps"][number]["status"];

const step = (
  name: DeployDetail["steps"][number]["step"],
  status: Status,
  atMs: number | null,
) => ({
  step: name,
  label: `does ${name}`,
  status,
  atMs,
});
const line = (state: string, atMs: number, reason = "") => {
  return { atMs, state, label: `does ${state}`, by: null, reason };
};

const detail = (more: Partial<Known>): Known =>
  ({
    deploy: { release: "r2", shareBp: 5_000, outcome: null, doneMs: null, reason: null },
    plan: { strategy: { bakeMs: 10_000 } },
    steps: [
      step("waiting", "done", 1_000),
      step("shifting", "current", 3_000),
      step("baking", "next", null),
    ],
    history: [],
    waitsFor: "A node is late.",
    ...more,
  }) as Known;

test("steps took the time until the next one began, and the present one says why it waits", () => {
  const shown = shownSteps(detail({}), 3_500);
  expect(shown.map(({ tookMs }) => tookMs)).toEqual([2_000, 500, undefined]);
  expect(shown[1]?.why).toBe("r2 gets 50 % of the requests. A node is late.");
});

test("a deploy that turned shows where and why, how long the way back took, and nothing ahead", () => {
  const shown = shownSteps(
    detail({
      steps: [
        step("waiting", "done", 1_000),
        step("shifting", "stopped", 3_000),
        step("baking", "next", null),
      ],
      history: [line("reverting", 4_000, "too many errors"), line("draining-new", 4_600)],
    }),
    5_000,
  );
  expect(shown.map(({ status }) => status)).toEqual(["done", "stopped", "done", "current"]);
  expect(shown[1]).toMatchObject({ tookMs: 1_000, why: "too many errors" });
  expect(shown[2]).toMatchObject({ label: "Does reverting", tookMs: 600, isWayBack: true });
  expect(shown[3]?.why).toBe("A node is late.");
});
