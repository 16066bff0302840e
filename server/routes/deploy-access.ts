import type { DeployAct } from "#access/deploy-token.ts";
import { checkAct, type MemberCaller, signedInOf } from "#access/route.ts";
import { AppError } from "#platform/errors.ts";

import type { Deploys } from "../deploys/follow-deploys.ts";

export type DeployRoutesDeps = { deploys: Deploys };

/** Who acts, for history and audit log. */
export const actorOf = (caller: MemberCaller): string =>
  caller.token === undefined ? signedInOf(caller).member.email : `token ${caller.token.name}`;

type Call = { caller: MemberCaller; nowMs: number };

/** @throws AppError forbidden for the first workload with which the caller may not do it */
export function checkAll(
  { caller, nowMs }: Call,
  act: DeployAct,
  workloads: readonly string[],
): void {
  for (const workload of workloads) checkAct(caller, act, { workload, nowMs });
}

/** For lists, which leave out what the caller may not see. */
export function maySee({ caller, nowMs }: Call, workload: string | undefined): boolean {
  try {
    checkAct(caller, "see", { workload, nowMs });
    return true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}
