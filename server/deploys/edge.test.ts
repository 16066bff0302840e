import { expect, test } from "vitest";

import type { NodeView } from "#deployer/drivers.ts";
import type { NodeSeen } from "#deployer/machine/observation.ts";
import { newWorkload } from "#deployer/machine/workload.ts";
import { systemClock } from "#platform/clock.ts";

import { edgeOf } from "./edge.ts";

const VIEW: NodeView = {
  version: 7,
  route: { live: "blue", next: "green", splitBp: 0 },
  releases: { blue: "r1", green: null },
  slots: { blue: [], green: [] },
};
const UNREAD = { id: "lb1", view: undefined, isUnreachable: false };
const READ = { ...UNREAD, view: VIEW };

/** The answer about a node that was sent version 7 of two workloads, of which these were seen. */
function edgeWith(seen: Record<string, NodeSeen | undefined>) {
  const { edge } = edgeOf({
    deployer: {
      workloads: ["billing", "shop"],
      status: (name) => ({
        workload: { ...newWorkload(name, 2), sent: { lb1: 7 } },
        seen: { nodes: seen[name] && [seen[name]] },
      }),
    },
    edge: {
      caches: undefined,
      configuration: undefined,
      driver: { nodes: () => Promise.resolve([{ id: "lb1", retired: false }]) },
      isStarted: () => true,
      notesOf: () => Promise.resolve([]),
      urlOf: (node, workload) => `http://${node}/${workload}`,
    },
    edgeWatch: { notesOf: () => [] },
    clock: systemClock,
  });
  return async () => {
    const [node] = (await edge({})).nodes;
    return {
      status: node?.status,
      workloads: node?.workloads.map(({ workload, isCurrent }) => [workload, isCurrent]),
    };
  };
}

test("a node that is being changed does not have the newest configuration, and its workload stays", async () => {
  const seen: Record<string, NodeSeen> = { billing: READ, shop: READ };
  const answer = edgeWith(seen);
  const both = [
    ["billing", true],
    ["shop", true],
  ];
  expect(await answer()).toEqual({ status: "current", workloads: both });
  seen["shop"] = UNREAD;
  const changing = [
    ["billing", true],
    ["shop", false],
  ];
  expect(await answer()).toEqual({ status: "behind", workloads: changing });
  seen["shop"] = READ;
  expect(await answer()).toEqual({ status: "current", workloads: both });
});

test("nothing is said of a node that was not read yet, and what was read before it was lost is forgotten", async () => {
  expect(await edgeWith({})()).toEqual({ status: "behind", workloads: [] });
  const seen: Record<string, NodeSeen> = { billing: READ, shop: READ };
  const answer = edgeWith(seen);
  await answer();
  seen["shop"] = { ...UNREAD, isUnreachable: true };
  expect(await answer()).toEqual({ status: "unreachable", workloads: [["billing", true]] });
});
