import type { FleetColour } from "../drivers.ts";
import type { Deploy } from "./deploy.ts";
import type { Exit } from "./exit-conditions.ts";
import { EXITS } from "./exits.ts";
import { hold, type Move, sentence, wayBack, whileMigrating } from "./move.ts";
import { isServing, servingTasks, type Situation, whyNoMore } from "./observation.ts";
import { RULES } from "./states.ts";
import { BASIS_POINTS } from "./strategy.ts";
import { timeText } from "./what-to-do.ts";

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
  if (!isThin || deploy.paused !== null) return undefined;
  const sinceMs = deploy.thinSinceMs ?? nowMs;
  return hold(deploy, `Since ${timeText(sinceMs)} ${thinText(situation)}`);
}

function thinText({ deploy, seen }: Situation): string {
  const { oldColour, from } = deploy.plan;
  const serving = servingTasks(seen, oldColour) ?? "unknown how many";
  const why = seen.fleet?.[oldColour].reason;
  return `the tasks of ${from} that serve (${serving}) could not take all traffic back.${becauseOf(why)}`;
}

const becauseOf = (why: string | undefined): string =>
  why === undefined ? "" : ` The last one that ended: ${why}`;

function failureOfNew({ deploy, seen, nowMs, limits }: Situation): string | undefined {
  const { plan, darkSinceMs, deaths } = deploy;
  const view = viewOfNew({ deploy, seen });
  const { release } = plan;
  const why = becauseOf(view?.reason);
  if (view?.rollout === "failed" || (view?.failedTasks ?? 0) >= limits.deathsMax) {
    return `The new tasks do not start: ${view?.failedTasks} tasks of ${release} ended before the release was complete.${why}`;
  }
  if (deaths >= limits.deathsMax) return `${deaths} tasks of ${release} ended by themselves.${why}`;
  if (darkSinceMs === null || nowMs < darkSinceMs + limits.darkMsMax) return undefined;
  return `Since ${timeText(darkSinceMs)} ${darkText(seen, plan)}.${why}`;
}

function darkText({ nodes = [] }: Situation["seen"], plan: Deploy["plan"]): string {
  const dark = nodes.filter(({ view }) => view?.slots[plan.newColour].some(isServing) === false);
  const slots = dark[0]?.view?.slots[plan.newColour] ?? [];
  const addresses = slots.flatMap(({ address, state }) =>
    address === null || state === "maint" ? [] : [address],
  );
  const where = addresses.length === 0 ? "" : ` (${addresses.join(", ")})`;
  const names = dark.map(({ id }) => id).join(" and ");
  return `no task of ${plan.release}${where} passes the health checks of the edge node ${names}`;
}

/** A read that lags behind may show the rollout of the deploy before. */
function viewOfNew({ deploy, seen }: Pick<Situation, "deploy" | "seen">): FleetColour | undefined {
  const view = seen.fleet?.[deploy.plan.newColour];
  return view?.deploy === deploy.id ? view : undefined;
}

/** No step that a colour, or the way back after it, could not carry. */
function guarded(situation: Situation, exit: Exit): Exit {
  if (!("to" in exit) || (exit.to !== "shifting" && exit.to !== "committing")) return exit;
  const { plan, step } = situation.deploy;
  const shareBp = exit.to === "shifting" ? plan.stepsBp[exit.step ?? step] : BASIS_POINTS;
  const reason = whyNoMore(situation, shareBp ?? BASIS_POINTS);
  return reason === undefined ? exit : { waits: reason };
}

function lateMove(situation: Situation, why: string): Move | undefined {
  const { deploy, nowMs, limits, decidesSinceMs } = situation;
  const { late, msMax, label } = RULES[deploy.state];
  if (late === undefined || msMax === undefined) return undefined;
  const isFailure = late === "hold" || late === "go-back";
  const enteredAtMs = isFailure ? Math.max(deploy.enteredAtMs, decidesSinceMs) : deploy.enteredAtMs;
  const sinceMs = late === "expire" ? deploy.createdAtMs : enteredAtMs;
  const limitMs = msMax(limits, deploy.plan.strategy);
  if (nowMs < sinceMs + limitMs) return undefined;
  const trouble = RULES[deploy.state].watchesNew ? becauseOf(viewOfNew(situation)?.reason) : "";
  const reason = `It ${label} for more than ${Math.round(limitMs / 1_000)} s, since ${timeText(sinceMs)}. ${sentence(why)}${trouble}`;
  return MOVES_WHEN_LATE[late]({ deploy, nowMs, limits }, whileMigrating(deploy, reason));
}

type Late = NonNullable<(typeof RULES)[Deploy["state"]]["late"]>;
type When = Pick<Situation, "deploy" | "nowMs" | "limits">;

const MOVES_WHEN_LATE: Readonly<Record<Late, (when: When, reason: string) => Move>> = {
  hold: ({ deploy }, reason) => hold(deploy, reason),
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
