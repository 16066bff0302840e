import type { Deploy, State } from "../machine/deploy.ts";
import { enter } from "../machine/move.ts";
import { planDeploy } from "../machine/plan.ts";
import { queueDeploy } from "../machine/queue.ts";
import { STRATEGY } from "../machine/strategy.ts";
import { newWorkload } from "../machine/workload.ts";
import type { AuditEntry, Intent } from "./port.ts";

/** A deploy in any state. */
export function testDeploy(id: string, state: State, more: Partial<Deploy> = {}): Deploy {
  const workload = newWorkload(more.workload ?? "billing", 4);
  const plan = planDeploy(workload, {
    workload: workload.name,
    release: `release of ${id}`,
    strategy: STRATEGY,
    count: 2,
    migrations: { expand: false, contract: false },
  });
  const queued = queueDeploy({
    id,
    place: 1,
    createdBy: "ana",
    createdAtMs: 1_000,
    requestKey: null,
    train: null,
    plan,
    planConfirmed: false,
  });
  const entered =
    state === "queued" ? queued : enter(queued, { to: state, reason: "a test" }, 2_000);
  return { ...entered, version: 1, ...more };
}

export const testIntent = (id: string, deploy: string | null): Intent => ({
  id,
  workload: "billing",
  deploy,
  effect: { kind: "fleet.ensure", colour: "green", release: "r2", count: 2 },
  atMs: 5,
});

export const testAudit = (target: string): AuditEntry => ({
  atMs: 7,
  actor: "ana",
  action: "deploy.start",
  target,
  reason: "é\u2028 a reason",
  before: null,
  after: { z: 1, a: [null, { y: 2, x: "1" }] },
});
