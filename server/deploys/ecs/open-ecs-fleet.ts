import { FLEET_CALL_MS_MAX } from "#deployer/fleet/colour-fleet.ts";
import { logPlace } from "#deployer/fleet/ecs-manifest.ts";
import { isTemporary } from "#deployer/fleet/fleet-error.ts";
import { openFleetClient } from "#deployer/fleet/open-fleet-client.ts";
import type { FleetPlace } from "#deployer/fleet/service-input.ts";
import type { Log } from "#platform/log.ts";

import { ECS_PACE } from "../pace.ts";
import type { RoleFleet } from "../role-fleet.ts";
import type { EcsPlace } from "./ecs-file.ts";

/** Opens a fleet on Amazon ECS. @throws AppError if its cluster is missing, or credentials are missing or refused */
export async function openEcsFleet(place: EcsPlace, log: Log): Promise<RoleFleet> {
  const { region, cluster, logGroup } = place;
  const client = openFleetClient({ region, ...fleetPlaceOf(place) });
  try {
    await client.until(AbortSignal.timeout(FLEET_CALL_MS_MAX)).checkCluster();
  } catch (error) {
    // What runs already must be looked after as soon as the fleet answers again.
    if (!isTemporary(error)) {
      client.close();
      throw error;
    }
    log.warn("the fleet does not answer yet", { error });
  }
  return {
    client,
    place: `containers of the cluster ${cluster} of Amazon ECS in ${region}`,
    outputOf: async (task, container) => ({ keptIn: logPlace(task, container, logGroup) }),
    pace: ECS_PACE,
    close: async () => client.close(),
  };
}

export const fleetPlaceOf = (place: EcsPlace): FleetPlace => ({
  cluster: place.cluster,
  launchType: place.launchType,
  network: { subnets: place.subnets, securityGroups: place.securityGroups },
});
