import { expect, test } from "vitest";

import type { FleetColour, NodeView, SlotView } from "../drivers.ts";
import { LIMITS } from "./limits.ts";
import type { NodeSeen, Scene } from "./observation.ts";
import { assignSlots } from "./slots.ts";
import { newWorkload } from "./workload.ts";

const ASSIGNED = { task: "task-1", address: "127.0.0.1:80" };
const WORKLOAD = {
  ...newWorkload("billing", 1),
  releases: { blue: "r1", green: null },
  slots: { blue: [ASSIGNED], green: [null] },
};
const NO_TASKS: FleetColour = {
  release: "r1",
  deploy: "dep_1",
  desired: 1,
  rollout: "completed",
  failedTasks: 0,
  tasks: [],
};

function nodeWith(state: SlotView["state"]): NodeSeen {
  const slot = { address: ASSIGNED.address, state, up: false, sessions: 0 };
  const slots = { blue: [slot], green: [] };
  const view: NodeView = { version: 1, route: WORKLOAD.route, releases: WORKLOAD.releases, slots };
  return { id: "lb1", view, isUnreachable: false };
}

/** The blue slots after the fleet no longer lists their task. */
function slotsAfterEnd(nodes: NodeSeen[] | undefined): unknown {
  const fleet = { blue: NO_TASKS, green: { ...NO_TASKS, desired: 0 } };
  const seen = { fleet, nodes, oneOff: undefined, traffic: undefined };
  const scene: Scene = { workload: WORKLOAD, deploy: undefined, seen, nowMs: 0, limits: LIMITS };
  return assignSlots(scene).slots.blue;
}

test("the slot of a task that ended is free once no node uses it", () => {
  expect(slotsAfterEnd([nodeWith("maint")])).toEqual([null]);
  expect(slotsAfterEnd([nodeWith("maint"), nodeWith("drain")])).toEqual([ASSIGNED]);
  expect(slotsAfterEnd([nodeWith("ready")])).toEqual([ASSIGNED]);
});

test("a slot is not free while it is unknown whether nodes use it", () => {
  const unknown = { id: "lb2", view: undefined, isUnreachable: true };
  expect(slotsAfterEnd([nodeWith("maint"), unknown])).toEqual([ASSIGNED]);
  expect(slotsAfterEnd(undefined)).toEqual([ASSIGNED]);
});
