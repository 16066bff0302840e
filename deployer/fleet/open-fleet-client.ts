import { CreateClusterCommand, ECSClient } from "@aws-sdk/client-ecs";

import { EcsFleet } from "./ecs-fleet.ts";
import type { FleetClient } from "./fleet-client.ts";
import { asAppError } from "./fleet-error.ts";
import type { FleetPlace } from "./service-input.ts";

const ATTEMPTS_MAX = 12;
const REQUEST_MS_MAX = 10_000;

export type FleetOptions = FleetPlace & {
  region: string;
  /** Instead of that of Amazon ECS in the region. */
  url?: string;
  /** Default: those that the SDK finds. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
};

/** Opens the way to a fleet on Amazon ECS or a local endpoint, and creates the cluster if it is missing. @throws AppError */
export async function openFleetClient(options: FleetOptions): Promise<FleetClient> {
  const { cluster: clusterName, region, url, credentials } = options;
  const client = new ECSClient({
    region,
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: { requestTimeout: REQUEST_MS_MAX, connectionTimeout: REQUEST_MS_MAX / 2 },
    ...(url === undefined ? {} : { endpoint: url }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  const fleet = new EcsFleet(client, options);
  try {
    await client.send(new CreateClusterCommand({ clusterName }));
  } catch (error) {
    fleet.close();
    throw asAppError(error);
  }
  return fleet;
}
