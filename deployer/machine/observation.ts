import type {
  Colour,
  FleetColour,
  FleetView,
  NodeView,
  OneOffView,
  SlotView,
  Task,
  TrafficView,
} from "../drivers.ts";
import type { Deploy } from "./deploy.ts";
import type { Judge } from "./judge.ts";
import type { Limits } from "./limits.ts";
import { BASIS_POINTS } from "./strategy.ts";
import type { Workload } from "./workload.ts";

/** An edge node that is not retired. */
export type NodeSeen = {
  id: string;
  /** Undefined if it cannot be reached, or was not read since the last write to it. */
  view: NodeView | undefined;
  isUnreachable: boolean;
};

/** What was read last. Undefined: not known at the moment, which allows nothing. */
export type Observation = {
  fleet: FleetView | undefined;
  /** Why the fleet could not be read, for people. */
  fleetProblem?: string | undefined;
  nodes: readonly NodeSeen[] | undefined;
  /** The one-off work of the current state. */
  oneOff: { token: string; view: OneOffView } | undefined;
  traffic: TrafficView | undefined;
};

/** A workload, with or without a deploy. */
export type Scene = {
  workload: Workload;
  deploy: Deploy | undefined;
  seen: Observation;
  nowMs: number;
  limits: Limits;
};

/** Everything that a decision about a deploy may depend on. */
export type Situation = Scene & {
  deploy: Deploy;
  judge: Judge;
  /** Since when this controller decides. What takes too long does so only while somebody decides. */
  decidesSinceMs: number;
  /** Why no deploy may start now (a freeze), or undefined. */
  freeze: string | undefined;
};

export const isServing = (slot: SlotView): boolean => slot.state === "ready" && slot.up;

/**
 * Serving tasks of a colour on the node that has the fewest, without those that the scheduler is stopping; undefined if
 * no node can be read.
 */
export function servingTasks(seen: Observation, colour: Colour): number | undefined {
  const leaving = (seen.fleet?.[colour].tasks ?? []).filter(({ status }) => status === "stopping");
  const counts = (seen.nodes ?? []).flatMap(({ view }) =>
    view === undefined
      ? []
      : [view.slots[colour].filter((slot) => isServing(slot) && !isOneOf(leaving, slot)).length],
  );
  return counts.length === 0 ? undefined : Math.min(...counts);
}

const isOneOf = (tasks: readonly Task[], slot: SlotView): boolean =>
  tasks.some(({ address }) => address === slot.address);

/** Whether every node was read, and the condition holds on each. */
export function onEveryNode(
  { seen }: Scene,
  holds: (view: NodeView, id: string) => boolean,
): boolean {
  const { nodes } = seen;
  if (nodes === undefined || nodes.length === 0) return false;
  return nodes.every(({ view, id }) => view !== undefined && holds(view, id));
}

/** Whether the node runs the newest configuration that was sent to it: no older request can change it any more. */
export const isCurrent = ({ workload }: Scene, view: NodeView, id: string): boolean =>
  view.version === workload.sent[id];

/**
 * Whether the tasks of a colour that serve can take a share of the peak, with reserve; undefined if that is not known
 * now. Without a forecast or a measured capacity one task is enough.
 */
export function carries(scene: Scene, colour: Colour, shareBp: number): boolean | undefined {
  const serving = servingTasks(scene.seen, colour);
  if (serving === undefined || scene.seen.traffic === undefined) return undefined;
  return canCarry(scene, serving, shareBp);
}

/** The same for a number of tasks. */
export function canCarry({ deploy, seen, limits }: Scene, tasks: number, shareBp: number): boolean {
  const taskRps = deploy?.plan.taskRps;
  const peakRps = seen.traffic?.peakRps;
  if (taskRps === undefined || peakRps === undefined) return tasks > 0;
  return tasks * taskRps * limits.utilisation >= (peakRps * shareBp) / BASIS_POINTS;
}

/**
 * Invariant I2: why the new colour must not get this share now, for people; undefined if it may. The new tasks must
 * carry the share, and the old ones all traffic if it comes back.
 */
export function whyNoMore(scene: Scene, shareBp: number): string | undefined {
  const plan = scene.deploy?.plan;
  if (plan === undefined) return undefined;
  if (!onEveryNode(scene, () => true)) return "Not all edge nodes can be read.";
  const { release, from, newColour, oldColour } = plan;
  const whyNotNew = whyNotCarried(
    scene,
    { colour: newColour, shareBp },
    `The tasks of ${release} that serve (${servingNow(scene, newColour)}) do not have the capacity for the next step.`,
  );
  if (whyNotNew !== undefined || from === null) return whyNotNew;
  return whyNotCarried(
    scene,
    { colour: oldColour, shareBp: BASIS_POINTS },
    `The tasks of ${from} that serve (${servingNow(scene, oldColour)}) could not take all traffic back.`,
  );
}

/** Why a colour must not get a share of the traffic, for people: `tooFew`, or what is not known; undefined if it may. */
export function whyNotCarried(
  scene: Scene,
  { colour, shareBp }: { colour: Colour; shareBp: number },
  tooFew: string,
): string | undefined {
  const isCarried = carries(scene, colour, shareBp);
  if (isCarried === undefined) {
    return scene.seen.traffic === undefined
      ? "The traffic cannot be measured."
      : "No edge node can be read.";
  }
  return isCarried ? undefined : tooFew;
}

const servingNow = ({ seen }: Scene, colour: Colour): number | string =>
  servingTasks(seen, colour) ?? "unknown how many";

/** That the fleet cannot be read, and why, for people. */
export const unreadFleet = ({ fleetProblem }: Observation): string =>
  `The fleet cannot be read${fleetProblem === undefined ? "." : `: ${fleetProblem}`}`;

/** A sentence, after a space, with why the last request for tasks of a colour failed; nothing if it did not. */
export const refusalOf = ({ refusal }: FleetColour): string =>
  refusal === undefined ? "" : ` ${refusal}`;

/** Nodes that keep a state from ending, for people. */
export function missingNodes(
  { seen }: Scene,
  holds: (view: NodeView, id: string) => boolean,
): string {
  const { nodes = [] } = seen;
  if (nodes.length === 0) return "no edge node could be read";
  return nodes
    .filter(({ view, id }) => view === undefined || !holds(view, id))
    .map(({ id, isUnreachable }) => (isUnreachable ? `${id} cannot be reached` : id))
    .join(", ");
}
