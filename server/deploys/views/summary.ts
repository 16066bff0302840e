import type { DeploySummary } from "#dashboards/deploys/messages.ts";
import type { Deploy } from "#deployer/machine/deploy.ts";
import { RULES, shareBp } from "#deployer/machine/states.ts";

/** A deploy as lists show it. */
export function summaryOf(deploy: Deploy): DeploySummary {
  const { id, workload, version, place, train, plan, state, times } = deploy;
  const { isTerminal, label } = RULES[state];
  return {
    id,
    workload,
    version,
    place,
    train,
    release: plan.release,
    from: plan.from,
    strategy: plan.strategy.kind,
    createdBy: deploy.createdBy,
    createdAtMs: deploy.createdAtMs,
    state,
    label,
    outcome: isTerminal ? deploy.outcome : null,
    isHeld: state === "held",
    paused: deploy.paused,
    reason: deploy.reason,
    shareBp: isTerminal && state !== "succeeded" ? 0 : shareBp(deploy),
    startedMs: times.startedMs,
    firstTrafficMs: times.firstTrafficMs,
    fullTrafficMs: times.fullTrafficMs,
    recoveredMs: times.recoveredMs,
    doneMs: times.doneMs,
  };
}
