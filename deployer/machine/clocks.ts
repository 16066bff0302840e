import type { Deploy } from "./deploy.ts";
import { wantedRoute } from "./edge-config.ts";
import { hasWantedRoute } from "./exit-conditions.ts";
import { carries, isServing, type Situation } from "./observation.ts";
import { RULES, ruledBy, shareBp } from "./states.ts";
import { BASIS_POINTS } from "./strategy.ts";

/** The situation with the times since which something holds. They are persisted, so that they survive a crash. */
export function withClocks(situation: Situation): Situation {
  const { deploy, workload } = situation;
  if (deploy.state === "held" || RULES[deploy.state].isTerminal) return situation;
  const clocks = {
    ackedAtMs: acknowledgedAt(situation),
    thinSinceMs: since(situation, deploy.thinSinceMs, isThin(situation)),
    darkSinceMs: since(situation, deploy.darkSinceMs, isDark(situation)),
  };
  const isSame =
    clocks.ackedAtMs === deploy.ackedAtMs &&
    clocks.thinSinceMs === deploy.thinSinceMs &&
    clocks.darkSinceMs === deploy.darkSinceMs;
  if (isSame) return situation;
  const isNewlyAcknowledged = deploy.ackedAtMs === null && clocks.ackedAtMs !== null;
  return {
    ...situation,
    workload: isNewlyAcknowledged ? { ...workload, route: wantedRoute(situation) } : workload,
    deploy: { ...deploy, ...clocks },
  };
}

/** A node that cannot be read at the moment does not take the acknowledgement back; one with another route does. */
function acknowledgedAt(situation: Situation): number | null {
  const { nodes } = situation.seen;
  const { ackedAtMs } = situation.deploy;
  if (nodes === undefined || nodes.length === 0) return ackedAtMs;
  const holds = hasWantedRoute(situation);
  const isRefused = nodes.some(({ view, id }) => view !== undefined && !holds(view, id));
  if (isRefused) return null;
  const isComplete = nodes.every(({ view }) => view !== undefined);
  return ackedAtMs ?? (isComplete ? situation.nowMs : null);
}

/** `holds`: undefined if it is not known, which changes nothing. */
function since(
  { nowMs }: Situation,
  before: Deploy["thinSinceMs"],
  holds: boolean | undefined,
): number | null {
  if (holds === undefined) return before;
  return holds ? (before ?? nowMs) : null;
}

/** The old colour alone could not take all traffic back. */
function isThin(situation: Situation): boolean | undefined {
  const { deploy } = situation;
  const rules = RULES[ruledBy(deploy)];
  const isNeeded = rules.new === "in" && rules.old === "in" && rules.watchesNew;
  if (!isNeeded || deploy.plan.from === null) return false;
  const isEnough = carries(situation, deploy.plan.oldColour, BASIS_POINTS);
  return isEnough === undefined ? undefined : !isEnough;
}

/** A node sends requests to the new colour, which has no serving task there. */
function isDark({ deploy, seen }: Situation): boolean | undefined {
  if (shareBp(deploy) === 0) return false;
  if (seen.nodes === undefined) return undefined;
  return seen.nodes.some(
    ({ view }) => view !== undefined && !view.slots[deploy.plan.newColour].some(isServing),
  );
}
