import type { DeployDetail, WorkloadView } from "#dashboards/deploys/messages.ts";
import type { WorkloadStatus } from "#deployer/engine/workload-status.ts";
import type { Deploy } from "#deployer/machine/deploy.ts";
import { measuredFrom } from "#deployer/machine/effects.ts";
import { RULES } from "#deployer/machine/states.ts";

import { commandsOf, wayBackOf } from "./commands.ts";
import { liveOf, nodesOf, tasksOf } from "./live.ts";
import { stepsOf } from "./steps.ts";
import { summaryOf } from "./summary.ts";

/** One deploy with everything that its page shows. `status`: of its workload. */
export function detailOf(deploy: Deploy, status: WorkloadStatus, nowMs: number): DeployDetail {
  const isActive = status.active?.id === deploy.id;
  return {
    deploy: summaryOf(deploy),
    plan: deploy.plan,
    planHash: deploy.planHash,
    steps: stepsOf(deploy),
    history: deploy.history.map(({ atMs, state, by, reason }) => {
      return { atMs, state, label: RULES[state].label, by, reason };
    }),
    waitsFor: (isActive ? status.waitsFor : waitInQueue(deploy, status)) ?? null,
    wayBack: wayBackOf(deploy, nowMs),
    commands: commandsOf(deploy, nowMs),
    live: isActive
      ? { ...liveOf(status.workload, status.seen), lanesSinceMs: measuredFrom(deploy) ?? null }
      : null,
  };
}

function waitInQueue(deploy: Deploy, { active, queue }: WorkloadStatus): string | undefined {
  const place = queue.findIndex(({ id }) => id === deploy.id);
  if (place === -1) return undefined;
  const before = place > 0 ? queue[place - 1] : active;
  return before && `${before.plan.release} (${before.id}) comes before it.`;
}

export function workloadOf(
  status: WorkloadStatus,
  of: { freeze: string | undefined; urls: readonly string[]; problems: readonly string[] },
): WorkloadView {
  const { workload, active, queue, waitsFor, seen } = status;
  return {
    name: workload.name,
    urls: [...of.urls],
    problems: [...of.problems],
    live: workload.live,
    release: workload.releases[workload.live],
    releases: workload.releases,
    tasks: tasksOf(seen),
    nodes: nodesOf(workload, seen),
    active: active ? summaryOf(active) : null,
    waitsFor: waitsFor ?? null,
    queue: queue.map(summaryOf),
    freeze: of.freeze ?? null,
  };
}
