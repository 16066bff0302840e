import type { Deploy } from "./deploy.ts";
import type { Exit } from "./exit-conditions.ts";
import { EXITS } from "./exits.ts";
import { type Move, wayBack } from "./move.ts";
import { type Situation, whyNoMore } from "./observation.ts";
import { RULES } from "./states.ts";
import { BASIS_POINTS } from "./strategy.ts";

/** The move that the machine makes by itself now, or what it waits for. A held deploy makes none. */
export function findMove(situation: Situation): Exit {
  const { deploy } = situation;
  if (deploy.state === "held" || RULES[deploy.state].isTerminal) {
    return { waits: deploy.reason ?? "" };
  }
  const failure = failureOf(situation);
  if (failure !== undefined) return failure;
  const exit = guarded(situation, EXITS[deploy.state]?.(situation) ?? NEVER);
  const move = "to" in exit ? exit : lateMove(situation, exit.waits);
  // A paused deploy does not go on, but it still protects the users of the old release.
  if (deploy.paused !== null && move?.to !== "reverting") {
    return { waits: `It was paused by ${deploy.paused.by}: ${deploy.paused.reason}` };
  }
  return move ?? exit;
}

const NEVER: Exit = { waits: "It is not its turn." };

/** Failures of the new tasks, and of the old ones that are the way back. */
function failureOf(situation: Situation): Move | undefined {
  const { deploy, nowMs, limits } = situation;
  if (!RULES[deploy.state].watchesNew) return undefined;
  const reason = failureOfNew(situation);
  if (reason !== undefined) return wayBack(deploy, reason);
  const isThin = deploy.thinSinceMs !== null && nowMs >= deploy.thinSinceMs + limits.thinMsMax;
  return isThin && deploy.paused === null
    ? { to: "held", reason: "The old tasks that serve could not take all traffic back." }
    : undefined;
}

function failureOfNew({ deploy, seen, nowMs, limits }: Situation): string | undefined {
  const { id, plan, darkSinceMs, deaths } = deploy;
  const view = seen.fleet?.[plan.newColour];
  // A read that lags behind may show the rollout of the deploy before.
  if (view?.deploy === id) {
    const isFailed = view.rollout === "failed" || view.failedTasks >= limits.deathsMax;
    if (isFailed) return `The new tasks do not start: ${view.reason ?? "no reason was given"}`;
  }
  if (deaths >= limits.deathsMax) return `${deaths} new tasks died.`;
  return darkSinceMs !== null && nowMs >= darkSinceMs + limits.darkMsMax
    ? "An edge node has no new task that serves."
    : undefined;
}

/** No step that a colour, or the way back after it, could not carry. */
function guarded(situation: Situation, exit: Exit): Exit {
  if (!("to" in exit) || (exit.to !== "shifting" && exit.to !== "committing")) return exit;
  const { plan, step } = situation.deploy;
  const shareBp = exit.to === "shifting" ? plan.stepsBp[exit.step ?? step] : BASIS_POINTS;
  const reason = whyNoMore(situation, shareBp ?? BASIS_POINTS);
  return reason === undefined ? exit : { waits: reason };
}

function lateMove({ deploy, nowMs, limits }: Situation, why: string): Move | undefined {
  const { late, msMax, label } = RULES[deploy.state];
  if (late === undefined || msMax === undefined) return undefined;
  const sinceMs = late === "expire" ? deploy.createdAtMs : deploy.enteredAtMs;
  const limitMs = msMax(limits, deploy.plan.strategy);
  if (nowMs < sinceMs + limitMs) return undefined;
  const reason = `It ${label} for more than ${Math.round(limitMs / 1_000)} s. ${why}`;
  return MOVES_WHEN_LATE[late]({ deploy, nowMs, limits }, reason);
}

type Late = NonNullable<(typeof RULES)[Deploy["state"]]["late"]>;
type When = Pick<Situation, "deploy" | "nowMs" | "limits">;

const MOVES_WHEN_LATE: Readonly<Record<Late, (when: When, reason: string) => Move>> = {
  hold: (_when, reason) => ({ to: "held", reason }),
  "go-back": ({ deploy }, reason) => wayBack(deploy, reason),
  wait: ({ nowMs, limits }, reason) => ({
    to: "waiting",
    reason,
    retryAtMs: nowMs + limits.preflightRetryMs,
  }),
  expire: (_when, reason) => ({ to: "finishing", reason, outcome: "expired" }),
  advance: ({ deploy }, reason) =>
    deploy.state === "warming"
      ? { to: "shifting", step: 0, reason }
      : { to: deploy.outcome ?? "failed", reason },
};
