import { expect, test } from "vitest";

import { testDeploy } from "../journal/testing-records.ts";
import { findMove } from "./find-move.ts";
import { simpleJudge } from "./judge.ts";
import { LIMITS } from "./limits.ts";
import { newWorkload } from "./workload.ts";

const HOUR_MS = 3_600_000;

/** What a deploy does that started its tasks a second before the clock was set. */
const moveAfterJump = (
  state: "provisioning" | "analysing",
  jumpMs: number,
  { isController = true } = {},
) => {
  const deploy = testDeploy("dep_1", state);
  const nowMs = deploy.enteredAtMs + 1_000 + jumpMs;
  return findMove({
    deploy,
    workload: newWorkload("billing", 4),
    seen: { fleet: undefined, nodes: undefined, oneOff: undefined, traffic: undefined },
    nowMs,
    decidesSinceMs: isController ? 0 : nowMs,
    limits: LIMITS,
    judge: simpleJudge(),
    freeze: undefined,
  });
};

test("Clock jump: a clock that is set back ends no state, and one that is set forward ends it by its deadline", () => {
  for (const state of ["provisioning", "analysing"] as const) {
    expect(moveAfterJump(state, -HOUR_MS)).toEqual({ waits: expect.any(String) });
  }
  expect(moveAfterJump("provisioning", HOUR_MS)).toMatchObject({
    to: "draining-new",
    reason: expect.stringMatching(/for more than 900 s, since 00:00:02 UTC/),
  });
});

test("a state does not take too long while no controller decides", () => {
  const without = { isController: false };
  expect(moveAfterJump("provisioning", HOUR_MS, without)).toEqual({ waits: expect.any(String) });
});
