import type { DeployDetail, WorkloadView } from "#dashboards/deploys/messages.ts";
import {
  type Colour,
  type FleetColour,
  type LaneCounts,
  type Route,
  type SlotView,
} from "#deployer/drivers.ts";
import { isServing, type NodeSeen, type Observation } from "#deployer/machine/observation.ts";
import { BASIS_POINTS } from "#deployer/machine/strategy.ts";
import type { Workload } from "#deployer/machine/workload.ts";

type Live = NonNullable<DeployDetail["live"]>;
type ByColour<Value> = Record<Colour, Value>;

export const eachColour = <Value>(of: (colour: Colour) => Value): ByColour<Value> => ({
  blue: of("blue"),
  green: of("green"),
});

/** What is observed at present. */
export const liveOf = (workload: Workload, seen: Observation): Omit<Live, "lanesSinceMs"> => ({
  lanes: seen.traffic ? eachColour((colour) => laneOf(seen.traffic?.lanes[colour])) : null,
  nodes: nodesOf(workload, seen),
  tasks: tasksOf(seen),
});

const laneOf = (lane: LaneCounts | undefined): NonNullable<Live["lanes"]>["blue"] => ({
  requests: lane?.requests ?? 0,
  errors: lane?.errors ?? 0,
  latencyMsP95: lane?.latencyMsP95 ?? null,
});

export const nodesOf = (workload: Workload, { nodes }: Observation): WorkloadView["nodes"] =>
  nodes?.map((node) => nodeOf(workload, node)) ?? null;

function nodeOf({ sent }: Workload, { id, view, isUnreachable }: NodeSeen) {
  const sum = (of: (slot: SlotView) => number): ByColour<number> | null =>
    view ? eachColour((colour) => view.slots[colour].reduce((all, it) => all + of(it), 0)) : null;
  return {
    node: id,
    isReachable: !isUnreachable,
    isCurrent: view !== undefined && view.version === sent[id],
    live: view?.route.live ?? null,
    shareBp: view ? sharesOf(view.route) : null,
    serving: sum((slot) => (isServing(slot) ? 1 : 0)),
    sessions: sum(({ sessions }) => sessions),
  };
}

/** The share of each colour in basis points. */
export const sharesOf = ({ live, next, splitBp }: Route): ByColour<number> =>
  eachColour(
    (colour) => (live === colour ? BASIS_POINTS - splitBp : 0) + (next === colour ? splitBp : 0),
  );

export const tasksOf = ({ fleet }: Observation): WorkloadView["tasks"] =>
  fleet === undefined ? null : eachColour((colour) => countsOf(fleet[colour]));

const countsOf = ({ release, desired, failedTasks, reason, tasks }: FleetColour) => ({
  release: release ?? null,
  desired,
  running: tasks.filter(({ status }) => status === "running").length,
  healthy: tasks.filter(({ healthy, status }) => healthy && status === "running").length,
  failed: failedTasks,
  reason: reason ?? null,
});
