import { expect, test } from "vitest";

import type { NodeView, SlotView } from "../drivers.ts";
import { testDeploy } from "../journal/testing-records.ts";
import { nextConfig } from "./edge-config.ts";
import { LIMITS } from "./limits.ts";
import type { Scene } from "./observation.ts";
import { newWorkload } from "./workload.ts";

const TASK = { task: "task-1", address: "127.0.0.1:80" };
const READY: SlotView = { address: TASK.address, state: "ready", up: true, sessions: 0 };

/** The next state of the new task's slot when the new tasks are drained. */
function drainedSlot(old: { release: string | null; slots: SlotView[] }): string | undefined {
  const releases = { blue: old.release, green: "r2" };
  const tasks = { blue: old.slots.map(() => TASK), green: [TASK] };
  const workload = { ...newWorkload("billing", 1), releases, slots: tasks, sent: { lb1: 1 } };
  const slots = { blue: old.slots, green: [READY] };
  const view: NodeView = { version: 1, route: workload.route, releases, slots };
  const scene: Scene = {
    workload,
    deploy: testDeploy("dep_1", "draining-new"),
    seen: { fleet: undefined, nodes: undefined, oneOff: undefined, traffic: undefined },
    nowMs: 3_000,
    limits: LIMITS,
  };
  const config = nextConfig(scene, { id: "lb1", view, isUnreachable: false });
  return (config ?? view).slots.green[0]?.state;
}

test("new tasks leave a node only when old ones serve there instead", () => {
  expect(drainedSlot({ release: "r1", slots: [READY] })).toBe("drain");
  expect(drainedSlot({ release: "r1", slots: [{ ...READY, up: false }] })).toBe("ready");
});

test("the tasks of a first release that is given up leave, although none serve instead", () => {
  expect(drainedSlot({ release: null, slots: [] })).toBe("drain");
});
