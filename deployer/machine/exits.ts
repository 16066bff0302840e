import type { Deploy, State } from "./deploy.ts";
import {
  acknowledged,
  drained,
  everyNode,
  type Exit,
  judged,
  oneOff,
  type Rule,
  settled,
  stopped,
  waits,
} from "./exit-conditions.ts";
import { hold, type Move, nameOld, wayBack } from "./move.ts";
import {
  canCarry,
  carries,
  isCurrent,
  isServing,
  refusalOf,
  servingTasks,
  type Situation,
  unreadFleet,
  whyNotCarried,
} from "./observation.ts";
import { candidates } from "./slots.ts";
import { BASIS_POINTS } from "./strategy.ts";

/** When each state ends. The other states end by commands, or when it is their turn. */
export const EXITS: Readonly<Partial<Record<State, Rule>>> = {
  waiting,
  preflight,
  expanding: oneOff({
    done: () => toProvisioning("The expand migration succeeded."),
    failed: ({ deploy }, why) => wayBack(deploy, `The expand migration failed: ${why}`),
  }),
  provisioning,
  verifying: oneOff({
    done: () => ({ to: "admitting", reason: "All new tasks passed their verification." }),
    failed: ({ deploy }, why) => wayBack(deploy, `The new tasks failed their verification: ${why}`),
  }),
  admitting,
  warming: oneOff({
    done: () => toStep(0, "The new tasks and their cache are warm."),
    failed: (_situation, why) => toStep(0, `The warm-up ended early: ${why}`),
  }),
  shifting,
  analysing: (situation) =>
    judged(situation, (reason) => toStep(situation.deploy.step + 1, reason)),
  baking: (situation) => judged(situation, (reason) => ({ to: "committing", reason })),
  committing: (situation) =>
    settled(situation, () => {
      const tooFew = "The new tasks that serve cannot take all traffic.";
      const share = { colour: situation.deploy.plan.newColour, shareBp: BASIS_POINTS };
      const why = whyNotCarried(situation, share, tooFew);
      return why === undefined
        ? { to: "draining-old", reason: "All nodes acknowledged the new live colour." }
        : waits(why);
    }),
  "draining-old": (situation) => {
    const reason = `No request to ${nameOld(situation.deploy)} is open.`;
    const colour = situation.deploy.plan.oldColour;
    return drained(situation, { colour, move: { to: "retiring-old", reason } });
  },
  "retiring-old": (situation) => {
    const { plan } = situation.deploy;
    const reason = "All old tasks have stopped.";
    const move: Move = plan.migrations.contract
      ? { to: "contracting", reason }
      : { to: "finishing", reason, outcome: "succeeded" };
    return stopped(situation, { colour: plan.oldColour, move });
  },
  contracting: oneOff({
    done: () => succeed("The contract migration succeeded."),
    failed: ({ deploy }, why) =>
      hold(deploy, `The contract migration failed: ${why}`, { workFailed: true }),
  }),
  reverting: (situation) => {
    const { oldColour } = situation.deploy.plan;
    const { from } = situation.deploy.plan;
    if (from === null) {
      const none = "No node sends requests to the release that is given up.";
      return settled(situation, () => ({ to: "draining-new", reason: none }));
    }
    const reason = `All nodes send all traffic to ${from}.`;
    return settled(situation, () =>
      (servingTasks(situation.seen, oldColour) ?? 0) > 0 &&
      carries(situation, oldColour, BASIS_POINTS) !== false
        ? { to: "draining-new", reason }
        : waits("The old tasks that serve cannot take all traffic."),
    );
  },
  "draining-new": (situation) => {
    const reason = "No request to the new tasks is open.";
    const colour = situation.deploy.plan.newColour;
    return drained(situation, { colour, move: { to: "retiring-new", reason } });
  },
  "retiring-new": (situation) => {
    const move: Move = { to: "finishing", reason: "All new tasks have stopped." };
    return stopped(situation, { colour: situation.deploy.plan.newColour, move });
  },
  finishing: oneOff({
    done: ({ deploy }) => finish(deploy, "The result was announced."),
    failed: ({ deploy }, why) => finish(deploy, `The result could not be announced: ${why}`),
  }),
};

function waiting({ deploy, freeze, nowMs }: Situation): Exit {
  if (freeze !== undefined && !deploy.forced) return waits(freeze);
  if (deploy.retryAtMs !== null && nowMs < deploy.retryAtMs && !deploy.forced) {
    return waits(deploy.reason ?? "The last preflight failed.");
  }
  return { to: "preflight", reason: "Nothing prevents the start." };
}

/** Read only: nothing has changed before all of it holds. */
function preflight(situation: Situation): Exit {
  const { plan } = situation.deploy;
  const slots = situation.workload.slots[plan.newColour];
  if (slots.length < plan.count) {
    return waits(`The edge has ${slots.length} slots a colour, and the plan needs ${plan.count}.`);
  }
  return everyNode(situation, {
    holds: (view, id) =>
      isCurrent(situation, view, id) &&
      view.slots[plan.newColour].every(({ state }) => state === "maint"),
    missing: "do not have their configuration",
    exit: () => {
      const reason = whyNotNow(situation);
      if (reason !== undefined) return waits(reason);
      return plan.migrations.expand
        ? { to: "expanding", reason: "The preflight passed." }
        : toProvisioning("The preflight passed.");
    },
  });
}

function whyNotNow(situation: Situation): string | undefined {
  const { deploy, seen } = situation;
  if (seen.fleet === undefined) return unreadFleet(seen);
  if (deploy.plan.from === null || deploy.forced) return undefined;
  const { count, oldColour } = deploy.plan;
  const tooFew = "The tasks that serve now do not have the capacity for the expected peak.";
  const why = whyNotCarried(situation, { colour: oldColour, shareBp: BASIS_POINTS }, tooFew);
  if (why !== undefined) return why;
  return canCarry(situation, count, BASIS_POINTS)
    ? undefined
    : `The expected peak needs more than the ${count} tasks of the plan.`;
}

const toProvisioning = (reason: string): Move => ({ to: "provisioning", reason });

function provisioning(situation: Situation): Exit {
  const { deploy, seen } = situation;
  const { plan } = deploy;
  const view = seen.fleet?.[plan.newColour];
  if (view === undefined) return waits(unreadFleet(seen));
  const healthy = candidates(situation, plan.newColour).length;
  // A read that lags behind shows the state from before the request.
  const isAsked = view.deploy === deploy.id && view.desired === plan.count;
  if (!isAsked || healthy < plan.count) {
    return waits(`${healthy} of ${plan.count} new tasks are healthy.${refusalOf(view)}`);
  }
  return { to: "verifying", reason: `All ${plan.count} new tasks are healthy.` };
}

/** The gate: every node has checked every new task itself. */
function admitting(situation: Situation): Exit {
  const { plan } = situation.deploy;
  return everyNode(situation, {
    holds: (view) => view.slots[plan.newColour].filter(isServing).length >= plan.count,
    missing: "do not have all new tasks ready",
    exit: () => {
      const reason = "Every node has admitted all new tasks.";
      return plan.strategy.warmUp ? { to: "warming", reason } : toStep(0, reason);
    },
  });
}

const toStep = (step: number, reason: string): Move => ({ to: "shifting", step, reason });

function shifting(situation: Situation): Exit {
  const isLast = situation.deploy.step >= situation.deploy.plan.stepsBp.length - 1;
  return acknowledged(situation, () =>
    isLast
      ? { to: "baking", reason: "All nodes send all traffic to the new release." }
      : { to: "analysing", reason: "All nodes acknowledged the split." },
  );
}

const succeed = (reason: string): Move => ({ to: "finishing", reason, outcome: "succeeded" });

const finish = (deploy: Deploy, reason: string): Move => ({
  to: deploy.outcome ?? "failed",
  reason,
});
