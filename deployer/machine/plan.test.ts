import { expect, test } from "vitest";

import { comparePlans, type DeployRequest, hashPlan, Plan, planDeploy } from "./plan.ts";
import { STRATEGY, Strategy, stepsOf } from "./strategy.ts";
import { newWorkload } from "./workload.ts";

const REQUEST: DeployRequest = {
  workload: "billing",
  release: "r2",
  strategy: STRATEGY,
  count: 2,
  migrations: { expand: false, contract: true },
};
const workload = {
  ...newWorkload("billing", 4),
  live: "green" as const,
  releases: { blue: "r0", green: "r1" },
};

test("a plan replaces the live release by the requested one, on the other colour", () => {
  expect(planDeploy(workload, REQUEST)).toMatchObject({
    from: "r1",
    release: "r2",
    oldColour: "green",
    newColour: "blue",
    stepsBp: [100, 1_000, 5_000, 10_000],
  });
});

test("a stored plan has the same hash as the one that was reviewed", () => {
  const plan = planDeploy(workload, REQUEST);
  const stored = Plan.parse(JSON.parse(JSON.stringify(plan)));
  const reversed = Plan.parse(Object.fromEntries(Object.entries(plan).toReversed()));
  expect(hashPlan(stored)).toBe(hashPlan(plan));
  expect(hashPlan(reversed)).toBe(hashPlan(plan));
});

test("every difference changes the hash, and is named", () => {
  const plan = planDeploy(workload, REQUEST);
  const others: [Partial<DeployRequest>, string][] = [
    [{ release: "r3" }, 'release: "r2" → "r3"'],
    [{ count: 3 }, "count: 2 → 3"],
    [{ taskRps: 10 }, "taskRps: null → 10"],
    [
      { migrations: { expand: true, contract: true } },
      'migrations: {"contract":true,"expand":false} → {"contract":true,"expand":true}',
    ],
  ];
  for (const [more, difference] of others) {
    const other = planDeploy(workload, { ...REQUEST, ...more });
    expect(hashPlan(other)).not.toBe(hashPlan(plan));
    expect(comparePlans(plan, other)).toEqual([difference]);
  }
  const later = planDeploy({ ...workload, live: "blue" }, REQUEST);
  expect(comparePlans(plan, later)).toContain('from: "r1" → "r0"');
});

test.each([
  [{ kind: "blue-green" as const }, [100, 1_000, 5_000, 10_000]],
  [{ kind: "canary" as const }, [500, 10_000]],
  [{ kind: "all-at-once" as const }, [10_000]],
  [{ kind: "canary" as const, stepsBp: [50, 10_000] }, [50, 10_000]],
])("%j moves traffic in the steps %j", (more, steps) => {
  expect(stepsOf({ ...STRATEGY, ...more }, false)).toEqual(steps);
  expect(stepsOf({ ...STRATEGY, ...more }, true)).toEqual([10_000]);
});

test.each([
  [[100, 100], "must increase from step to step"],
  [[0], ">=1"],
  [[10_001], "<=10000"],
])("steps %j are refused", (stepsBp, problem) => {
  const { error } = Strategy.safeParse({ ...STRATEGY, stepsBp });
  expect(error?.issues[0]?.path[0]).toBe("stepsBp");
  expect(error?.issues[0]?.message).toContain(problem);
});
