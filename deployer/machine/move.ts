import { otherColour } from "../drivers.ts";
import type { Deploy, Outcome, State } from "./deploy.ts";
import { isMigrating } from "./effects.ts";
import { RULES, ruledBy } from "./states.ts";
import { whatIsDone, whatToDecide } from "./what-to-do.ts";
import type { Workload } from "./workload.ts";

/** The end of a state. */
export type Move = {
  to: State;
  /** For people. */
  reason: string;
  /** The person who caused it; the machine if undefined. */
  by?: string;
  /** How the deploy will end, if that is decided now. */
  outcome?: Outcome;
  /** Index of the step, if it changes. */
  step?: number;
  /** When a waiting deploy looks again. */
  retryAtMs?: number;
  /** The work of the state has ended in vain, so that it needs a new token to be run again. */
  workFailed?: true;
};

const HISTORY_MAX = 500;

/** The history with one more line; the first ones are dropped when there are too many. */
export const withStep = (
  { history }: Pick<Deploy, "history">,
  step: Deploy["history"][number],
): Deploy["history"] => [...history, step].slice(-HISTORY_MAX);

/** Enters a state. Waits, decisions and failures of the state before do not count any more. */
export function enter(deploy: Deploy, move: Move, nowMs: number): Deploy {
  const { to, reason, by = null, outcome = deploy.outcome, step = deploy.step } = move;
  const { retryAtMs = null, workFailed = false } = move;
  const entry = { atMs: nowMs, state: to, step, by, reason };
  return {
    ...deploy,
    state: to,
    step,
    outcome,
    enteredAtMs: nowMs,
    ackedAtMs: null,
    retryAtMs,
    closedAtMs: null,
    heldFrom: to === "held" ? ruledBy(deploy) : null,
    // As soon as it is known how it ends, nothing is left to pause: nobody waits for a person on the way back.
    paused: move.outcome === undefined ? deploy.paused : null,
    attempt: deploy.attempt + Number(workFailed),
    forced: deploy.forced && to === "preflight",
    reason: isNoteworthy(move) ? reason : deploy.outcome && deploy.reason,
    thinSinceMs: null,
    darkSinceMs: null,
    times: timesAfter(deploy, move, nowMs),
    history: withStep(deploy, entry),
  };
}

const isNoteworthy = ({ to, outcome }: Move): boolean =>
  to === "held" || to === "waiting" || (outcome !== undefined && outcome !== "succeeded");

function timesAfter(deploy: Deploy, { to, outcome }: Move, nowMs: number): Deploy["times"] {
  const { times } = deploy;
  const isFailure = to === "held" || (outcome !== undefined && outcome !== "succeeded");
  const isRecovery = to === "draining-new" && deploy.state === "reverting";
  const firstAt = (before: number | null, isNow: boolean): number | null =>
    before ?? (isNow ? nowMs : null);
  return {
    startedMs: firstAt(times.startedMs, to === "preflight"),
    firstTrafficMs: firstAt(times.firstTrafficMs, to === "shifting"),
    fullTrafficMs: firstAt(times.fullTrafficMs, to === "baking"),
    failureMs: firstAt(times.failureMs, isFailure),
    // All nodes had the old route before it settled.
    recoveredMs: times.recoveredMs ?? (isRecovery ? (deploy.ackedAtMs ?? nowMs) : null),
    doneMs: firstAt(times.doneMs, RULES[to].isTerminal),
  };
}

/** What entering a state changes in the workload. */
export function workloadAfter(workload: Workload, deploy: Deploy, to: State): Workload {
  const { newColour, release } = deploy.plan;
  if (to === "provisioning") {
    return { ...workload, releases: { ...workload.releases, [newColour]: release } };
  }
  // From here on the way back is a deploy of its own.
  if (to === "retiring-old") return { ...workload, live: newColour };
  return RULES[to].isTerminal && workload.active === deploy.id
    ? { ...workload, active: null }
    : workload;
}

/**
 * The way back from a state: with traffic first to the old colour, or only the new tasks' end. A reason of the machine is
 * completed by what is done and what to do; one of a person is kept.
 */
export function wayBack(deploy: Deploy, reason: string, by?: string): Move {
  const { wayBack: way, tasks } = RULES[ruledBy(deploy)];
  if (way === "revert" && deploy.plan.from === null) {
    return hold(deploy, `${reason} There is no earlier release to go back to.`);
  }
  const who =
    by === undefined ? { reason: `${sentence(reason)} ${whatIsDone(deploy)}` } : { reason, by };
  if (way === "revert") return { to: "reverting", outcome: "rolled-back", ...who };
  const to = tasks === "start-new" ? "draining-new" : "finishing";
  return { to, outcome: "failed", ...who };
}

/** The machine leaves the decision to a person. */
export const hold = (
  deploy: Deploy,
  reason: string,
  work: Pick<Move, "workFailed"> = {},
): Move => ({
  to: "held",
  reason: `${sentence(reason)} ${whatToDecide(deploy, work)}`,
  ...work,
});

/** A reason with a warning, if a migration that belongs to the state may still run. */
export const whileMigrating = (deploy: Deploy, reason: string): string =>
  isMigrating(ruledBy(deploy))
    ? `${sentence(reason)} The migration may still run: look at /fleet before you deploy again.`
    : reason;

export const sentence = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`);

/** Colours as words of a reason. */
export const nameOld = (deploy: Deploy): string =>
  deploy.plan.from ?? otherColour(deploy.plan.newColour);
