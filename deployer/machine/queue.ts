import { otherColour } from "../drivers.ts";
import type { Deploy } from "./deploy.ts";
import type { Limits } from "./limits.ts";
import { enter, hold } from "./move.ts";
import { comparePlans, hashPlan, type Plan, planDeploy } from "./plan.ts";
import type { Workload } from "./workload.ts";

export type NewDeploy = Pick<
  Deploy,
  "id" | "place" | "createdBy" | "createdAtMs" | "requestKey" | "train" | "plan" | "planConfirmed"
>;

/** A deploy that waits for its turn. */
export function queueDeploy(request: NewDeploy): Deploy {
  const { id, createdBy, createdAtMs, plan } = request;
  return {
    ...request,
    workload: plan.workload,
    version: 0,
    planHash: hashPlan(plan),
    state: "queued",
    step: 0,
    enteredAtMs: createdAtMs,
    ackedAtMs: null,
    retryAtMs: null,
    closedAtMs: null,
    heldFrom: null,
    paused: null,
    forced: false,
    outcome: null,
    reason: null,
    deaths: 0,
    attempt: 1,
    thinSinceMs: null,
    darkSinceMs: null,
    times: {
      startedMs: null,
      firstTrafficMs: null,
      fullTrafficMs: null,
      failureMs: null,
      recoveredMs: null,
      doneMs: null,
    },
    history: [
      { atMs: createdAtMs, state: "queued", step: 0, by: createdBy, reason: `Requested as ${id}.` },
    ],
  };
}

/** A deploy that waited for its turn for too long, or will never get it; undefined while it may wait on. */
export function leaveQueue(
  deploy: Deploy,
  { nowMs, limits, cancelled }: { nowMs: number; limits: Limits; cancelled: string | undefined },
): Deploy | undefined {
  if (cancelled !== undefined) {
    return enter(deploy, { to: "aborted", outcome: "aborted", reason: cancelled }, nowMs);
  }
  if (deploy.paused !== null || nowMs < deploy.createdAtMs + limits.waitMsMax) return undefined;
  const reason = "It was not its turn in time.";
  return enter(deploy, { to: "expired", outcome: "expired", reason }, nowMs);
}

/** In the order in which they were requested. */
export const queueOf = (deploys: Iterable<Deploy>, workload: string): Deploy[] =>
  [...deploys]
    .filter((deploy) => deploy.workload === workload && deploy.state === "queued")
    .toSorted((a, b) => a.place - b.place);

/**
 * The first deploy in the queue becomes active if no other is. Its plan is made again, because those before it may not
 * have succeeded; a plan that was confirmed by its hash and is another now waits for a person.
 */
export function takeTurn(
  workload: Workload,
  queue: readonly Deploy[],
  nowMs: number,
): { workload: Workload; deploy: Deploy } | undefined {
  const [first] = queue;
  if (workload.active !== null || first === undefined || first.paused !== null) return undefined;
  const plan = planDeploy(workload, first.plan);
  const planHash = hashPlan(plan);
  const started = enter(
    { ...first, plan, planHash },
    { to: "waiting", reason: "It is its turn." },
    nowMs,
  );
  const isChanged = first.planConfirmed && planHash !== first.planHash;
  const deploy = isChanged
    ? enter(started, hold(started, whyChanged(first.plan, plan)), nowMs)
    : started;
  return { workload: { ...workload, active: deploy.id }, deploy };
}

function whyChanged(before: Plan, now: Plan): string {
  if (before.from !== now.from) {
    return `It was to replace ${before.from ?? "nothing"}, but ${now.from ?? "nothing"} serves.`;
  }
  return `The plan has changed since it was confirmed: ${comparePlans(before, now).join("; ")}.`;
}

/**
 * The workload as it will be when the deploy that moves it and those in its queue have succeeded: what a new deploy
 * finds when it is its turn.
 */
export function afterQueue(workload: Workload, deploys: Iterable<Deploy>): Workload {
  return [...deploys]
    .filter((it) => it.workload === workload.name && willSucceed(it))
    .toSorted((a, b) => a.place - b.place)
    .reduce((before, { state, plan }) => {
      // The plan of a queued deploy is made again when it is its turn.
      const live = state === "queued" ? otherColour(before.live) : plan.newColour;
      return { ...before, live, releases: { ...before.releases, [live]: plan.release } };
    }, workload);
}

const willSucceed = ({ times, outcome }: Deploy): boolean =>
  times.doneMs === null && (outcome === null || outcome === "succeeded");
