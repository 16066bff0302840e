import { AppError } from "#platform/errors.ts";

import type { Deploy } from "./deploy.ts";
import { isMigrating } from "./effects.ts";
import { enter, wayBack, whileMigrating, withStep } from "./move.ts";
import { RULES, ruledBy } from "./states.ts";

/** What people may do, and the permission that it takes. */
export const PERMISSIONS = {
  start: "deploy.start",
  freeze: "deploy.freeze",
  pause: "deploy.pause",
  resume: "deploy.resume",
  hold: "deploy.hold",
  abort: "deploy.abort",
  "roll-back": "deploy.roll-back",
  force: "deploy.force",
} as const;
/** What a person may tell a deploy. */
export type CommandKind = Exclude<keyof typeof PERMISSIONS, "start" | "freeze">;

export type Command = {
  kind: CommandKind;
  /** Who gives it; the caller has checked the permission. */
  actor: string;
  /** Required, for the audit log. */
  reason: string;
};

type Order = Command & { nowMs: number };

const REASON_LENGTH_MAX = 1_000;

/**
 * The deploy after a command.
 * @throws AppError conflict if the command does not fit the state, with what to do instead
 */
export function obey(deploy: Deploy, command: Command, nowMs: number): Deploy {
  const reason = command.reason.trim();
  if (reason === "" || reason.length > REASON_LENGTH_MAX) {
    throw new AppError("unprocessable", `Give a reason of 1 to ${REASON_LENGTH_MAX} characters.`);
  }
  if (RULES[deploy.state].isTerminal || deploy.state === "finishing") {
    throw refusal(`This deploy ${RULES[deploy.state].label}; start a new one.`);
  }
  return COMMANDS[command.kind](deploy, { ...command, reason, nowMs });
}

/** @throws AppError precondition_failed if the deploy has changed since the person has seen it */
export function checkVersion({ version, state }: Deploy, seen: number): void {
  if (version === seen) return;
  throw new AppError(
    "precondition_failed",
    `The deploy has changed since you read it: it ${RULES[state].label}, and its version is ${version}. Look at it again.`,
  );
}

const COMMANDS: Readonly<Record<CommandKind, (deploy: Deploy, order: Order) => Deploy>> = {
  pause,
  resume,
  hold,
  abort,
  "roll-back": rollBack,
  force,
};

/** Refused on the way back, on which users of the new release must not wait for a person. @throws AppError conflict */
function checkNotOnWayBack({ state, plan }: Deploy): void {
  const { share, wayBack: way, label } = RULES[state];
  if (share !== "old" || way !== "none") return;
  throw refusal(
    `It is on its way back and ${label}, which is neither paused nor held. Deploy ${plan.release} again if you want it: that starts when this deploy has ended.`,
  );
}

/** The deploy does not go on to the next state. It is still rolled back if the new release fails. */
function pause(deploy: Deploy, { actor, reason, nowMs }: Order): Deploy {
  checkNotOnWayBack(deploy);
  if (deploy.paused !== null) throw refusal(`It is paused already, by ${deploy.paused.by}.`);
  if (deploy.state === "held") throw refusal("It is held already: nothing moves.");
  return note({ ...deploy, paused: { by: actor, reason, atMs: nowMs } }, { actor, reason, nowMs });
}

/** Goes on where the deploy was paused or held. The state that was held begins again. */
function resume(deploy: Deploy, { actor, reason, nowMs }: Order): Deploy {
  if (deploy.heldFrom !== null) {
    // A migration that failed has its new attempt already; another one may still run, and must not run twice.
    const attempt = deploy.attempt + (isMigrating(deploy.heldFrom) ? 0 : 1);
    const resumed = { ...deploy, paused: null, deaths: 0, attempt };
    return enter(resumed, { to: deploy.heldFrom, reason, by: actor }, nowMs);
  }
  if (deploy.paused === null) throw refusal("It is neither paused nor held.");
  // The time of the state stood still.
  const enteredAtMs = deploy.enteredAtMs + (nowMs - deploy.paused.atMs);
  return note({ ...deploy, paused: null, enteredAtMs }, { actor, reason, nowMs });
}

/** Nothing moves any more, not even back, until a person decides. */
function hold(deploy: Deploy, { actor, reason, nowMs }: Order): Deploy {
  if (deploy.state === "held") throw refusal("It is held already.");
  checkNotOnWayBack(deploy);
  if (deploy.state === "queued") throw refusal("It has not started; abort it instead.");
  return enter(deploy, { to: "held", reason, by: actor }, nowMs);
}

/** Ends a deploy that has no traffic, or that of a first release, as there is none to go back to. */
function abort(deploy: Deploy, { actor, reason, nowMs }: Order): Deploy {
  const state = ruledBy(deploy);
  if (state === "contracting") {
    // The release stays; only the migration is left out.
    const why = whileMigrating(deploy, reason);
    return enter(deploy, { to: "finishing", reason: why, by: actor, outcome: "succeeded" }, nowMs);
  }
  if (RULES[state].wayBack === "revert" && deploy.plan.from === null) {
    return enter(deploy, { to: "reverting", reason, by: actor, outcome: "aborted" }, nowMs);
  }
  if (RULES[state].wayBack !== "undo") {
    throw refusal(
      RULES[state].wayBack === "revert"
        ? "Users may have the new release: roll back instead."
        : `It ${RULES[state].label}, which cannot be undone: deploy the release that you want.`,
    );
  }
  const move = wayBack(deploy, whileMigrating(deploy, reason), actor);
  const to = state === "queued" ? "aborted" : move.to;
  return enter(deploy, { ...move, to, outcome: "aborted" }, nowMs);
}

/** Returns all traffic to the old release, whose tasks are still ready, and stops the new ones. */
function rollBack(deploy: Deploy, { actor, reason, nowMs }: Order): Deploy {
  const state = ruledBy(deploy);
  const { wayBack: way, share, new: place } = RULES[state];
  if (share === "old" && way === "none") throw refusal("It is on its way back already.");
  if (way === "none") {
    throw refusal("The old tasks have been stopped: deploy the old release again.");
  }
  if (way === "undo" && place === "out") {
    throw refusal("The new release has no traffic yet: abort instead.");
  }
  if (way === "revert" && deploy.plan.from === null) {
    throw refusal(
      "There is no earlier release to go back to: abort ends it, and nothing serves then.",
    );
  }
  const move = wayBack(deploy, reason, actor);
  return enter(deploy, { ...move, outcome: "rolled-back" }, nowMs);
}

/** A person takes the responsibility for what the deploy waits for. It never skips a condition of safety. */
function force(deploy: Deploy, { actor, reason, nowMs }: Order): Deploy {
  const state = ruledBy(deploy);
  if (!FORCEABLE.has(state)) {
    throw refusal(`It ${RULES[state].label}, which cannot be skipped.`);
  }
  const order = { kind: "resume", actor, reason, nowMs } as const;
  const going = deploy.heldFrom === null && deploy.paused === null ? deploy : resume(deploy, order);
  return note({ ...going, forced: true }, { actor, reason, nowMs });
}

const FORCEABLE: ReadonlySet<Deploy["state"]> = new Set([
  "waiting",
  "preflight",
  "analysing",
  "baking",
]);

/** A line in the history without a move. */
function note(
  deploy: Deploy,
  { actor, reason, nowMs }: Pick<Order, "actor" | "reason" | "nowMs">,
): Deploy {
  const entry = { atMs: nowMs, state: deploy.state, step: deploy.step, by: actor, reason };
  return { ...deploy, history: withStep(deploy, entry) };
}

const refusal = (message: string): AppError => new AppError("conflict", message);
