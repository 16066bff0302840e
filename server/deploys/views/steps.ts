import type { DeployDetail, STEPS } from "#dashboards/deploys/messages.ts";
import type { Deploy, State } from "#deployer/machine/deploy.ts";
import { RULES } from "#deployer/machine/states.ts";

type Step = (typeof STEPS)[number];

/** The states of each step, in the order of a deploy without problems. */
const STATES: Readonly<Record<Step, readonly [State, ...State[]]>> = {
  waiting: ["queued", "waiting"],
  preparing: ["preflight", "expanding"],
  starting: ["provisioning"],
  verifying: ["verifying", "admitting", "warming"],
  shifting: ["shifting", "analysing"],
  baking: ["baking"],
  draining: ["committing", "draining-old", "retiring-old"],
  finishing: ["contracting", "finishing"],
};
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these are its keys
const ORDER = Object.keys(STATES) as Step[];

/** The way of a deploy so far, and what is ahead. On the way back the step at which it turned is `stopped`. */
export function stepsOf(deploy: Deploy): DeployDetail["steps"] {
  const way = wayOf(deploy);
  const last = way.at(-1)?.step ?? "waiting";
  const isOver = deploy.state === "succeeded";
  const isOnWay = ORDER.some((step) => STATES[step].includes(deploy.state)) && way.length > 0;
  const isStopped = !isOver && (!isOnWay || isReturned(deploy));
  return ORDER.map((step) => {
    const first = way.find((it) => it.step === step);
    const latest = way.findLast((it) => it.step === step);
    const label = RULES[latest?.state ?? STATES[step][0]].label;
    return { step, label, atMs: first?.atMs ?? null, status: statusOf(step) };
  });

  function statusOf(step: Step): DeployDetail["steps"][number]["status"] {
    const distance = ORDER.indexOf(step) - ORDER.indexOf(last);
    if (isOver || distance < 0) return "done";
    if (distance > 0) return "next";
    return isStopped ? "stopped" : "current";
  }
}

/** States of the way forward that were entered, in their order. */
function wayOf(deploy: Deploy): { step: Step; state: State; atMs: number }[] {
  const end = deploy.history.findIndex(({ state }) => isWayBack(state));
  const forward = end === -1 ? deploy.history : deploy.history.slice(0, end);
  return forward.flatMap(({ state, atMs }) => {
    const step = ORDER.find((it) => STATES[it].includes(state));
    const isEarlyEnd = step === "finishing" && isReturned(deploy);
    return step === undefined || isEarlyEnd ? [] : [{ step, state, atMs }];
  });
}

/** A deploy that ended early also announces its end. */
const isReturned = ({ outcome }: Deploy): boolean => outcome !== null && outcome !== "succeeded";

const isWayBack = (state: State): boolean =>
  ["reverting", "draining-new", "retiring-new"].includes(state);
