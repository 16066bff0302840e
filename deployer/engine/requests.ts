import { isDeepStrictEqual } from "node:util";

import { AppError } from "#platform/errors.ts";
import { newId } from "#platform/ids.ts";

import type { AuditEntry, Change } from "../journal/port.ts";
import { PERMISSIONS } from "../machine/commands.ts";
import type { Deploy } from "../machine/deploy.ts";
import { type Freeze, problemsOf } from "../machine/freezes.ts";
import { DeployRequest, hashPlan, type Plan, planDeploy } from "../machine/plan.ts";
import { queueDeploy } from "../machine/queue.ts";
import { Train } from "../machine/train.ts";
import type { Workload } from "../machine/workload.ts";

export type NewRequest = DeployRequest & {
  actor: string;
  reason: string;
  /** Idempotency-Key */
  key?: string;
  /** The plan that was reviewed: nothing is queued if it would be another one now. */
  planHash?: string;
  /** Workloads of the same train that must have succeeded before. */
  after?: readonly string[];
};

type Known = { nowMs: number; workload: (name: string) => Workload; placeFrom: number };

/** @throws AppError unprocessable with the invalid fields; precondition_failed if a plan has changed */
export function newDeploys(
  name: string,
  requests: readonly NewRequest[],
  known: Known,
): Change & { deploys: Deploy[] } {
  const trainId = name === "" ? null : newId("train");
  const deploys = requests.map((request, index) =>
    newDeploy(request, { ...known, trainId, place: known.placeFrom + index }),
  );
  const audit = deploys.map((deploy, index) => auditOf(deploy, requests[index]?.reason ?? ""));
  if (trainId === null) return { deploys, audit };
  const cars = deploys.map(({ id, workload }, index) => {
    return { workload, deploy: id, after: [...(requests[index]?.after ?? [])] };
  });
  const createdBy = requests[0]?.actor ?? "";
  const train = checked(Train, {
    id: trainId,
    version: 1,
    name,
    createdBy,
    createdAtMs: known.nowMs,
    cars,
  });
  return { deploys, audit, trains: [train] };
}

/**
 * A key that was used for something else is a mistake of the client.
 * @throws AppError unprocessable
 */
export function checkSame(request: NewRequest, { id, plan }: Deploy): void {
  const { workload, release, count, strategy, migrations } = plan;
  const before = { workload, release, count, strategy, migrations };
  if (isDeepStrictEqual(before, DeployRequest.omit({ taskRps: true }).strip().parse(request)))
    return;
  throw new AppError(
    "unprocessable",
    `The Idempotency-Key was used for the deploy ${id} of ${workload} to ${release}: send a new key.`,
  );
}

/**
 * The plan of a request, if the edge has places for its tasks.
 * @throws AppError unprocessable, naming the count
 */
export function planned(workload: Workload, request: DeployRequest): Plan {
  const plan = planDeploy(workload, request);
  const slots = workload.slots[plan.newColour].length;
  if (plan.count <= slots) return plan;
  const message = `must be ${slots} at most, as the edge has ${slots} slots a colour for ${plan.workload}`;
  throw notValid([{ path: "count", message }]);
}

function newDeploy(
  request: NewRequest,
  { nowMs, workload, trainId, place }: Known & { trainId: string | null; place: number },
): Deploy {
  const { actor, key, planHash } = request;
  const plan = planned(workload(request.workload), checked(DeployRequest, request));
  if (planHash !== undefined && planHash !== hashPlan(plan)) {
    throw new AppError(
      "precondition_failed",
      `The plan of ${plan.workload} has changed since it had the hash ${planHash}: review it again. It now replaces ${plan.from ?? "nothing"} by ${plan.release} and has the hash ${hashPlan(plan)}.`,
    );
  }
  const deploy = queueDeploy({
    id: newId("dep"),
    place,
    createdBy: actor,
    createdAtMs: nowMs,
    requestKey: key ?? null,
    train: trainId,
    plan,
    planConfirmed: planHash !== undefined,
  });
  return { ...deploy, version: 1 };
}

type Schema<Output> = {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: Output }
    | { success: false; error: { issues: readonly { path: PropertyKey[]; message: string }[] } };
};

/** @throws AppError unprocessable with the invalid fields */
export function checked<Output>(schema: Schema<Output>, value: unknown): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw notValid(
    parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message })),
  );
}

/** @throws AppError unprocessable with the fields of a freeze that cannot be added now */
export function checkFreeze(freeze: Freeze, nowMs: number): void {
  const problems = problemsOf(freeze, nowMs);
  if (problems.length > 0) throw notValid(problems);
}

function notValid(problems: readonly { path: string; message: string }[]): AppError {
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
  const fields = problems.map((it) => ({ ...it, code: "invalid" }));
  return new AppError("unprocessable", `The request is not valid. ${text}`, { fields });
}

const auditOf = (deploy: Deploy, reason: string): AuditEntry => ({
  atMs: deploy.createdAtMs,
  actor: deploy.createdBy,
  action: PERMISSIONS.start,
  target: deploy.id,
  reason,
  before: null,
  after: { workload: deploy.workload, release: deploy.plan.release, planHash: deploy.planHash },
});
