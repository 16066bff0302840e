import {
  COLOURS,
  type Colour,
  type EdgeConfig,
  type NodeView,
  otherColour,
  type Route,
  type Slot,
  type SlotView,
  type Task,
} from "../drivers.ts";
import { isServing, type NodeSeen, type Scene, whyNoMore } from "./observation.ts";
import { isGone, placeOf } from "./slots.ts";
import { type Place, RULES, ruledBy, shareBp } from "./states.ts";

type Config = Omit<EdgeConfig, "version">;

/** The route that the state wants on all nodes. */
export function wantedRoute({ workload, deploy }: Scene): Route {
  const steady: Route = { live: workload.live, next: otherColour(workload.live), splitBp: 0 };
  if (deploy === undefined) return steady;
  const { share } = RULES[ruledBy(deploy)];
  const { oldColour, newColour } = deploy.plan;
  if (share === "new") return { live: newColour, next: newColour, splitBp: 0 };
  if (share === "step") return { live: oldColour, next: newColour, splitBp: shareBp(deploy) };
  return share === "old" ? { live: oldColour, next: newColour, splitBp: 0 } : steady;
}

/**
 * The next configuration of a node on its way to what the state wants, or undefined if it has it. A node is changed
 * in steps, each of which is safe on its own: an address changes only in `maint`, a slot is `ready` only after it has
 * passed its checks, and traffic goes only to a colour that serves.
 */
export function nextConfig(scene: Scene, node: NodeSeen): Config | undefined {
  const { view, id } = node;
  if (view === undefined) return undefined;
  const config: Config = {
    route: nextRoute(scene, view),
    releases: scene.workload.releases,
    slots: { blue: nextSlots(scene, view, "blue"), green: nextSlots(scene, view, "green") },
  };
  const isSame =
    view.version === scene.workload.sent[id] &&
    isSameRoute(config.route, view.route) &&
    COLOURS.every(
      (colour) =>
        config.releases[colour] === view.releases[colour] &&
        areSameSlots(config.slots[colour], view.slots[colour]),
    );
  return isSame ? undefined : config;
}

export const isSameRoute = (a: Route, b: Route): boolean =>
  a.live === b.live && a.next === b.next && a.splitBp === b.splitBp;

const areSameSlots = (a: readonly Slot[], b: readonly Slot[]): boolean =>
  a.length === b.length &&
  a.every((slot, at) => slot.state === b[at]?.state && slot.address === b[at]?.address);

function nextRoute(scene: Scene, view: NodeView): Route {
  const isNew = view.version === 0;
  if (scene.deploy?.state === "held") return isNew ? scene.workload.route : view.route;
  const wanted = wantedRoute(scene);
  // A node without a configuration has no traffic yet: its route is set at once, and without a split at first.
  if (isNew) return { ...wanted, splitBp: 0 };
  if (!canBecomeLive(scene, view, wanted.live)) return view.route;
  return { live: wanted.live, ...nextSplit(scene, view, wanted) };
}

/** `next` changes only without a split, so that no request goes to a colour in between. */
function nextSplit(scene: Scene, { route, slots }: NodeView, wanted: Route): Omit<Route, "live"> {
  if (wanted.splitBp > 0 && route.splitBp > 0 && wanted.next !== route.next) {
    return { next: route.next, splitBp: 0 };
  }
  const mayRise =
    slots[wanted.next].some(isServing) && whyNoMore(scene, wanted.splitBp) === undefined;
  const splitBp = mayRise ? wanted.splitBp : Math.min(wanted.splitBp, route.splitBp);
  return { next: wanted.next, splitBp };
}

/**
 * A colour becomes live on a node when it serves on all nodes, as any of them may get the request. On the way back
 * those that cannot be reached do not count: they send requests to the other colour where the wanted one has no task.
 */
function canBecomeLive(scene: Scene, view: NodeView, colour: Colour): boolean {
  // Without any earlier release, a first one that is given up leaves nothing that could serve.
  if (view.route.live === colour || scene.workload.releases[colour] === null) return true;
  const isWayBack = colour === scene.deploy?.plan.oldColour;
  return (scene.seen.nodes ?? []).every((node) =>
    node.view === undefined
      ? isWayBack && node.isUnreachable
      : node.view.slots[colour].some(isServing),
  );
}

function nextSlots(scene: Scene, view: NodeView, colour: Colour): Slot[] {
  const { workload, deploy, seen } = scene;
  const place = placeOf(workload, deploy, colour);
  const isFrozen = deploy?.state === "held" && place !== "in";
  return workload.slots[colour].map((assigned, index) => {
    const slot = view.slots[colour][index] ?? EMPTY;
    if (assigned === null) return nextSlot(slot, { place: "out", address: null, isGone: true });
    const task = seen.fleet?.[colour].tasks.find(({ id }) => id === assigned.task);
    const isOver = isGone(assigned, seen.fleet?.[colour]) && !stillAnswers(scene, slot);
    if (isFrozen && !isOver && slot.address === assigned.address) return keep(slot);
    return nextSlot(slot, {
      place: isOver ? "out" : yieldTo(scene, view, { colour, slot, place, task }),
      address: assigned.address,
      isGone: isOver,
    });
  });
}

/**
 * No task is taken out of service before others on the node serve instead of it. There are none if the other colour never
 * had a release: then the first release of the workload is given up, and nothing answers, as before it.
 */
function yieldTo(
  { workload, seen }: Scene,
  view: NodeView,
  it: { colour: Colour; slot: SlotView; place: Place; task: Task | undefined },
): Place {
  if (it.place !== "in") {
    const other = otherColour(it.colour);
    const isReplaced = workload.releases[other] === null || view.slots[other].some(isServing);
    return isReplaced || it.slot.state !== "ready" ? it.place : "in";
  }
  // The scheduler has begun to stop it, so it gets no new requests.
  if (it.task?.status !== "stopping") return "in";
  const staying = (seen.fleet?.[it.colour].tasks ?? []).filter(
    ({ status }) => status === "running",
  );
  const isReplaced = view.slots[it.colour].some(
    (other) => isServing(other) && staying.some(({ address }) => address === other.address),
  );
  return isReplaced ? "drain" : "in";
}

/**
 * A list of tasks that lags behind or is incomplete must not take serving tasks away: the node itself has to see that
 * a task is gone, unless another task has got its address.
 */
const stillAnswers = ({ seen }: Scene, slot: SlotView): boolean =>
  slot.up &&
  !COLOURS.some((colour) => seen.fleet?.[colour].tasks.some((it) => it.address === slot.address));

const EMPTY: SlotView = { address: null, state: "maint", up: false, sessions: 0 };
const keep = ({ address, state }: Slot): Slot => ({ address, state });

function nextSlot(
  slot: SlotView,
  wanted: { place: Place; address: string | null; isGone: boolean },
): Slot {
  const { address } = slot;
  if (wanted.address !== null && address !== wanted.address && wanted.place !== "out") {
    // What had this slot before is gone.
    if (slot.state !== "maint") return { address, state: "maint" };
    return { address: wanted.address, state: wanted.place === "in" ? "drain" : "maint" };
  }
  if (slot.state === "maint") return { address, state: wanted.place === "in" ? "drain" : "maint" };
  if (wanted.place === "in") return { address, state: slot.up ? "ready" : slot.state };
  if (wanted.place === "drain") return { address, state: "drain" };
  return { address, state: leave(slot, wanted.isGone) };
}

/** No new requests first; `maint` when those that are open have ended. */
function leave(slot: SlotView, isOver: boolean): Slot["state"] {
  if (isOver) return "maint";
  return slot.state === "drain" && slot.sessions === 0 ? "maint" : "drain";
}
