import type { PlanRequest } from "#dashboards/deploys/requests.ts";
import type { FleetView } from "#deployer/drivers.ts";
import type { DeployRequest } from "#deployer/machine/plan.ts";
import type { Strategy } from "#deployer/machine/strategy.ts";
import type { Workload } from "#deployer/machine/workload.ts";

import { type ManagedWorkload, migrationCommand } from "./workloads/managed-workload.ts";

type Known = {
  managed: ManagedWorkload;
  workload: Workload;
  fleet: FleetView | undefined;
  defaults: Strategy;
};

/**
 * A request with everything that it leaves out.
 * @throws AppError unprocessable if the release or a migration does not exist
 */
export function completed(request: PlanRequest, known: Known): DeployRequest {
  const { workload, release, migrations, strategy } = request;
  known.managed.programsOf(release);
  for (const kind of ["expand", "contract"] as const) {
    if (migrations[kind]) migrationCommand(known.managed, kind);
  }
  const given = Object.entries(strategy).filter(([, value]) => value !== undefined);
  return {
    workload,
    release,
    migrations,
    count: request.count ?? presentCount(known),
    strategy: { ...known.defaults, ...Object.fromEntries(given) },
  };
}

/** As many as serve now, so that a deploy takes no capacity away; more if the settings ask for more. */
function presentCount({ managed, workload, fleet }: Known): number {
  const live = workload.releases[workload.live] === null ? 0 : fleet?.[workload.live].desired;
  return Math.max(live ?? 0, managed.tasks);
}
