import type { Colour, LaneCounts, NodeView, OneOffView } from "../drivers.ts";
import { isSameRoute, wantedRoute } from "./edge-config.ts";
import { oneOffOf } from "./effects.ts";
import { hold, type Move, wayBack } from "./move.ts";
import {
  isCurrent,
  missingNodes,
  onEveryNode,
  refusalOf,
  servingTasks,
  type Situation,
  unreadFleet,
} from "./observation.ts";
import { isRemoved } from "./reconcile.ts";

/** The move that ends a state, or why it does not end yet. */
export type Exit = Move | { waits: string };
export type Rule = (situation: Situation) => Exit;

export const waits = (reason: string): Exit => ({ waits: reason });

export function everyNode(
  situation: Situation,
  rule: {
    holds: (view: NodeView, id: string) => boolean;
    /** After the names of the nodes. */
    missing: string;
    /** The exit when it holds everywhere. */
    exit: () => Exit;
  },
): Exit {
  if (onEveryNode(situation, rule.holds)) return rule.exit();
  return waits(`${missingNodes(situation, rule.holds)}: ${rule.missing}`);
}

/** All nodes run the route of the state, and no older request can change it. */
export const acknowledged = (situation: Situation, then: () => Exit): Exit =>
  everyNode(situation, {
    holds: hasWantedRoute(situation),
    missing: "not acknowledged",
    exit: then,
  });

export function hasWantedRoute(situation: Situation): (view: NodeView, id: string) => boolean {
  const wanted = wantedRoute(situation);
  return (view, id) => isCurrent(situation, view, id) && isSameRoute(view.route, wanted);
}

/** Acknowledged for long enough that no request under way still expects the colour that lost its traffic. */
export const settled = (situation: Situation, then: () => Exit): Exit =>
  acknowledged(situation, () => {
    const { ackedAtMs } = situation.deploy;
    return ackedAtMs !== null && situation.nowMs >= ackedAtMs + situation.limits.settleMs
      ? then()
      : waits("The new route settles.");
  });

/** No node sends new requests to the colour, and none has an open one. */
export const drained = (
  situation: Situation,
  { colour, move }: { colour: Colour; move: Move },
): Exit =>
  everyNode(situation, {
    holds: (view, id) =>
      isCurrent(situation, view, id) &&
      view.slots[colour].every((slot) => slot.state !== "ready" && slot.sessions === 0),
    missing: "requests are open",
    exit: () => move,
  });

/** The colour has no tasks, and no request to the fleet that is under way can start any. */
export function stopped(
  situation: Situation,
  { colour, move }: { colour: Colour; move: Move },
): Exit {
  const { seen, workload, limits, nowMs } = situation;
  if (!isRemoved(situation, colour)) return waits("Not all nodes have removed the tasks.");
  const view = seen.fleet?.[colour];
  if (view === undefined) return waits(unreadFleet(seen));
  if (view.tasks.length > 0)
    return waits(`${view.tasks.length} tasks still run.${refusalOf(view)}`);
  const request = workload.fleetRequest;
  const mayBeLate = request !== null && nowMs < request.atMs + limits.fleetLagMs;
  if (view.desired > 0 || mayBeLate) return waits("The fleet has not confirmed it.");
  return move;
}

type OneOffExits = {
  done: (situation: Situation) => Exit;
  failed: (situation: Situation, reason: string) => Exit;
};

export const oneOff =
  ({ done, failed }: OneOffExits): Rule =>
  (situation) => {
    const view = viewOf(situation);
    if (view?.status === "succeeded") return done(situation);
    if (view?.status === "failed") return failed(situation, view.reason);
    if (view === undefined) return waits("Its state cannot be read.");
    const why = view.status === "absent" && view.refusal !== undefined ? ` ${view.refusal}` : "";
    return waits(`It is ${view.status}.${why}`);
  };

function viewOf({ deploy, seen }: Situation): OneOffView | undefined {
  return seen.oneOff?.token === oneOffOf(deploy)?.token ? seen.oneOff?.view : undefined;
}

const NO_COUNTS: LaneCounts = { requests: 0, errors: 0, latencyMsP95: undefined };

/** Asks the judge, unless a person has decided. */
export function judged(situation: Situation, then: (reason: string) => Exit): Exit {
  const { deploy, seen, nowMs, judge } = situation;
  if (deploy.forced) return then("A person decided to go on.");
  const { plan } = deploy;
  const { reason, verdict } = judge({
    elapsedMs: nowMs - deploy.enteredAtMs,
    msMin: deploy.state === "baking" ? plan.strategy.bakeMs : plan.strategy.analyseMs,
    strategy: plan.strategy,
    isMeasured: seen.traffic !== undefined,
    old: seen.traffic?.lanes[plan.oldColour] ?? NO_COUNTS,
    new: seen.traffic?.lanes[plan.newColour] ?? NO_COUNTS,
    healthy: servingTasks(seen, plan.newColour) ?? 0,
    wanted: plan.count,
  });
  if (verdict === "advance") return then(reason);
  if (verdict === "roll-back") return wayBack(deploy, reason);
  return verdict === "hold" ? hold(deploy, reason) : waits(reason);
}
