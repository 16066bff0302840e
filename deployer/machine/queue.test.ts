import { expect, test } from "vitest";

import { testDeploy } from "../journal/testing-records.ts";
import { LIMITS } from "./limits.ts";
import { afterQueue, leaveQueue, queueOf, takeTurn } from "./queue.ts";
import { newWorkload } from "./workload.ts";

const workload = newWorkload("billing", 4);
const queued = (id: string, place: number, more = {}) =>
  testDeploy(id, "queued", { place, ...more });

test("deploys of a workload start in the order in which they were requested", () => {
  const deploys = [
    queued("dep_3", 3),
    queued("dep_1", 1),
    queued("dep_2", 2),
    queued("dep_4", 0, { workload: "accounts" }),
    testDeploy("dep_5", "shifting", { place: 0 }),
  ];
  const queue = queueOf(deploys, "billing");
  expect(queue.map(({ id }) => id)).toEqual(["dep_1", "dep_2", "dep_3"]);
  const turn = takeTurn(workload, queue, 5_000);
  expect(turn?.deploy).toMatchObject({ id: "dep_1", state: "waiting" });
  expect(turn?.workload.active).toBe("dep_1");
});

test("nothing starts while a deploy is active, or while the first in the queue is paused", () => {
  const queue = [queued("dep_1", 1), queued("dep_2", 2)];
  expect(takeTurn({ ...workload, active: "dep_0" }, queue, 1)).toBeUndefined();
  const paused = { by: "ana", reason: "later", atMs: 1 };
  expect(
    takeTurn(workload, [queued("dep_1", 1, { paused }), ...queue.slice(1)], 1),
  ).toBeUndefined();
  expect(takeTurn(workload, [], 1)).toBeUndefined();
});

test("a plan that was confirmed and has changed waits for a person; another one is made again", () => {
  const now = { ...workload, releases: { blue: "r7", green: null } };
  const confirmed = takeTurn(now, [queued("dep_1", 1, { planConfirmed: true })], 1)?.deploy;
  expect(confirmed).toMatchObject({ state: "held", heldFrom: "waiting" });
  expect(confirmed?.reason).toBe(
    "It was to replace nothing, but r7 serves. Nothing moves until a person decides: resume deploys release of dep_1 all the same, abort ends the deploy.",
  );
  const usual = takeTurn(now, [queued("dep_1", 1)], 1)?.deploy;
  expect(usual).toMatchObject({ state: "waiting", plan: { from: "r7" } });
});

test("a new deploy is planned after those that are there, unless they are known not to succeed", () => {
  const serving = { ...workload, releases: { blue: "r1", green: null } };
  const active = testDeploy("dep_1", "shifting", { place: 1 });
  const known = [queued("dep_3", 3), active, queued("dep_2", 2), testDeploy("dep_0", "failed")];
  const after = (deploys: typeof known) => {
    const { live, releases } = afterQueue(serving, deploys);
    return [live, releases[live]];
  };
  expect(after([])).toEqual(["blue", "r1"]);
  expect(after([active])).toEqual(["green", "release of dep_1"]);
  expect(after(known)).toEqual(["green", "release of dep_3"]);
  const goesBack = testDeploy("dep_1", "reverting", { place: 1, outcome: "rolled-back" });
  expect(after([goesBack, queued("dep_2", 2)])).toEqual(["green", "release of dep_2"]);
  const other = testDeploy("dep_9", "shifting", { workload: "accounts" });
  expect(after([other])).toEqual(["blue", "r1"]);
});

test("a deploy leaves the queue when it waited for too long, or is cancelled", () => {
  const deploy = queued("dep_1", 1, { createdAtMs: 0 });
  const at = (nowMs: number, cancelled?: string) =>
    leaveQueue(deploy, { nowMs, limits: LIMITS, cancelled })?.state;
  expect(at(LIMITS.waitMsMax - 1)).toBeUndefined();
  expect(at(LIMITS.waitMsMax)).toBe("expired");
  expect(at(1, "billing failed")).toBe("aborted");
});
